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
from certdde.systems.unknowns import resting

TINY = 1e-6  # of the domain: a constant in a shorter interval needs no splitting


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
    shares : (d,) Tensor, optional
        How much the relative width of each axis counts when a box is split; 0: never; default 1.
    constants : int
        How many axes, the last ones, are unknown constants: v vanishes where all others are 0.
    """

    names: tuple[str, ...]
    lower: torch.Tensor
    upper: torch.Tensor
    features: Callable[[Any], Any]
    forms: torch.Tensor
    offset: float = 0.0
    holds_origin: bool = True
    shares: torch.Tensor | None = None
    constants: int = 0

    def value(self, xi: torch.Tensor) -> torch.Tensor:
        """Return the left-hand sides, (E, ...), at points (..., d), in float64."""
        v = self.features(xi)
        return self.offset + torch.einsum("...i,eij,...j->e...", v, self.forms, v)

    @property
    def dimension(self) -> int:
        """Number of variables."""
        return len(self.names)

    @property
    def coordinates(self) -> int:
        """Number of variables that are no constants: the first ones."""
        return len(self.names) - self.constants

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
    shares, count = split_shares(system, features), len(features.structure.constants)
    built = Inequality(features.names, lower, upper, features, forms)
    return Dissipation(replace(built, shares=shares, constants=count), float(largest.max()))


def split_shares(system: DelaySystem, features: Features) -> torch.Tensor | None:
    """Return ``Inequality.shares``: an unknown constant counts as much as its interval is wide, and a tiny one not."""
    if not features.structure.constants:
        return None
    shares, domain = [1.0] * features.dimension, system.whole or ()
    widths = {resting(s): hi - lo for s, (lo, hi) in zip(system.states, domain, strict=True)}
    for variable, (lo, hi) in zip(
        features.structure.constants, features.structure.ranges, strict=True
    ):
        share = float((hi - lo) / widths.get(variable.name, max(abs(lo), abs(hi))))
        shares.append(min(share, 1.0) if share > TINY else 0.0)
    return torch.tensor(shares, dtype=torch.float64)


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
    domain = system.whole or ()
    ends = [domain[system.states.index(v.name)] for v in features.structure.nonlinear]
    ends += [*moment_ranges(system, features.moments), *features.structure.ranges]
    return _outward([lo for lo, _ in ends], [hi for _, hi in ends])


def moment_ranges(system: DelaySystem, moments: Sequence[int]) -> list[tuple[Any, Any]]:
    """Return the ranges of Legendre moments of histories with values in the domain, exact.

    Omega_0 is a mean; |Omega_1| <= (hi - lo) / 2 int |L_1| = (hi - lo) / 4, since L_1 has the mean 0.
    """
    ends, n, domain = [], system.dimension, system.whole or ()
    for index in moments:
        lo, hi = domain[index % n]
        ends.append((lo, hi) if index // n == 1 else (-(hi - lo) / 4, (hi - lo) / 4))
    return ends


def _outward(low: Sequence[Any], high: Sequence[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    from fractions import Fraction
    from math import inf, nextafter

    lower = [nextafter(float(x), -inf) if Fraction(float(x)) > x else float(x) for x in low]
    upper = [nextafter(float(x), inf) if Fraction(float(x)) < x else float(x) for x in high]
    return torch.tensor(lower, dtype=torch.float64), torch.tensor(upper, dtype=torch.float64)


@dataclass(frozen=True, slots=True)
class _Core:
    """The features (u, p_V0(u)) of v_0, u = (x, moments that V0 reads)."""

    functional: Functional

    def __call__(self, u: Any) -> Any:
        if self.functional.V0 is None:
            return u
        n, moments = self.functional.dimension, self.functional.moments()
        read = [i if i < n else n + moments.index(i) for i in self.functional.V0.inputs]
        p = self.functional.V0.displacement(columns(u, read))
        return concatenate([u, p], [], [("vector", 0), ("vector", 1)])


def faces(
    system: DelaySystem, functional: Functional, reduction: Reduction, level: float
) -> list[Inequality]:
    """Return v_0 > level on each face of the domain (docs/math.md, section 4), as level - v_0 < 0.

    The faces are ordered (state 0 low, state 0 high, state 1 low, ..).
    """
    if system.whole is None or system.ends is None:
        return []
    outputs = functional.V0.outputs if functional.V0 else 0
    forms = -torch.stack(
        [
            torch.block_diag(core, torch.eye(outputs, dtype=core.dtype))
            for core in functional.cores(reduction.breaks, reduction.longest)
        ]
    )
    moments = functional.moments()
    ends = [*system.whole, *moment_ranges(system, moments)]
    lower, upper = _outward([lo for lo, _ in ends], [hi for _, hi in ends])
    names = (*system.states, *(f"moment {i}" for i in moments))
    result = []
    for i in range(system.dimension):
        shares = torch.ones(len(names), dtype=torch.float64)
        shares[i] = 0.0
        for side, end in zip(system.ends[i], (lower, upper), strict=True):
            low, high = lower.clone(), upper.clone()
            low[i] = high[i] = end[i]
            if side[0] < side[1]:
                low[i : i + 1], high[i : i + 1] = _outward([side[0]], [side[1]])
            face = Inequality(names, low, high, _Core(functional), forms, level, holds_origin=False)
            result.append(replace(face, shares=shares))
    return result
