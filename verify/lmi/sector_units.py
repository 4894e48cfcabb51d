"""A loop as linear equations with units: scalar functions, each in a sector on the domain.

    f(x, y) = present x + delayed y + sum_k inputs[:, k] p_k,    p_k = s_k z_k,    low_k <= s_k <= high_k

z_k is linear in x, y and the units before k. The neurons of a network are units, functions of one linear quantity in
the equations are, and what is left is a unit for each of its variables (a slope, as in the polytopic LMI).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import torch

from certdde.errors import ProblemError
from certdde.systems.delay_system import DelaySystem
from certdde.systems.exact_values import linear_split
from certdde.systems.expressions import (
    ZERO,
    Add,
    Call,
    Expression,
    Number,
    Variable,
    evaluate,
    variables,
)
from certdde.systems.torch_functions import apply_function
from certdde.verify.bound_propagation.unary import UNARY
from certdde.verify.lmi.sector_signal import NotAffineError, Signal, call, combine
from certdde.verify.lmi.slopes import WIDER, hull, separate

PIECES = 2**15  # of the box of the nonlinear variables, on which ranges are propagated

Span = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Unit:
    """p = s z with low <= s <= high on the domain.

    Attributes
    ----------
    row : (2 n + k,) array
        z as a linear function of (x, y, p_1, .., p_k), the units before this one.
    low, high : float
        The sector.
    size : float
        A bound of |p| on the domain.
    function : str
        p = function(start + z) - function(start); "" where p is a slope times a variable.
    start : float
    """

    row: np.ndarray
    low: float
    high: float
    size: float
    function: str = ""
    start: float = 0.0


@dataclass(frozen=True, slots=True)
class Loop:
    """Linear equations with units: ``present``, ``delayed`` (n, n), ``inputs`` (n, K)."""

    present: np.ndarray
    delayed: np.ndarray
    inputs: np.ndarray
    units: tuple[Unit, ...]


def loop_of(system: DelaySystem) -> Loop:
    """Return the equations with units.

    Raises
    ------
    ProblemError
        If the equations have no domain, constants known in intervals, or more than one delay.

    Soundness
    ---------
    float64: sectors are enclosures on the domain that are not rounded outward.
    """
    require_plain(system)
    columns = [Variable(s) for s in system.states]
    columns += [Variable(s, system.single_delay()) for s in system.states]
    splits = [linear_split(e) for e in system.rhs]
    linear = np.array([[float(s.coefficients.get(v, 0)) for v in columns] for s in splits])
    table = _Table.on(system, columns, {v for s in splits for v in variables(s.remainder)})
    rows = [table.read(split.remainder) for split in splits]
    inputs = np.zeros((len(splits), len(table.units)))
    for i, row in enumerate(rows):
        for index, factor in row.items():
            if index < len(columns):
                linear[i, index] += factor
            else:
                inputs[i, index - len(columns)] += factor
    n = system.dimension
    return Loop(linear[:, :n], linear[:, n:], inputs, tuple(table.units))


def require_plain(system: DelaySystem) -> None:
    """Refuse systems that the baselines do not take."""
    if system.family is not None or not system.one_lag or system.time == "discrete":
        what = "the baselines take differential equations with one delay, and numbers for all constants"
        raise ProblemError(what, where="system", wanted="such equations")
    if not system.linear and system.domain is None:
        raise ProblemError(
            "the nonlinear terms have no domain", where="system.domain", wanted="one"
        )


@dataclass(slots=True)
class _Table:
    """The units found so far, and the ranges of all columns on the pieces of the domain."""

    columns: list[Variable]
    lower: list[torch.Tensor]
    upper: list[torch.Tensor]
    ends: dict[Variable, tuple[float, float]]
    units: list[Unit] = field(default_factory=list)
    known: dict[tuple[object, ...], int] = field(default_factory=dict)
    slopes: dict[Expression, list[int]] = field(default_factory=dict)

    @classmethod
    def on(cls, system: DelaySystem, columns: list[Variable], inside: set[Variable]) -> _Table:
        """Divide the box of the nonlinear variables."""
        domain = dict(zip(system.states, system.domain or (), strict=False))
        ends = {v: (float(domain[v.name][0]), float(domain[v.name][1])) for v in inside}
        order = [v for v in columns if v in inside]
        count = max(1, int(PIECES ** (1 / max(1, len(order))) + 1e-9))
        axes = [torch.linspace(*ends[v], count + 1, dtype=torch.float64) for v in order]
        none = torch.full((1,), math.nan, dtype=torch.float64)
        spans = {}
        if order:
            low = torch.cartesian_prod(*(a[:-1] for a in axes)).reshape(-1, len(order))
            high = torch.cartesian_prod(*(a[1:] for a in axes)).reshape(-1, len(order))
            spans = {v: (low[:, k], high[:, k]) for k, v in enumerate(order)}
        found = [spans.get(v, (none, none)) for v in columns]
        return cls(columns, [lo for lo, _ in found], [hi for _, hi in found], ends)

    def read(self, remainder: Expression) -> dict[int, float]:
        """Return a remainder as a linear function of the columns and the units; units are added where needed."""
        total: dict[int, float] = {}
        rest: Expression = ZERO
        for term in summands(remainder):
            found = self._affine(term)
            if found is None:
                rest = term if rest == ZERO else Add(rest, term)
            else:
                combine(total, found, 1.0)
        for factor, core in separate(rest):
            for index in self._by_slopes(core):
                combine(total, {index: 1.0}, float(factor))
        return total

    def _affine(self, term: Expression) -> dict[int, float] | None:
        """Return a term as a linear function of units, or None if it is a function of several quantities."""
        before = len(self.units)
        values = {v: Signal({i: 1.0}, 0.0, self) for i, v in enumerate(self.columns)}
        try:
            found = evaluate(term, values, call)
        except NotAffineError:
            self._forget(before)
            return None
        return found.row if isinstance(found, Signal) else {}

    def _forget(self, count: int) -> None:
        keep = len(self.columns) + count
        del self.units[count:], self.lower[keep:], self.upper[keep:]
        self.known = {key: index for key, index in self.known.items() if index < keep}

    def _by_slopes(self, core: Expression) -> list[int]:
        """Add a unit for each variable of a term, once."""
        if core not in self.slopes:
            xi = [v for v in self.columns if v in variables(core)]
            found = []
            for v, (low, high) in zip(xi, hull(core, xi, [self.ends[v] for v in xi]), strict=True):
                size = max(abs(low), abs(high)) * max(map(abs, self.ends[v]))
                found.append(self._append({self.columns.index(v): 1.0}, (low, high), size))
            self.slopes[core] = found
        return self.slopes[core]

    def unit(self, name: str, signal: Signal) -> Signal:
        """Return a function of a signal as a unit: its change from the value at the origin."""
        at_rest = float(apply_function(name, torch.tensor(signal.start, dtype=torch.float64)))
        key = (name, signal.start, tuple(sorted(signal.row.items())))
        if key not in self.known:
            low, high = self._span(signal.row)
            ends = min(float(low.min()), 0.0), max(float(high.max()), 0.0)
            if ends[0] == ends[1]:
                return Signal({}, at_rest, self)
            z = Variable("z")
            function = Call(name, Add(z, Number(Fraction(signal.start))))
            (sector,) = hull(function, [z], [ends])
            span = _range(name, low + signal.start, high + signal.start)
            change = span[0] - at_rest, span[1] - at_rest
            size = max(float(-change[0].min()), float(change[1].max()))
            found = signal.row, sector, size
            self.known[key] = self._append(*found, change, name, signal.start)
        return Signal({self.known[key]: 1.0}, at_rest, self)

    def _span(self, row: dict[int, float]) -> Span:
        low = high = torch.zeros((), dtype=torch.float64)
        for index, a in row.items():
            ends = a * self.lower[index], a * self.upper[index]
            low, high = low + torch.minimum(*ends), high + torch.maximum(*ends)
        return low, high

    def _append(
        self,
        row: dict[int, float],
        sector: tuple[float, float],
        size: float,
        span: Span | None = None,
        name: str = "",
        start: float = 0.0,
    ) -> int:
        """Keep a unit, its sector a little wider than computed."""
        index = len(self.columns) + len(self.units)
        dense = np.zeros(index)
        for column, a in row.items():
            dense[column] = a
        spread = WIDER * max(abs(s) for s in sector)
        ends = sector[0] - spread, sector[1] + spread
        self.units.append(Unit(dense, *ends, size, name, start))
        none = torch.full((1,), math.nan, dtype=torch.float64)
        low, high = span or (none, none)
        self.lower.append(low)
        self.upper.append(high)
        return index


def _range(name: str, low: torch.Tensor, high: torch.Tensor) -> Span:
    if name == "relu":
        return low.clamp(min=0), high.clamp(min=0)
    return UNARY[name].range(low, high)


def summands(expression: Expression) -> Sequence[Expression]:
    """Return the terms of a sum."""
    if isinstance(expression, Add):
        return [*summands(expression.left), *summands(expression.right)]
    return [expression]
