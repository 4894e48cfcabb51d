"""Values and gradients of expressions in Arb balls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, fmpq

from certdde.systems.expressions import (
    Add,
    Call,
    Divide,
    Expression,
    Multiply,
    Number,
    Power,
    Variable,
)


@dataclass(frozen=True, slots=True)
class Jet:
    """A value and its gradient in the states."""

    value: arb
    slope: tuple[arb, ...]

    def chain(self, value: arb, slope: arb) -> Jet:
        """Return a function of this quantity from its value and its derivative."""
        return Jet(value, tuple(slope * s for s in self.slope))


def ball(value: Fraction) -> arb:
    """Return a ball around a rational number."""
    return arb(fmpq(value.numerator, value.denominator))


def power(value: arb, exponent: int) -> arb:
    """Return an integer power by multiplications: that of flint goes through a logarithm."""
    if exponent < 0:
        return 1 / power(value, -exponent)
    result = arb(1)
    for _ in range(exponent):
        result = result * value
    return result


def jet(expression: Expression, values: Mapping[str, Jet], n: int) -> Jet:
    """Return an expression of quantities with gradients in n variables; delays do not matter."""
    match expression:
        case Number(value):
            return Jet(ball(value), (arb(0),) * n)
        case Variable(name):
            return values[name]
        case Add(a, b):
            p, q = jet(a, values, n), jet(b, values, n)
            return Jet(p.value + q.value, tuple(map(arb.__add__, p.slope, q.slope)))
        case Multiply(a, b):
            p, q = jet(a, values, n), jet(b, values, n)
            pairs = zip(p.slope, q.slope, strict=True)
            return Jet(p.value * q.value, tuple(p.value * t + q.value * s for s, t in pairs))
        case Divide(a, b):
            return jet(Multiply(a, Power(b, -1)), values, n)
        case Power(a, k):
            base = jet(a, values, n)
            return base.chain(power(base.value, k), k * power(base.value, k - 1))
        case Call(name, a):
            return _called(name, jet(a, values, n))
    raise TypeError(expression)


_DERIVATIVES: dict[str, Callable[[arb], arb]] = {
    "sin": lambda z: z.cos(),
    "cos": lambda z: -z.sin(),
    "tan": lambda z: 1 + z.tan() * z.tan(),
    "tanh": lambda z: 1 - z.tanh() * z.tanh(),
    "exp": lambda z: z.exp(),
    "log": lambda z: 1 / z,
    "sqrt": lambda z: 1 / (2 * z.sqrt()),
    "atan": lambda z: 1 / (1 + z * z),
}


def _called(name: str, z: Jet) -> Jet:
    if name == "sigmoid":
        s = 1 / (1 + (-z.value).exp())
        return z.chain(s, s * (1 - s))
    return z.chain(getattr(z.value, name)(), _DERIVATIVES[name](z.value))
