"""Spectra of linear delay systems."""

from certdde.verify.spectral.abscissa import rightmost_mode, several_abscissa, spectral_abscissa

__all__ = ["rightmost_mode", "several_abscissa", "spectral_abscissa"]
