"""Values and gradients of expressions in Arb balls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb, fmpq

from certdde.systems.expressions import (
    Add,
    Call,
    Divide,
    Expression,
    Multiply,
    NetworkOutput,
    Number,
    Power,
    Variable,
)
from certdde.systems.feedforward import ACTIVATIONS, Feedforward, as_array


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
        case NetworkOutput(network, index, arguments):
            return _outputs(network, [jet(a, values, n) for a in arguments])[index]
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
    if name == "relu":
        return _relu(z)
    if name == "sigmoid":
        s = 1 / (1 + (-z.value).exp())
        return z.chain(s, s * (1 - s))
    return z.chain(getattr(z.value, name)(), _DERIVATIVES[name](z.value))


def _relu(z: Jet) -> Jet:
    """Return relu; its slopes over a ball with 0 inside are all of [0, 1]."""
    if z.value > 0:
        return z
    nothing = z.chain(arb(0), arb(0))
    if z.value <= 0:
        return nothing
    top = z.value.abs_upper()
    return z.chain(arb(0).union(top), arb(0).union(1)) if top.is_finite() else z.chain(top, top)


def _outputs(network: Feedforward, arguments: list[Jet]) -> list[Jet]:
    """Return the outputs of a network, less the shift that it may have."""
    if network.origin is None or network.rest is None:
        return _run(network, arguments)
    n = len(arguments[0].slope)
    points = [Jet(ball(Fraction(repr(v))), (arb(0),) * n) for v in network.origin]
    found = []
    for here, there, rest in zip(
        _run(network, arguments), _run(network, points), network.rest, strict=True
    ):
        found.append(Jet(here.value - there.value + ball(Fraction(repr(rest))), here.slope))
    return found


def _run(network: Feedforward, arguments: list[Jet]) -> list[Jet]:
    found = [arguments]
    for step in network.steps:
        first = found[step.sources[0]]
        if step.operation in ACTIVATIONS:
            found.append([_called(step.operation, z) for z in first])
        elif step.operation in ("sum", "product"):
            pairs = zip(first, found[step.sources[1]], strict=True)
            found.append([_combined(step.operation, a, b) for a, b in pairs])
        else:
            weight, bias = as_array(step.weight), as_array(step.bias).tolist()
            full = weight if step.operation == "affine" else np.diag(weight)
            rows = zip(full.tolist(), bias, strict=True)
            found.append([_row(row, first, b) for row, b in rows])
    return found[-1]


def _combined(operation: str, a: Jet, b: Jet) -> Jet:
    pairs = zip(a.slope, b.slope, strict=True)
    if operation == "sum":
        return Jet(a.value + b.value, tuple(s + t for s, t in pairs))
    return Jet(a.value * b.value, tuple(a.value * t + b.value * s for s, t in pairs))


def _row(row: list[float], values: list[Jet], bias: float) -> Jet:
    n = len(values[0].slope)
    value = sum((w * z.value for w, z in zip(row, values, strict=True)), arb(bias))
    slope = tuple(
        sum((w * z.slope[k] for w, z in zip(row, values, strict=True)), arb(0)) for k in range(n)
    )
    return Jet(value, slope)
