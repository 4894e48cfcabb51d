"""Inequalities: what an engine decides. It does not know where they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from certdde.errors import ProblemError
from certdde.functionals import Functional
from certdde.functionals.algebra import columns, concatenate
from certdde.inequalities.dissipation import eliminate
from certdde.inequalities.features import Features
from certdde.inequalities.reduction import Reduction, as_reduction
from certdde.systems.delay_system import DelaySystem


@dataclass(frozen=True, slots=True)
class Inequality:
    """offset + v(xi)^T H_j v(xi) < 0 for all xi in a box (but 0, where both sides may be 0), for each j.

    Attributes
    ----------
    names : tuple of str
        The variables xi.
    lower, upper : (d,) Tensor
        The box. An axis of width zero is a constant.
    features : callable
        v, on tensors (..., d) and on enclosures.
    forms : (E, m, m) Tensor
    offset : float
    holds_origin : bool
        Whether v vanishes at 0, 0 lies in the box and the form must be definite there.
    """

    names: tuple[str, ...]
    lower: torch.Tensor
    upper: torch.Tensor
    features: Callable[[Any], Any]
    forms: torch.Tensor
    offset: float = 0.0
    holds_origin: bool = True

    def value(self, xi: torch.Tensor) -> torch.Tensor:
        """Return the left-hand sides, (E, ...), at points (..., d), in float64."""
        v = self.features(xi)
        return self.offset + torch.einsum("...i,eij,...j->e...", v, self.forms, v)

    @property
    def dimension(self) -> int:
        """Number of variables."""
        return len(self.names)

    def with_offset(self, offset: float) -> Inequality:
        """Return the inequality with another offset."""
        return replace(self, offset=offset)


@dataclass(frozen=True, slots=True)
class Dissipation:
    """The inequality of a part, and the largest eigenvalue of what was eliminated (must be < 0)."""

    inequality: Inequality
    eliminated: float


def dissipation(
    system: DelaySystem, functional: Functional, cover: Sequence[float] | Reduction
) -> Dissipation:
    """Build D < 0 for every delay of a class (docs/math.md, sections 2 and 3).

    Parameters
    ----------
    system : DelaySystem
        One delay.
    functional : Functional
    cover : Reduction, or sequence of float
        The class; a sequence means a constant delay between its ends, with D affine in tau between neighbours.
    """
    features, reduction = Features.of(system, functional), as_reduction(cover)
    rows = reduction.rows(features, functional.order)
    full = reduction.forms(rows, functional.P, functional.S, functional.R)
    forms, largest = eliminate(full, rows.head)
    lower, upper = box(system, features)
    names = tuple(str(v) for v in features.structure.nonlinear)
    return Dissipation(Inequality(names, lower, upper, features, forms), float(largest.max()))


def box(system: DelaySystem, features: Features) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the domain of the nonlinear variables in deviations, two (d,) float64 tensors, rounded outward.

    Raises
    ------
    ProblemError
        If there are such variables and no domain: networks make them of a linear system too.
    """
    if system.domain is None and features.dimension:
        raise ProblemError(
            "a functional with networks needs a domain",
            where="system.domain",
            wanted="give a box, as in domain = { x = [-1.0, 1.0] }",
        )
    domain = system.domain or ()
    ends = [domain[system.states.index(v.name)] for v in features.structure.nonlinear]
    return _outward([lo for lo, _ in ends], [hi for _, hi in ends])


def _outward(low: Sequence[Any], high: Sequence[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    from fractions import Fraction
    from math import inf, nextafter

    lower = [nextafter(float(x), -inf) if Fraction(float(x)) > x else float(x) for x in low]
    upper = [nextafter(float(x), inf) if Fraction(float(x)) < x else float(x) for x in high]
    return torch.tensor(lower, dtype=torch.float64), torch.tensor(upper, dtype=torch.float64)


@dataclass(frozen=True, slots=True)
class _Core:
    """The features (x, p_V0(x)) of v_0."""

    functional: Functional

    def __call__(self, x: Any) -> Any:
        if self.functional.V0 is None:
            return x
        p = self.functional.V0.displacement(columns(x, self.functional.V0.inputs))
        return concatenate([x, p], [], [("vector", 0), ("vector", 1)])


def faces(
    system: DelaySystem, functional: Functional, longest: float, level: float
) -> list[Inequality]:
    """Return v_0 > level on each face of the domain (docs/math.md, section 4), as level - v_0 < 0.

    The faces are ordered (state 0 low, state 0 high, state 1 low, ..).
    """
    if system.domain is None:
        return []
    core = functional.core(longest)
    outputs = functional.V0.outputs if functional.V0 else 0
    form = -torch.block_diag(core, torch.eye(outputs, dtype=core.dtype)).unsqueeze(0)
    lower, upper = _outward([lo for lo, _ in system.domain], [hi for _, hi in system.domain])
    result = []
    for i in range(system.dimension):
        for end in (lower, upper):
            low, high = lower.clone(), upper.clone()
            low[i] = high[i] = end[i]
            result.append(
                Inequality(
                    system.states, low, high, _Core(functional), form, level, holds_origin=False
                )
            )
    return result
