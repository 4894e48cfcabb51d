"""The independent checker of certificates: `check_file`, and `python -m certdde.verify.checker`.

It follows docs/certificate-format.md with the standard library, numpy and correctly rounded
intervals (`ival`), and shares no code with the rest of certdde.
"""

from .check import CheckResult, check_file

__all__ = ["CheckResult", "check_file"]
