"""A network under construction: steps that are written down in order, without rounding a weight."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from certdde.errors import ProblemError
from certdde.systems.feedforward import (
    ACTIVATIONS,
    LARGEST,
    MAX_STEPS,
    MAX_WIDTH,
    Feedforward,
    Step,
)
from certdde.systems.network_files.exact import exact_sum

MAX_NUMBERS = 1 << 24  # weights of all layers
MAX_BYTES = 4 * MAX_NUMBERS  # of a file
_MOST_DRAFTED = 4 * MAX_STEPS  # with those that are merged into others later


@dataclass(slots=True)
class Draft:
    """Values of a network in the order of their steps; value 0 is the input.

    Parameters
    ----------
    inputs : int
        Components of the input.
    where : str
        The place that an error names; readers move it from operation to operation.

    Raises
    ------
    ProblemError
        From every method: if a weight is NaN, infinite or too large, shapes do not chain, or there are too many steps.
    """

    inputs: int
    where: str
    steps: list[Step] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    numbers: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.inputs <= MAX_WIDTH:
            raise self.error(f"{self.inputs} inputs", f"1 to {MAX_WIDTH}")
        self.widths.append(self.inputs)

    def error(self, what: str, wanted: str) -> ProblemError:
        """Return an error at the present place."""
        return ProblemError(what, where=self.where, wanted=wanted)

    def affine(self, value: int, weight: np.ndarray, bias: np.ndarray | None = None) -> int:
        """Add weight @ v + bias."""
        rows = weight.shape[0]
        if weight.ndim != 2 or weight.shape[1] != self.widths[value]:
            shape = " x ".join(map(str, weight.shape))
            raise self.error(
                f"a {shape} weight for {self.widths[value]} inputs", "layers whose shapes chain"
            )
        if not 1 <= rows <= MAX_WIDTH:
            raise self.error(f"a layer of {rows} units", f"1 to {MAX_WIDTH}")
        self.numbers += weight.size
        if self.numbers > MAX_NUMBERS:
            raise self.error("too many weights", f"at most {MAX_NUMBERS}")
        given = np.zeros(rows) if bias is None else bias
        if given.shape != (rows,):
            shape = " x ".join(map(str, given.shape))
            raise self.error(f"a bias of shape {shape} for {rows} units", "one number a unit")
        return self._add(Step("affine", (value,), self._finite(weight), self._finite(given)), rows)

    def scale(self, value: int, weight: np.ndarray, bias: np.ndarray) -> int:
        """Add weight * v + bias, componentwise."""
        step = Step("scale", (value,), self._finite(weight), self._finite(bias))
        return self._add(step, self.widths[value])

    def scaled(self, value: int, factor: Any) -> int:
        """Add factor * v; a factor for all components or for each."""
        return self.scale(value, self._all(value, factor), self._all(value, 0.0))

    def plus(self, value: int, bias: Any) -> int:
        """Add v + bias; the bias of a layer becomes a part of the layer if it need not be rounded."""
        vector = self._finite(self._all(value, bias))
        if (step := self._linear(value)) is not None:
            total = exact_sum(step.bias, vector)
            if total is not None:
                return self._add(
                    Step(step.operation, step.sources, step.weight, total), vector.size
                )
        return self.scale(value, self._all(value, 1.0), vector)

    def minus_from(self, value: int, bias: Any) -> int:
        """Add bias - v, as a part of the layer that v is if nothing need be rounded."""
        vector = self._finite(self._all(value, bias))
        if (step := self._linear(value)) is not None:
            total = exact_sum(vector, -step.bias)
            if total is not None:
                step = Step(step.operation, step.sources, 0.0 - step.weight, total)
                return self._add(step, vector.size)
        return self.scale(value, self._all(value, -1.0), vector)

    def activated(self, value: int, name: str) -> int:
        """Add tanh, sigmoid or relu of v."""
        if name not in ACTIVATIONS:
            raise self.error(f"{shown(name)} is no activation", f"one of {', '.join(ACTIVATIONS)}")
        return self._add(Step(name, (value,)), self.widths[value])

    def leaky(self, value: int, slope: float) -> int:
        """Add max(v, 0) + slope min(v, 0), written slope v + (1 - slope) relu(v).

        So written, bounds on its secants term by term are slope and 1. The factor 1 - slope is a sum of two binary64
        numbers; the second is mostly 0.
        """
        if slope == 0:
            return self.activated(value, "relu")
        high = 1.0 - slope
        part = high - 1.0
        low = (1.0 - (high - part)) + (-slope - part)
        kink = self.activated(value, "relu")
        total = self.combined("sum", self.scaled(value, slope), self.scaled(kink, high))
        return total if low == 0 else self.combined("sum", total, self.scaled(kink, low))

    def clipped(self, value: int, lower: float | None, upper: float | None) -> int:
        """Add min(max(v, lower), upper), one bound inside the other: its secants lie between 0 and 1."""
        if lower is not None and upper is not None and lower > upper:
            raise self.error(
                f"the bounds {lower!r} and {upper!r} of clip are reversed", "lower <= upper"
            )
        if lower is not None:
            above = self.activated(self.plus(value, -lower) if lower else value, "relu")
            value = self.plus(above, lower) if lower else above
        if upper is not None:
            below = self.activated(self.minus_from(value, upper), "relu")
            value = self.minus_from(below, upper)
        return value

    def combined(self, operation: str, left: int, right: int) -> int:
        """Add the sum or the product of two values."""
        widths = self.widths[left], self.widths[right]
        if widths[0] != widths[1]:
            what = f"vectors of {widths[0]} and {widths[1]} components together"
            raise self.error(what, "layers whose shapes chain")
        return self._add(Step(operation, (left, right)), widths[0])

    def network(self, value: int) -> Feedforward:
        """Return the network whose output is a value; steps that it does not need are left out."""
        if value == 0:
            value = self.scaled(0, 1.0)
        needed: set[int] = set()
        for k in range(value, 0, -1):
            if k == value or k in needed:
                needed |= {k, *self.steps[k - 1].sources}
        numbers = {old: new for new, old in enumerate(sorted(needed | {0}))}
        steps = tuple(
            Step(s.operation, tuple(numbers[i] for i in s.sources), s.weight, s.bias)
            for k, s in enumerate(self.steps, 1)
            if k in needed
        )
        if len(steps) > MAX_STEPS:
            raise self.error(f"a network of {len(steps)} operations", f"at most {MAX_STEPS}")
        return located(lambda: Feedforward(self.inputs, steps), self.where)

    def _linear(self, value: int) -> Step | None:
        step = self.steps[value - 1] if value else None
        return step if step is not None and step.operation in ("affine", "scale") else None

    def _all(self, value: int, number: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(number, dtype=np.float64), self.widths[value]).copy()

    def _finite(self, array: np.ndarray) -> np.ndarray:
        if not (np.abs(array) < LARGEST).all():
            raise self.error("a weight is NaN, infinite or too large", "finite weights")
        return array

    def _add(self, step: Step, width: int) -> int:
        if len(self.steps) >= _MOST_DRAFTED:
            raise self.error(f"more than {_MOST_DRAFTED} operations", f"at most {MAX_STEPS}")
        self.steps.append(step)
        self.widths.append(width)
        return len(self.steps)


def located(build: Callable[[], Feedforward], where: str) -> Feedforward:
    """Return ``build()``; an error of the network names the place."""
    try:
        return build()
    except ProblemError as error:
        raise ProblemError(error.what, where=where, wanted=error.wanted) from None


def shown(name: object) -> str:
    """Return a name from a file, printable and short."""
    text = ascii(str(name))
    return text if len(text) <= 60 else text[:57] + "...'"


def joined(names: Iterable[str]) -> str:
    """Return names in one line."""
    return ", ".join(sorted(names))
