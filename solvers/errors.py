"""Errors of the solver: input that cannot be integrated."""

from certdde.errors import CertddeError


class SolverError(CertddeError):
    """The arguments of a solver cannot be used as they are."""


class BlowUpWarning(UserWarning):
    """Some trajectories of a batch left every bound, or could not be continued, before the last time asked for."""
