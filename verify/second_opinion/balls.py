"""Functions of the grammar on wide balls: their ranges, and those of two derivatives.

Arb encloses a function of a wide ball by its derivative, which is crude; here a range is found from
the ends and from the critical points inside. What is not smooth on a ball is NaN, which no comparison accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, fmpq

Map = Callable[[arb], arb]


@dataclass(frozen=True, slots=True)
class Unary:
    """Ranges of a function and of its first two derivatives; ``second`` is NaN where it is not smooth."""

    value: Map
    first: Map
    second: Map


def ball(value: Fraction) -> arb:
    """Return the ball around a rational."""
    return arb(fmpq(value.numerator, value.denominator))


def square(z: arb) -> arb:
    """Return the range of z^2, which is not negative."""
    least, most = z.abs_lower(), z.abs_upper()
    return (least * least).union(most * most)


def meet(a: arb, b: arb) -> arb:
    """Return the intersection of two enclosures of one quantity; the finite one if the other is not."""
    if not b.is_finite():
        return a
    return a.intersection(b) if a.is_finite() else a


def extremes(f: Map, z: arb, critical: Sequence[arb] = ()) -> arb:
    """Return the range over z of a function with these critical points."""
    if not z.is_finite():
        return arb.nan()
    result = f(z.lower()).union(f(z.upper()))
    for point in critical:
        if z.overlaps(point):
            result = result.union(f(point))
    return result


def wave(f: Map, top: arb, z: arb) -> arb:
    """Return the range of a shifted sine with a maximum at ``top``."""
    turn = 2 * arb.pi()
    result = extremes(f, z)
    if ((z - top) / turn).contains_integer():
        result = result.union(arb(1))
    if ((z - top) / turn + arb(0.5)).contains_integer():
        result = result.union(arb(-1))
    return result


def power(z: arb, k: int) -> arb:
    """Return the range of z^k; NaN if k < 0 and z holds 0."""
    if k < 0:
        return arb.nan() if z.contains(0) else 1 / power(z, -k)
    if k % 2 == 0:
        return (z.abs_lower() ** k).union(z.abs_upper() ** k) if k else arb(1)
    return extremes(lambda x: x**k, z)


def chord(a: arb, b: arb, at_zero: int) -> arb:
    """Return the slope of max(0, .) from one number to another; ``at_zero``, which may be any, if both are 0.

    NaN if one is not finite.
    """
    if not (a.is_finite() and b.is_finite()):
        return arb.nan()
    if a == 0 and b == 0:
        return arb(at_zero)
    if a >= 0 and b >= 0:
        return arb(1)
    if a <= 0 and b <= 0:
        return arb(0)
    return a.max(arb(0)) / (a - b) if a > b else b / (b - a)


def _sine(z: arb) -> arb:
    return wave(arb.sin, arb.pi() / 2, z)


def _cosine(z: arb) -> arb:
    return wave(arb.cos, arb(0), z)


def _tangent(z: arb) -> arb:
    if (z / arb.pi() - arb(0.5)).contains_integer():
        return arb.nan()
    return extremes(arb.tan, z)


def _third() -> list[arb]:
    """Return where the second derivatives of tanh (by its value) and atan are extremal: +-1/sqrt 3."""
    return [1 / arb(3).sqrt(), -1 / arb(3).sqrt()]


def _tanh(z: arb) -> arb:
    return extremes(arb.tanh, z)


def _sigmoid(z: arb) -> arb:
    return extremes(lambda x: 1 / (1 + (-x).exp()), z)


def _sigmoid_second(z: arb) -> arb:
    points = [(3 + arb(3).sqrt()) / 6, (3 - arb(3).sqrt()) / 6]
    return extremes(lambda s: s * (1 - s) * (1 - 2 * s), _sigmoid(z), points)


def _positive(f: Map) -> Map:
    return lambda z: extremes(f, z) if z > 0 else arb.nan()


FUNCTIONS = {
    "sin": Unary(_sine, _cosine, lambda z: -_sine(z)),
    "cos": Unary(_cosine, lambda z: -_sine(z), lambda z: -_cosine(z)),
    "tan": Unary(
        _tangent,
        lambda z: 1 + square(_tangent(z)),
        lambda z: extremes(lambda t: 2 * t * (1 + t * t), _tangent(z)),
    ),
    "tanh": Unary(
        _tanh,
        lambda z: 1 - square(_tanh(z)),
        lambda z: extremes(lambda t: 2 * t * (t * t - 1), _tanh(z), _third()),
    ),
    "exp": Unary(*[lambda z: extremes(arb.exp, z)] * 3),
    "log": Unary(_positive(arb.log), _positive(lambda z: 1 / z), _positive(lambda z: -1 / (z * z))),
    "sqrt": Unary(
        _positive(arb.sqrt),
        _positive(lambda z: arb(0.5) / z.sqrt()),
        _positive(lambda z: arb(-0.25) / (z * z.sqrt())),
    ),
    "sigmoid": Unary(
        _sigmoid, lambda z: arb(0.25) - square(_sigmoid(z) - arb(0.5)), _sigmoid_second
    ),
    "relu": Unary(  # has no derivatives: forms and slopes treat it apart
        lambda z: extremes(lambda x: x.max(arb(0)), z), lambda _: arb.nan(), lambda _: arb.nan()
    ),
    "softplus": Unary(  # an activation of networks
        lambda z: extremes(lambda x: x.exp().log1p(), z),
        _sigmoid,
        lambda z: arb(0.25) - square(_sigmoid(z) - arb(0.5)) if z.is_finite() else arb.nan(),
    ),
    "atan": Unary(
        lambda z: extremes(arb.atan, z),
        lambda z: 1 / (1 + square(z)),
        lambda z: extremes(lambda x: -2 * x / (1 + x * x) ** 2, z, _third()),
    ),
}


def find(name: str, k: int) -> Unary:
    """Return a function by name; ``pow`` is z^k."""
    if name != "pow":
        return FUNCTIONS[name]
    return Unary(
        lambda z: power(z, k),
        lambda z: k * power(z, k - 1) if k else arb(0),
        lambda z: k * (k - 1) * power(z, k - 2) if k not in (0, 1) else arb(0),
    )
