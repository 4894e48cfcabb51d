"""Batched, differentiable integration of delay differential equations and delayed schemes in torch."""

from certdde.solvers.errors import BlowUpWarning, SolverError
from certdde.solvers.histories import ConstantHistory, FunctionHistory, History, StartingAt
from certdde.solvers.integrate import ddeint, solve
from certdde.solvers.options import Options
from certdde.solvers.solution import Solution

__all__ = [
    "BlowUpWarning",
    "ConstantHistory",
    "FunctionHistory",
    "History",
    "Options",
    "Solution",
    "SolverError",
    "StartingAt",
    "ddeint",
    "solve",
]
