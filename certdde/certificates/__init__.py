"""Certificates and their file."""

from certdde.certificates.certificate import Certificate

__all__ = ["Certificate"]
