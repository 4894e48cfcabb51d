"""Networks in equations: a feed-forward network as exact data, whatever file it came from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from certdde.errors import ProblemError

ACTIVATIONS = ("tanh", "sigmoid", "relu")
OPERATIONS = ("affine", "scale", "sum", "product", *ACTIVATIONS)
MAX_STEPS, MAX_WIDTH, MAX_BITS = 64, 1024, 100_000
LARGEST = 2.0**100  # of a weight: the engines compute in binary64


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One operation on vectors; value 0 is the input, value k the result of step k.

    Attributes
    ----------
    operation : str
        ``affine`` (weight @ v + bias), ``scale`` (weight * v + bias, componentwise), ``sum`` or ``product`` of two
        values, or an activation: ``tanh``, ``sigmoid``, ``relu``.
    sources : tuple of int
        The values it takes: two for ``sum`` and ``product``, else one.
    weight : (m, n) or (m,) float64 array, optional
        Of ``affine`` resp. ``scale``; a tensor while the network is being trained.
    bias : (m,) float64 array, optional
    """

    operation: str
    sources: tuple[int, ...]
    weight: Any = None
    bias: Any = None


@dataclass(frozen=True, eq=False)
class Feedforward:
    """u(w) = N(w), or N(w) - N(origin) + rest if there is an origin; N is the value of the last step.

    What is meant is the function of the weights in exact arithmetic, not its evaluation in floating point.

    Attributes
    ----------
    inputs : int
    steps : tuple of Step
    origin, rest : tuple of float, optional
        Decimals, as they are printed; an input, and the output that is wanted there.
    name : str
        By which equations call it; no part of what it is.

    Raises
    ------
    ProblemError
        If shapes do not chain, or a weight is not finite.
    """

    inputs: int
    steps: tuple[Step, ...]
    origin: tuple[float, ...] | None = None
    rest: tuple[float, ...] | None = None
    name: str = "u"

    def __post_init__(self) -> None:
        _ = self.widths

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Feedforward) and (
            self is other or self.fingerprint == other.fingerprint
        )

    def __repr__(self) -> str:
        return f"Feedforward({self.name}, {self.inputs} -> {self.outputs}, {self.fingerprint})"

    def __hash__(self) -> int:
        return hash((self.inputs, len(self.steps), self.origin, self.rest))

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The sizes of all values, the input first."""
        if not 1 <= self.inputs <= MAX_WIDTH or not 1 <= len(self.steps) <= MAX_STEPS:
            raise _bad(f"{self.inputs} inputs and {len(self.steps)} steps")
        widths = [self.inputs]
        for k, step in enumerate(self.steps, 1):
            widths.append(_width(step, widths, f"step {k} ({step.operation})"))
        for name, given, size in (
            ("origin", self.origin, widths[0]),
            ("rest", self.rest, widths[-1]),
        ):
            if given is not None and len(given) != size:
                raise _bad(f"{len(given)} numbers for {name}, and {size} are needed")
            if not all(math.isfinite(x) for x in given or ()):
                raise _bad(f"a number of {name} that is not finite")
        if (self.origin is None) != (self.rest is None):
            raise _bad("an origin without the output there, or the reverse")
        return tuple(widths)

    @property
    def outputs(self) -> int:
        """Number of components of u."""
        return self.widths[-1]

    @property
    def smooth(self) -> bool:
        """Whether no unit has a kink."""
        return all(step.operation != "relu" for step in self.steps)

    def shifted(self, origin: Sequence[float], rest: Sequence[float]) -> Feedforward:
        """Return N(w) - N(origin) + rest."""
        return replace(self, origin=tuple(map(float, origin)), rest=tuple(map(float, rest)))

    def description(self) -> dict[str, Any]:
        """Return the entry of ``system.networks`` of a certificate."""
        steps = []
        for step in self.steps:
            entry: dict[str, Any] = {"operation": step.operation, "sources": list(step.sources)}
            steps.append(entry)
        return {
            "inputs": self.inputs,
            "steps": steps,
            "origin": _plain(self.origin),
            "rest": _plain(self.rest),
        }

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the weights by name: ``weight<k>`` and ``bias<k>`` of step k, from 1."""
        found = {}
        for k, step in enumerate(self.steps, 1):
            for kind in ("weight", "bias"):
                value = getattr(step, kind)
                if value is not None:
                    found[f"{kind}{k}"] = as_array(value)
        return found

    @classmethod
    def from_description(
        cls, entry: Mapping[str, Any], tensors: Mapping[str, np.ndarray]
    ) -> Feedforward:
        """Read what ``description`` and ``tensors`` returned."""
        steps = tuple(
            Step(
                str(step["operation"]),
                tuple(int(i) for i in step["sources"]),
                tensors.get(f"weight{k}"),
                tensors.get(f"bias{k}"),
            )
            for k, step in enumerate(entry["steps"], 1)
        )
        origin, rest = entry["origin"], entry["rest"]
        return cls(
            int(entry["inputs"]),
            steps,
            None if origin is None else tuple(map(float, origin)),
            None if rest is None else tuple(map(float, rest)),
        )

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that name the network in a claim (docs/certificate-format.md, section 3)."""
        text = json.dumps(
            self.description(), sort_keys=True, separators=(",", ":"), allow_nan=False
        )
        total = hashlib.sha256(text.encode("ascii"))
        for name, value in sorted(self.tensors().items()):
            head = f"\0{name}\0{'x'.join(map(str, value.shape))}\0"
            total.update(head.encode("ascii") + np.ascontiguousarray(value, "<f8").tobytes())
        return total.hexdigest()[:32]

    def exact(self, values: Sequence[Fraction | None]) -> list[Fraction | None]:
        """Return the outputs at rational inputs; None for one that is not certainly rational."""
        if self.origin is None or self.rest is None:
            return self._run(values)
        origin = [Fraction(repr(x)) for x in self.origin]
        rest = [Fraction(repr(x)) for x in self.rest]
        if list(values) == origin:
            return list(rest)
        there, here = self._run(origin), self._run(values)
        return [
            None if a is None or b is None else a - b + c
            for a, b, c in zip(here, there, rest, strict=True)
        ]

    def _run(self, values: Sequence[Fraction | None]) -> list[Fraction | None]:
        found: list[list[Fraction | None]] = [list(values)]
        for step in self.steps:
            found.append(_exact_step(step, [found[i] for i in step.sources]))
        return found[-1]


def _plain(numbers: Sequence[float] | None) -> list[float] | None:
    """Return floats, zeros without a sign: what the fingerprint is of."""
    return None if numbers is None else [float(x) + 0.0 for x in numbers]


def as_array(value: Any) -> np.ndarray:
    """Return an array or a tensor as a float64 array."""
    detached = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    return np.asarray(detached, dtype=np.float64)


def _bad(what: str) -> ProblemError:
    return ProblemError(what, where="network", wanted="layers whose shapes chain, finite weights")


def _width(step: Step, widths: Sequence[int], where: str) -> int:
    """Return the size of a step's value."""
    count = 2 if step.operation in ("sum", "product") else 1
    if step.operation not in OPERATIONS or len(step.sources) != count:
        raise _bad(f"{where} is no operation, or takes other values")
    if not all(0 <= i < len(widths) for i in step.sources):
        raise _bad(f"{where} takes a value that does not exist yet")
    sizes = [widths[i] for i in step.sources]
    if len(set(sizes)) != 1:
        raise _bad(f"{where} takes vectors of {sizes[0]} and {sizes[1]} components")
    plain = step.operation not in ("affine", "scale")
    if plain and (step.weight is not None or step.bias is not None):
        raise _bad(f"{where} has weights")
    if plain:
        return sizes[0]
    if step.weight is None or step.bias is None:
        raise _bad(f"{where} has no weights")
    weight, bias = as_array(step.weight), as_array(step.bias)
    if weight.ndim == 0:
        raise _bad(f"{where} has a single number for a weight")
    shape = (weight.shape[0], sizes[0]) if step.operation == "affine" else (sizes[0],)
    if (
        weight.shape != shape
        or bias.shape != weight.shape[:1]
        or not 1 <= weight.shape[0] <= MAX_WIDTH
    ):
        raise _bad(
            f"{where} has weights of the shapes {weight.shape} and {bias.shape} for {sizes[0]} inputs"
        )
    for array in (weight, bias):
        if not (np.abs(array) < LARGEST).all():
            raise _bad(f"{where} has a weight that is NaN, infinite or too large")
    return int(weight.shape[0])


