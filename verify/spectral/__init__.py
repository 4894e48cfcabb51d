"""Spectra of linear delay systems."""

from certdde.verify.spectral.abscissa import spectral_abscissa

__all__ = ["spectral_abscissa"]
