"""Which variables enter f nonlinearly, and f = linear part + remainder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certdde.systems.delay_system import DelaySystem
from certdde.systems.exact_values import LinearSplit, linear_split
from certdde.systems.expressions import (
    ZERO,
    Add,
    Expression,
    Variable,
    scale,
    variables,
)
from certdde.systems.unknowns import Interval


@dataclass(frozen=True, slots=True)
class Structure:
    """f(x, y) = present @ x + delayed @ y + remainder(xi), for one delay.

    Attributes
    ----------
    present, delayed : (n, n) arrays
        Constant coefficients.
    remainders : tuple of Expression
        One a state, ``ZERO`` where f_i is linear.
    nonlinear : tuple of Variable
        The variables of the remainders and those asked for: states first, then delayed, in the order of the states.
    constants : tuple of Variable
        What is known in intervals only: parameters, and the equilibrium's values of the nonlinear states.
    ranges : tuple of (Fraction, Fraction)
        The intervals.
    """

    present: np.ndarray
    delayed: np.ndarray
    remainders: tuple[Expression, ...]
    nonlinear: tuple[Variable, ...]
    states: tuple[str, ...]
    constants: tuple[Variable, ...] = ()
    ranges: tuple[Interval, ...] = ()


def structure(
    system: DelaySystem, present: Sequence[int] = (), delayed: Sequence[int] = ()
) -> Structure:
    """Split f by syntax; ``present`` and ``delayed`` are indices of states that must count as nonlinear besides."""
    delay, family = system.single_delay(), system.family
    splits = [linear_split(expression) for expression in (family.rhs if family else system.rhs)]
    unknown = family.names if family else frozenset()
    rests = [_remainder(split, unknown) for split in splits]
    inside = {v for rest in rests for v in variables(rest) if v.name not in unknown}
    inside |= {Variable(system.states[i]) for i in present} | {
        Variable(system.states[i], delay) for i in delayed
    }
    order = [Variable(s) for s in system.states] + [Variable(s, delay) for s in system.states]

    def matrix(columns: Sequence[Variable]) -> np.ndarray:
        return np.array(
            [[float(split.coefficients.get(v, 0)) for v in columns] for split in splits]
        )

    n = system.dimension
    axes = family.axes({v.name for v in inside}) if family and inside else ()
    return Structure(
        matrix(order[:n]),
        matrix(order[n:]),
        tuple(rests),
        tuple(v for v in order if v in inside),
        system.states,
        tuple(variable for variable, _ in axes),
        tuple(span for _, span in axes),
    )


def _remainder(split: LinearSplit, unknown: frozenset[str]) -> Expression:
    """Return the remainder with the terms in unknown constants alone; ``ZERO`` where no state is in it."""
    rest = split.remainder
    if all(v.name in unknown for v in variables(rest)):
        return ZERO
    for variable, coefficient in split.coefficients.items():
        if variable.name in unknown:
            rest = Add(rest, scale(variable, coefficient))
    return rest
