"""A second opinion on certificates, in ball arithmetic (Arb, python-flint), apart from the checker.

It reads a file by the checker's own parser, and computes everything else anew: features, slopes, bounds
and exact matrices, at 128 bits. It adds to the checker's verdict and never replaces it.
"""

from .opinion import Opinion, compare
from .scope import objection

__all__ = ["Opinion", "compare", "objection"]
