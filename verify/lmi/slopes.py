"""The slopes of f on the domain: a polytope of matrices F, f(v) = F v, and its vertices (docs/math.md).

A term that several equations share has one slope for all of them, and terms that share no variables are enclosed by
themselves; the checker does the same (docs/certificate-format.md, "Nonlinear systems").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import numpy as np
import torch

from certdde.systems.delay_system import DelaySystem, Lag
from certdde.systems.exact_values import linear_split, rational
from certdde.systems.expressions import (
    Add,
    Divide,
    Expression,
    Multiply,
    Variable,
    evaluate,
    variables,
)
from certdde.systems.torch_functions import apply_function
from certdde.verify.bound_propagation.slopes import Slope
from certdde.verify.bound_propagation.taylor import interval_product

PIECES = 4096  # as in the checker
MAX_UNCERTAIN = 8
WIDER = 1e-9  # than what the checker may get by another order of operations

Ends = tuple[float, float]
Factored = tuple[Fraction, Expression]


@dataclass(frozen=True, slots=True)
class UncertainSlope:
    """A slope that lies in ``ends``: F = .. + slope * (factors in its column).

    Attributes
    ----------
    column : int
    ends : (float, float)
    factors : (n,) array
    """

    column: int
    ends: Ends
    factors: np.ndarray


@dataclass(frozen=True, slots=True)
class SlopePolytope:
    """Slopes of f on (x, y_1, .., y_L), float64; the checker encloses them again.

    Attributes
    ----------
    lags : tuple of (str, int)
        Delay and multiple of each y_l: those that occur.
    base : (n, n (1 + L)) array
        Linear terms.
    slopes : tuple of UncertainSlope
    """

    lags: tuple[Lag, ...]
    base: np.ndarray
    slopes: tuple[UncertainSlope, ...]

    @property
    def objection(self) -> str:
        """Say why there are no vertices to work with; "" if there are."""
        if not all(np.isfinite(slope.ends).all() for slope in self.slopes):
            return "the slopes of f are not bounded on the domain"
        if len(self.slopes) > MAX_UNCERTAIN:
            return f"{len(self.slopes)} slopes of f vary on the domain, more than {MAX_UNCERTAIN}"
        return ""

    def vertices(self) -> list[np.ndarray]:
        """Return all matrices (n, n (1 + L)) with slopes at an end."""
        found = []
        for ends in product(*(slope.ends for slope in self.slopes)):
            matrix = self.base.copy()
            for slope, value in zip(self.slopes, ends, strict=True):
                matrix[:, slope.column] += value * slope.factors
            found.append(matrix)
        return found

    def matrices(self) -> list[tuple[np.ndarray, ...]]:
        """Return the vertices as (present, delayed_1, .., delayed_L), each (n, n)."""
        n = len(self.base)
        return [tuple(v[:, k : k + n] for k in range(0, v.shape[1], n)) for v in self.vertices()]


def slope_polytope(system: DelaySystem) -> SlopePolytope:
    """Return the polytope that holds the slopes of f over the domain."""
    lags = _lags(system)
    columns = [Variable(s) for s in system.states]
    columns += [Variable(s, *lag) for lag in lags for s in system.states]
    base, factors = np.zeros((system.dimension, len(columns))), dict[Expression, np.ndarray]()
    for i, split in enumerate(map(linear_split, system.rhs)):
        for v, a in split.coefficients.items():
            base[i, columns.index(v)] = float(a)
        for factor, core in separate(split.remainder):
            factors.setdefault(core, np.zeros(system.dimension))[i] += float(factor)
    slopes = []
    for core, weights in factors.items():
        xi = [v for v in columns if v in variables(core)]
        for v, (low, high) in zip(xi, hull(core, xi, _ends(system, xi)), strict=True):
            spread = WIDER * max(abs(low), abs(high))
            ends = low - spread, high + spread
            slopes.append(UncertainSlope(columns.index(v), ends, weights))
    return SlopePolytope(lags, base, tuple(slopes))


def _lags(system: DelaySystem) -> tuple[Lag, ...]:
    """Return the lags that occur: with a coefficient, or in a state that is nonlinear at some lag."""
    splits = [linear_split(expression) for expression in system.rhs]
    delayed = {v.name for s in splits for v in variables(s.remainder) if v.delay is not None}
    used = {v for s in splits for v in s.coefficients}
    used |= {v for e in system.rhs for v in variables(e) if v.name in delayed}
    return tuple(lag for lag in system.lags if lag in {(v.delay, v.multiple) for v in used})


def separate(remainder: Expression) -> list[Factored]:
    """Return terms as (factor, core) that add up to a sum but for constants, no two with a variable in common."""
    groups: list[tuple[frozenset[Variable], Expression]] = []
    for part in _summands(remainder):
        own, apart = frozenset(variables(part)), []
        for others, kept in groups:
            if own & others:
                own, part = own | others, Add(kept, part)
            else:
                apart.append((others, kept))
        groups = [*apart, (own, part)]
    return [_factored(term) for own, term in groups if own]


def _factored(term: Expression) -> Factored:
    """Return the constant factors of a term, and what they multiply."""
    match term:
        case Multiply(a, b) if (constant := rational(a)) is not None:
            factor, core = _factored(b)
            return constant * factor, core
        case Multiply(a, b) if (constant := rational(b)) is not None:
            factor, core = _factored(a)
            return constant * factor, core
        case Divide(a, b) if (constant := rational(b)) is not None and constant != 0:
            factor, core = _factored(a)
            return factor / constant, core
    return Fraction(1), term


def hull(term: Expression, xi: Sequence[Variable], ends: Sequence[Ends]) -> list[Ends]:
    """Return the least and the largest slope of a term on each of its variables, over pieces of their box."""
    count = max(k for k in range(1, PIECES + 1) if k ** len(ends) <= PIECES)
    axes = [torch.linspace(a, b, count + 1, dtype=torch.float64) for a, b in ends]
    low = torch.cartesian_prod(*(axis[:-1] for axis in axes)).reshape(-1, len(ends))
    high = torch.cartesian_prod(*(axis[1:] for axis in axes)).reshape(-1, len(ends))
    found = _evaluated(term, xi, Slope.identity(low, high))
    least, most = found.slo, found.shi
    if len(xi) == 1:  # away from 0 the slope is (h(v) - h(0)) / v
        there = _evaluated(term, xi, replace(Slope.identity(low, high), lo=low, hi=high))
        away = ((low > 0) | (high < 0))[:, 0]
        change, inverse = (there.lo - there.zero, there.hi - there.zero), (1 / high, 1 / low)
        quotient = interval_product(change, (inverse[0][:, 0], inverse[1][:, 0]))
        least = torch.where(away, torch.maximum(least, quotient[0]), least)
        most = torch.where(away, torch.minimum(most, quotient[1]), most)
    return list(zip(least.min(1).values.tolist(), most.max(1).values.tolist(), strict=True))


def _evaluated(term: Expression, xi: Sequence[Variable], box: Slope) -> Slope:
    def call(name: str, z: Slope | float) -> object:
        return z.call(name) if isinstance(z, Slope) else apply_function(name, z)

    values = {v: box.column(k) for k, v in enumerate(xi)}
    found: Slope = evaluate(term, values, call)
    return found


def _ends(system: DelaySystem, xi: Sequence[Variable]) -> list[Ends]:
    domain = dict(zip(system.states, system.domain or (), strict=True))
    return [(float(domain[v.name][0]), float(domain[v.name][1])) for v in xi]


def _summands(expression: Expression) -> list[Expression]:
    if isinstance(expression, Add):
        return [part for side in (expression.left, expression.right) for part in _summands(side)]
    return [expression]
