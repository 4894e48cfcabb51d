"""Batched, differentiable integration of delay differential equations and delayed schemes in torch."""

from certdde.solvers.errors import BlowUpWarning, SolverError
from certdde.solvers.histories import ConstantHistory, FunctionHistory, History, StartingAt
from certdde.solvers.integrate import ddeint, solve
from certdde.solvers.options import Options
from certdde.solvers.sampled import (
    FourierHistory,
    SplineHistory,
    TableHistory,
    random_fourier,
    random_lipschitz,
    random_pieces,
    random_walk,
)
from certdde.solvers.scheme import scheme
from certdde.solvers.solution import Solution

__all__ = [
    "BlowUpWarning",
    "ConstantHistory",
    "FourierHistory",
    "FunctionHistory",
    "History",
    "Options",
    "Solution",
    "SolverError",
    "SplineHistory",
    "StartingAt",
    "TableHistory",
    "ddeint",
    "random_fourier",
    "random_lipschitz",
    "random_pieces",
    "random_walk",
    "scheme",
    "solve",
]
