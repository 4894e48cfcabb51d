"""Networks of the equations on Taylor forms, on slopes and on exact values (spec 3 and 7)."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from ival import Interval

from . import slopes, taylor
from .exact import Exact
from .feedforward import ACTIVATIONS, Feedforward, Step
from .refusal import Refused


def through(network: Feedforward, parts: Sequence[Any], index: int) -> Any:
    """Output `index` of a network at inputs of one algebra."""
    first = parts[0]
    if isinstance(first, Exact):
        return _exact(network, list(parts))[index]
    if isinstance(first, taylor.Taylor):
        return _enclosed(network, taylor.stack(_widened(parts))).rows(index, index + 1)
    if isinstance(first, slopes.Slope):
        return _enclosed(network, slopes.stack(_widened(parts))).rows(index, index + 1)
    if hasattr(first, "through"):
        return first.through(network, parts, index)
    raise Refused("system.networks", "are unknown to this kind")


def _widened(parts: Sequence[Any]) -> list[Any]:
    """Rows (1, B): a number among them is repeated."""
    shapes = [(part.c if isinstance(part, taylor.Taylor) else part.box).shape for part in parts]
    zero = Interval(np.zeros((1, *np.broadcast_shapes((1,), *(shape[1:] for shape in shapes)))))
    return [part + part.like(zero) for part in parts]


def _enclosed(network: Feedforward, column: Any) -> Any:
    """All outputs, a column: every step is an operation that encloses (taylor.py, slopes.py)."""
    value = _run(network, column)
    if network.origin is None:
        return value
    there = _run(network, column.like(_around(network.origin)))
    return value + -there + column.like(_around(network.rest))


def _around(numbers: Sequence[Fraction]) -> Interval:
    """Rational numbers as a column of intervals."""
    found = [Interval(v) for v in numbers]
    return Interval(*(np.array([[getattr(x, end)] for x in found]) for end in ("lo", "hi")))


def _run(network: Feedforward, column: Any) -> Any:
    found = [column]
    for step in network.steps:
        value = found[step.sources[0]]
        if step.operation == "sum":
            value = value + found[step.sources[1]]
        elif step.operation == "product":
            value = value * found[step.sources[1]]
        elif step.operation in ACTIVATIONS:
            value = value.apply(step.operation)
        else:
            value = value.dot(step.weight) + value.like(Interval(step.bias[:, None]))
        found.append(value)
    return found[-1]


def _exact(network: Feedforward, values: list[Exact]) -> list[Exact]:
    """The outputs where they are known: at the origin, or in rational arithmetic all the way."""
    if network.origin is None:
        return _exact_run(network, values)
    rest = [Exact(v) for v in network.rest]
    origin = [Exact(v) for v in network.origin]
    if values == origin:
        return rest
    runs = zip(_exact_run(network, values), _exact_run(network, origin), rest, strict=True)
    return [here + -there + more for here, there, more in runs]


def _exact_run(network: Feedforward, values: list[Exact]) -> list[Exact]:
    found = [values]
    for step in network.steps:
        found.append(_exact_step(step, [found[i] for i in step.sources]))
    return found[-1]


def _exact_step(step: Step, sources: list[list[Exact]]) -> list[Exact]:
    value = sources[0]
    if step.operation == "sum":
        return [a + b for a, b in zip(*sources, strict=True)]
    if step.operation == "product":
        return [a * b for a, b in zip(*sources, strict=True)]
    if step.operation in ACTIVATIONS:
        return [one.apply(step.operation) for one in value]
    rows = zip(step.weight.tolist(), step.bias.tolist(), strict=True)
    return [_exact_dot(row, value, bias) for row, bias in rows]


def _exact_dot(row: list[float], values: list[Exact], bias: float) -> Exact:
    total = Exact(Fraction(bias))
    for weight, value in zip(row, values, strict=True):
        total = total + Exact(Fraction(weight)) * value
    return total