Values = Sequence[Fraction | None]


def _exact_step(step: Step, sources: Sequence[Values]) -> list[Fraction | None]:
    value = sources[0]
    if step.operation in ("sum", "product"):
        pairs = zip(*sources, strict=True)
        return [_combined(step.operation, a, b) for a, b in pairs]
    if step.operation in ACTIVATIONS:
        return [_activated(step.operation, v) for v in value]
    weight, bias = as_array(step.weight), as_array(step.bias)
    if step.operation == "scale":
        rows = [_dot([w], [v], b) for w, v, b in zip(weight, value, bias, strict=True)]
    else:
        rows = [_dot(row, value, b) for row, b in zip(weight, bias, strict=True)]
    return rows


def _combined(operation: str, a: Fraction | None, b: Fraction | None) -> Fraction | None:
    if operation == "product" and (a == 0 or b == 0):
        return Fraction(0)
    if a is None or b is None:
        return None
    return _short(a + b if operation == "sum" else a * b)


def _activated(name: str, value: Fraction | None) -> Fraction | None:
    if value is None:
        return None
    if name == "relu":
        return max(value, Fraction(0))
    at_zero = Fraction(0) if name == "tanh" else Fraction(1, 2)
    return at_zero if value == 0 else None


def _dot(row: Sequence[float], values: Values, bias: float) -> Fraction | None:
    total = Fraction(float(bias))
    for weight, value in zip(row, values, strict=True):
        if weight == 0:
            continue
        if value is None:
            return None
        total += Fraction(float(weight)) * value
    return _short(total)


def _short(value: Fraction) -> Fraction | None:
    """Give up on a number with too many digits."""
    size = max(value.numerator.bit_length(), value.denominator.bit_length())
    return value if size <= MAX_BITS else None
