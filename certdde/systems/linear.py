"""The matrices of a linear system, exact."""

from __future__ import annotations

from fractions import Fraction

from certdde.systems.delay_system import DelaySystem, Lag
from certdde.systems.exact_values import linear_split
from certdde.systems.expressions import (
    Variable,
    variables,
)

Matrix = tuple[tuple[Fraction, ...], ...]


def nonlinear_states(system: DelaySystem) -> dict[str, list[str]]:
    """Return the states whose present, resp. delayed, value is in a nonlinear term, as ``proof.nonlinear`` has it.

    Examples
    --------
    >>> system = DelaySystem.from_equations(["x' = -x - x(t - tau)**3"], domain={"x": [-1, 1]})
    >>> nonlinear_states(system)
    {'states': [], 'delayed': ['x']}
    """
    inside = {v for e in system.rhs for v in variables(linear_split(e).remainder)}
    present = {v.name for v in inside if v.delay is None}
    delayed = {v.name for v in inside if v.delay is not None}
    return {
        "states": [s for s in system.states if s in present],
        "delayed": [s for s in system.states if s in delayed],
    }


def linear_matrices(system: DelaySystem) -> tuple[Matrix, dict[Lag, Matrix]] | None:
    """Return A_0 and, for each lag with a matrix that is not zero, that matrix; None if f is not linear by its syntax.

    Examples
    --------
    >>> system = DelaySystem.from_equations(["x' = -x(t - tau) - x(t - 3*tau)/2"])
    >>> linear_matrices(system)
    (((Fraction(0, 1),),), {('tau', 1): ((Fraction(-1, 1),),), ('tau', 3): ((Fraction(-1, 2),),)})
    """
    splits = [linear_split(expression) for expression in system.rhs]
    if any(variables(split.remainder) for split in splits):
        return None

    def matrix(delay: str | None, multiple: int = 1) -> Matrix:
        columns = [Variable(state, delay, multiple) for state in system.states]
        return tuple(
            tuple(Fraction(split.coefficients.get(v, 0)) for v in columns) for split in splits
        )

    delayed = {lag: matrix(*lag) for lag in system.lags}
    return matrix(None), {k: m for k, m in delayed.items() if any(v for row in m for v in row)}
