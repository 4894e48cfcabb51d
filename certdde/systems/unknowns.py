"""What is known of a system only in intervals: parameters, and the equilibrium."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, product

from certdde.systems.exact_values import fold
from certdde.systems.expressions import (
    ZERO,
    Add,
    Expression,
    Number,
    Variable,
    negate,
    scale,
    substitute,
    variables,
)

Interval = tuple[Fraction, Fraction]
MOST = 32  # values of the parameters at which something is tried


@dataclass(frozen=True, slots=True)
class IntervalParameter:
    """A constant of unknown value in [lower, upper], lower < upper."""

    name: str
    lower: Fraction
    upper: Fraction

    @property
    def middle(self) -> Fraction:
        """The middle of the interval."""
        return (self.lower + self.upper) / 2


@dataclass(frozen=True, slots=True)
class EnclosedEquilibrium:
    """The one equilibrium in the box prod [lower_i, upper_i], lower_i < upper_i, for each value of the parameters."""

    lower: tuple[Fraction, ...]
    upper: tuple[Fraction, ...]

    @property
    def box(self) -> tuple[Interval, ...]:
        """The intervals, a state each."""
        return tuple(zip(self.lower, self.upper, strict=True))


@dataclass(frozen=True, slots=True)
class Family:
    """f(x, y; sigma) in deviations from the equilibrium, for all constants sigma in their intervals.

    Attributes
    ----------
    parameters : tuple of IntervalParameter
        In order of name.
    enclosure : EnclosedEquilibrium, or None where the equilibrium is known exactly
    states : tuple of str
    rhs : tuple of Expression
        f, with ``Variable(name)`` for a parameter and ``Variable(state + "*")`` for the equilibrium's value.
    drift : tuple of (Fraction, Fraction)
        How far the ends of the domain lie, in deviations, from where the system's ``domain`` says: [down, up], a
        state each; [0, 0] where the equilibrium is known.
    """

    parameters: tuple[IntervalParameter, ...]
    enclosure: EnclosedEquilibrium | None
    states: tuple[str, ...]
    rhs: tuple[Expression, ...]
    drift: tuple[Interval, ...]

    @classmethod
    def of(
        cls,
        parsed: Sequence[Expression],
        states: tuple[str, ...],
        parameters: tuple[IntervalParameter, ...],
        point: Sequence[Fraction],
        enclosure: EnclosedEquilibrium | None,
    ) -> Family:
        """Shift f to the equilibrium: exact at ``point``, or unknown in a box that holds it."""
        rests: list[Expression] = [Number(x) for x in point]
        if enclosure is not None:
            rests = [Variable(resting(s)) for s in states]
        rhs = tuple(_shifted(e, dict(zip(states, rests, strict=True))) for e in parsed)
        if enclosure is not None:
            at_rest = {v: rests[states.index(v.name)] for e in parsed for v in _of(e, states)}
            rhs = tuple(
                fold(Add(e, negate(substitute(f, at_rest))))
                for e, f in zip(rhs, parsed, strict=True)
            )
        boxes = enclosure.box if enclosure else tuple((x, x) for x in point)
        drift = tuple((x - b, x - a) for x, (a, b) in zip(point, boxes, strict=True))
        return cls(parameters, enclosure, states, rhs, drift)

    def axes(self, states: Collection[str]) -> tuple[tuple[Variable, Interval], ...]:
        """Return the constants and their intervals: the parameters, then the equilibrium's values of some states."""
        found = [(Variable(p.name), (p.lower, p.upper)) for p in self.parameters]
        boxes = zip(self.states, self.enclosure.box if self.enclosure else (), strict=False)
        return (*found, *((Variable(resting(s)), box) for s, box in boxes if s in states))

    @property
    def names(self) -> frozenset[str]:
        """The names of all constants."""
        return frozenset({*(p.name for p in self.parameters), *map(resting, self.states)})

    def scaled(self, state: Sequence[Fraction], time: Fraction) -> Family:
        """Return the family in x = diag(state) z, t = time * s; the constants stay what they are."""
        drift = tuple((a / k, b / k) for (a, b), k in zip(self.drift, state, strict=True))
        rhs = scaled(self.rhs, self.states, state, time)
        return replace(self, rhs=rhs, drift=drift)


def corners(parameters: Sequence[IntervalParameter]) -> list[dict[str, Fraction]]:
    """Return values of the parameters to try: the middle, then corners of their box."""
    middle = {p.name: p.middle for p in parameters}
    ends = islice(product(*((p.lower, p.upper) for p in parameters)), MOST)
    found = [dict(zip(middle, corner, strict=True)) for corner in ends]
    return [middle, *(corner for corner in found if corner != middle)]


def resting(state: str) -> str:
    """Return the name of the equilibrium's value of a state."""
    return f"{state}*"


def scaled(
    rhs: Sequence[Expression], states: Sequence[str], factors: Sequence[Fraction], time: Fraction
) -> tuple[Expression, ...]:
    """Return f in x = diag(factors) z, t = time * s."""
    by_name = dict(zip(states, factors, strict=True))
    values = {v: scale(v, by_name[v.name]) for e in rhs for v in _of(e, states)}
    return tuple(
        scale(substitute(e, values), time / by_name[s]) for s, e in zip(states, rhs, strict=True)
    )


def inserted(expression: Expression, values: Mapping[str, Fraction]) -> Expression:
    """Replace parameters by their values."""
    return substitute(expression, {Variable(k): Number(v) for k, v in values.items()})


def _of(expression: Expression, states: Collection[str]) -> list[Variable]:
    return [v for v in variables(expression) if v.name in states]


def _shifted(expression: Expression, rests: Mapping[str, Expression]) -> Expression:
    shift = {v: Add(rests[v.name], v) for v in _of(expression, rests) if rests[v.name] != ZERO}
    return fold(substitute(expression, shift))


def at_rest(expression: Expression, states: Sequence[str]) -> Expression:
    """Return f in deviations less its value at zero deviation."""
    zero = dict.fromkeys(_of(expression, states), ZERO)
    return fold(Add(expression, negate(substitute(expression, zero))))


def shifted(
    parsed: Sequence[Expression], states: Sequence[str], point: Sequence[Fraction]
) -> tuple[Expression, ...]:
    """Return f in deviations from a point."""
    rests: dict[str, Expression] = {s: Number(x) for s, x in zip(states, point, strict=True)}
    return tuple(_shifted(e, rests) for e in parsed)
