"""The functions of the grammar and of networks on intervals: value, first and second derivative, where smooth."""

from collections.abc import Callable
from dataclasses import dataclass

import ival
import numpy as np
from ival import Interval

Mask = np.ndarray
Map = Callable[[Interval], Interval]
ROOT3 = ival.sqrt(Interval(3.0))


@dataclass(frozen=True, slots=True)
class Function:
    """Enclosures over an interval Z on which the function is smooth.

    `jet` gives (value, first derivative), `second` the second derivative; `smooth` says whether
    the function is smooth on all of Z (False too where Z is empty or unbounded).
    """

    jet: Callable[[Interval], tuple[Interval, Interval]]
    second: Map
    smooth: Callable[[Interval], Mask]


def only(z: Interval, usable: Mask) -> Interval:
    """The intervals where usable, empty elsewhere; everything computed from an empty interval is empty."""
    return Interval(np.where(usable, z.lo, np.nan), np.where(usable, z.hi, np.nan))


def bounded(z: Interval) -> Mask:
    """Where z is neither empty nor unbounded."""
    return np.asarray(np.isfinite(z.lo) & np.isfinite(z.hi))


def positive(z: Interval) -> Mask:
    """Where z is bounded and positive."""
    return np.asarray(bounded(z) & (z.lo > 0))


def nonzero(z: Interval) -> Mask:
    """Where z is bounded and misses 0."""
    return np.asarray(bounded(z) & ((z.lo > 0) | (z.hi < 0)))


def extremal(g: Map, z: Interval, critical: tuple[Interval, ...]) -> Interval:
    """The range of g over z. Lemma: g takes its extremes over [lo, hi] at the ends or at critical points inside.

    `critical` encloses every critical point of g; a value counts if its enclosure meets z.
    """
    low, high = g(Interval(z.lo)), g(Interval(z.hi))
    bottom, top = np.minimum(low.lo, high.lo), np.maximum(low.hi, high.hi)
    for point in critical:
        value, met = g(point), (z.lo <= point.hi) & (z.hi >= point.lo)
        bottom = np.where(met, np.minimum(bottom, value.lo), bottom)
        top = np.where(met, np.maximum(top, value.hi), top)
    return Interval(bottom, top)


def _tanh_second(z: Interval) -> Interval:
    """-2 t (1 - t^2), t = tanh z, critical at t = +-1/sqrt 3."""
    points = (1 / ROOT3, -1 / ROOT3)
    return extremal(lambda t: t * (ival.sqr(t) - 1.0) * 2.0, ival.tanh(z), points)


def _sigmoid(z: Interval) -> Interval:
    return ival.recip(ival.exp(-z) + 1.0)


def _sigmoid_second(z: Interval) -> Interval:
    """With s the value: s (1-s) (1-2s), critical at s = (3 +- sqrt 3)/6."""
    points = ((3 - ROOT3) / 6, (3 + ROOT3) / 6)
    return extremal(lambda s: s * (1.0 - s) * (1.0 - s * 2.0), _sigmoid(z), points)


def _atan_second(z: Interval) -> Interval:
    """-2z / (1 + z^2)^2, critical at z = +-1/sqrt 3."""
    points = (1 / ROOT3, -1 / ROOT3)
    return extremal(lambda x: x * -2.0 / ival.sqr(ival.sqr(x) + 1.0), z, points)


def _tanh_jet(z: Interval) -> tuple[Interval, Interval]:
    t = ival.tanh(z)
    return t, 1.0 - ival.sqr(t)


def _tan_jet(z: Interval) -> tuple[Interval, Interval]:
    t = ival.tan(z)
    return t, ival.sqr(t) + 1.0


def _sigmoid_jet(z: Interval) -> tuple[Interval, Interval]:
    s = _sigmoid(z)
    half = s - 0.5
    return s, 0.25 - ival.sqr(half)


def _softplus_jet(z: Interval) -> tuple[Interval, Interval]:
    return ival.log(ival.exp(z) + 1.0), _sigmoid(z)


def _sqrt_jet(z: Interval) -> tuple[Interval, Interval]:
    root = ival.sqrt(z)
    return root, 0.5 / root


def _tan_second(z: Interval) -> Interval:
    t = ival.tan(z)
    return t * (ival.sqr(t) + 1.0) * 2.0


FUNCTIONS = {
    "sin": Function(lambda z: (ival.sin(z), ival.cos(z)), lambda z: -ival.sin(z), bounded),
    "cos": Function(lambda z: (ival.cos(z), -ival.sin(z)), lambda z: -ival.cos(z), bounded),
    "tan": Function(_tan_jet, _tan_second, lambda z: bounded(z) & bounded(ival.tan(z))),
    "tanh": Function(_tanh_jet, _tanh_second, bounded),
    "exp": Function(lambda z: (ival.exp(z), ival.exp(z)), ival.exp, bounded),
    "log": Function(
        lambda z: (ival.log(z), ival.recip(z)), lambda z: -ival.recip(ival.sqr(z)), positive
    ),
    "sqrt": Function(_sqrt_jet, lambda z: -0.25 / (z * ival.sqrt(z)), positive),
    "sigmoid": Function(_sigmoid_jet, _sigmoid_second, bounded),
    # An activation of networks: the grammar does not have it (tree.py).
    "softplus": Function(_softplus_jet, lambda z: _sigmoid_jet(z)[1], bounded),
    "atan": Function(
        lambda z: (ival.atan(z), ival.recip(ival.sqr(z) + 1.0)), _atan_second, bounded
    ),
}


def _monomial(factor: int, z: Interval, k: int) -> Interval:
    """The value of factor * z^k."""
    if factor == 0 or k == 0:
        return z * 0.0 + float(factor)
    return (z if k == 1 else ival.sqr(z) if k == 2 else z**k) * float(factor)


def find(name: str, k: int) -> Function:
    """A function by name; `pow` is z^k for an integer k, smooth away from 0 if k is negative."""
    if name != "pow":
        return FUNCTIONS[name]
    return Function(
        lambda z: (_monomial(1, z, k), _monomial(k, z, k - 1)),
        lambda z: _monomial(k * (k - 1), z, k - 2),
        nonzero if k < 0 else bounded,
    )
