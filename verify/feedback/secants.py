"""Slopes in one variable from 0, for any values of the other variables: q(y) - q(0) in s y.

Float64, not rounded outward: it finds proofs, the checker confirms them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.systems.delay_system import DelaySystem
from certdde.systems.exact_values import fold
from certdde.systems.expressions import (
    ZERO,
    Variable,
    evaluate,
    substitute,
)
from certdde.verify.bound_propagation.slopes import relu_slope
from certdde.verify.bound_propagation.taylor import interval_product
from certdde.verify.bound_propagation.unary import UNARY, Range, Unary, power


@dataclass(frozen=True, slots=True)
class Secant:
    """Ranges of a quantity: at 0, over the boxes (B,), between 0 and the boxes; and of its slope."""

    zero: Range
    box: Range
    whole: Range
    slope: Range

    @classmethod
    def variable(cls, low: Tensor, high: Tensor) -> Secant:
        """Return the variable whose slopes are asked for."""
        zero, one = torch.zeros_like(low), torch.ones_like(low)
        return cls((zero, zero), (low, high), (low.clamp(max=0), high.clamp(min=0)), (one, one))

    @classmethod
    def other(cls, low: Tensor, high: Tensor) -> Secant:
        """Return a variable that may be anywhere in its interval."""
        zero = torch.zeros_like(low)
        return cls((low, high), (low, high), (low, high), (zero, zero))

    def __add__(self, other: Secant | float) -> Secant:
        if isinstance(other, Secant):
            return Secant(
                _sum(self.zero, other.zero),
                _sum(self.box, other.box),
                _sum(self.whole, other.whole),
                _sum(self.slope, other.slope),
            )
        shift = (other, other)
        return Secant(*(_sum(r, shift) for r in (self.zero, self.box, self.whole)), self.slope)

    __radd__ = __add__

    def __mul__(self, other: Secant | float) -> Secant:
        if not isinstance(other, Secant):
            ranges = (self.zero, self.box, self.whole, self.slope)
            return Secant(*(_scaled(r, other) for r in ranges))
        p, q = (_scaled(_sum(v.zero, v.box), 0.5) for v in (self, other))
        slope = _sum(interval_product(p, other.slope), interval_product(q, self.slope))
        return Secant(
            interval_product(self.zero, other.zero),
            interval_product(self.box, other.box),
            interval_product(self.whole, other.whole),
            slope,
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Secant | float) -> Secant:
        return self * (other**-1 if isinstance(other, Secant) else 1 / other)

    def __rtruediv__(self, other: float) -> Secant:
        return self**-1 * other

    def __pow__(self, exponent: int) -> Secant:
        if exponent == 0:
            return self * 0.0 + 1.0
        return self if exponent == 1 else self.apply(power(exponent))

    def call(self, name: str) -> Secant:
        """Return a named function of it."""
        return self._relu() if name == "relu" else self.apply(UNARY[name])

    def _relu(self) -> Secant:
        """Return max(0, .), whose slope from one point to another grows with both."""
        factor = tuple(relu_slope(a, b) for a, b in zip(self.zero, self.box, strict=True))
        ranges = [tuple(end.clamp(min=0) for end in r) for r in (self.zero, self.box, self.whole)]
        return Secant(*ranges, interval_product(factor, self.slope))

    def apply(self, function: Unary) -> Secant:
        """Return a function of it: by Taylor's theorem at the value at 0, and by the mean value theorem."""
        mean, start = function.slope_range(*self.whole), function.slope_range(*self.zero)
        change = (self.box[0] - self.zero[1], self.box[1] - self.zero[0])
        near = _sum(start, _scaled(interval_product(function.curvature(*self.whole), change), 0.5))
        factor = (torch.maximum(mean[0], near[0]), torch.minimum(mean[1], near[1]))
        return Secant(
            function.range(*self.zero),
            function.range(*self.box),
            function.range(*self.whole),
            interval_product(factor, self.slope),
        )


def _sum(a: Range, b: Range | tuple[float, float]) -> Range:
    return a[0] + b[0], a[1] + b[1]


def _scaled(a: Range, factor: float) -> Range:
    return (a[0] * factor, a[1] * factor) if factor >= 0 else (a[1] * factor, a[0] * factor)


def feedback_range(system: DelaySystem, low: Tensor, high: Tensor) -> tuple[Range, Range]:
    """Return the ranges of p and m over boxes (B, 2) of (x, y), where f(x, y) = -p(x) x - m(x, y) y.

    Parameters
    ----------
    system : DelaySystem
        Of one state.
    low, high : (B, 2) Tensor
        In deviations from the equilibrium.

    Soundness
    ---------
    float64; NaN where f is not smooth.
    """
    [f], [state], delay = system.rhs, system.states, system.delay()
    x, y = Variable(state), Variable(state, delay)
    alone = fold(substitute(f, {y: ZERO}))
    present = evaluate(alone, {x: Secant.variable(low[:, 0], high[:, 0])}, _call)
    values = {x: Secant.other(low[:, 0], high[:, 0]), y: Secant.variable(low[:, 1], high[:, 1])}
    delayed = evaluate(f, values, _call)
    return _gain(present, low[:, 0], high[:, 0]), _gain(delayed, low[:, 1], high[:, 1])


def _call(name: str, value: Secant | float) -> Secant | float:
    from certdde.systems.torch_functions import apply_function

    return value.call(name) if isinstance(value, Secant) else apply_function(name, value)


def _gain(value: Secant | float, low: Tensor, high: Tensor) -> Range:
    """Return the range of the negated slope, away from 0 also as a quotient; NaN where it is not known."""
    if not isinstance(value, Secant):
        return torch.zeros_like(low), torch.zeros_like(low)
    good = torch.isfinite(value.whole[0]) & torch.isfinite(value.whole[1])
    away = (low > 0) | (high < 0)
    change = (value.box[0] - value.zero[1], value.box[1] - value.zero[0])
    quotient = interval_product(change, (1 / high, 1 / low))
    least = torch.where(away, torch.maximum(quotient[0], value.slope[0]), value.slope[0])
    most = torch.where(away, torch.minimum(quotient[1], value.slope[1]), value.slope[1])
    nan = torch.full_like(low, torch.nan)
    return torch.where(good, -most, nan), torch.where(good, -least, nan)
