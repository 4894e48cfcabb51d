"""Which variables enter f nonlinearly, and f = linear part + remainder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certdde.systems.delay_system import DelaySystem
from certdde.systems.expressions import ZERO, Expression, Variable, linear_split, variables


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
    """

    present: np.ndarray
    delayed: np.ndarray
    remainders: tuple[Expression, ...]
    nonlinear: tuple[Variable, ...]
    states: tuple[str, ...]


def structure(
    system: DelaySystem, present: Sequence[int] = (), delayed: Sequence[int] = ()
) -> Structure:
    """Split f by syntax; ``present`` and ``delayed`` are indices of states that must count as nonlinear besides."""
    delay = system.single_delay()
    splits = [linear_split(expression) for expression in system.rhs]
    inside = set().union(*(variables(split.remainder) for split in splits))
    inside |= {Variable(system.states[i]) for i in present} | {
        Variable(system.states[i], delay) for i in delayed
    }
    order = [Variable(s) for s in system.states] + [Variable(s, delay) for s in system.states]

    def matrix(columns: Sequence[Variable]) -> np.ndarray:
        return np.array(
            [[float(split.coefficients.get(v, 0)) for v in columns] for split in splits]
        )

    n = system.dimension
    remainders = tuple(split.remainder if variables(split.remainder) else ZERO for split in splits)
    return Structure(
        matrix(order[:n]),
        matrix(order[n:]),
        remainders,
        tuple(v for v in order if v in inside),
        system.states,
    )
