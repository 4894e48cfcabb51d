"""Spectra of linear delay systems."""

from certdde.verify.spectral.abscissa import several_abscissa, spectral_abscissa

__all__ = ["several_abscissa", "spectral_abscissa"]
