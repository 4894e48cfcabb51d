"""Networks that the equations call, step by step in balls (docs/certificate-format.md, section 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from flint import arb

from certdde.verify.checker.feedforward import ACTIVATIONS, Feedforward, Step

from .balls import ball

T = TypeVar("T")


def outputs(network: Feedforward, inputs: Sequence[T]) -> list[T]:
    """Return N(w), or N(w) - N(origin) + rest, for forms or slopes w."""
    first: Any = inputs[0]
    constant: Callable[[arb], T] = first.constant
    here = _values(network, inputs, constant)
    if network.origin is None:
        return here
    there = _values(network, _constants(network.origin, constant), constant)
    rest = _constants(network.rest, constant)
    found: list[T] = []
    for value, away, wanted in zip(here, there, rest, strict=True):
        item: Any = value
        found.append(item + -away + wanted)
    return found


def _constants(numbers: Sequence[Fraction], constant: Callable[[arb], T]) -> list[T]:
    return [constant(ball(number)) for number in numbers]


def _values(
    network: Feedforward, inputs: Sequence[Any], constant: Callable[[arb], Any]
) -> list[Any]:
    """Return the value of the last step."""
    found = [list(inputs)]
    for step in network.steps:
        taken = [found[source] for source in step.sources]
        found.append(_step(step, taken, constant))
    return found[-1]


def _step(step: Step, taken: list[list[Any]], constant: Callable[[arb], Any]) -> list[Any]:
    """Return one step; what there are the weights are binary64 numbers, so exact balls."""
    operation, first = step.operation, taken[0]
    if operation in ACTIVATIONS:
        return [value.apply(operation) for value in first]
    if operation in ("sum", "product"):
        pairs = zip(first, taken[1], strict=True)
        return [a + b if operation == "sum" else a * b for a, b in pairs]
    bias = [constant(arb(b)) for b in step.bias.tolist()]
    rows = step.weight.tolist()
    combine = type(first[0]).combine
    if operation == "scale":
        found = [combine([arb(rows[i][i])], [value]) for i, value in enumerate(first)]
    else:
        found = [combine([arb(w) for w in row], first) for row in rows]
    return [value + b for value, b in zip(found, bias, strict=True)]
