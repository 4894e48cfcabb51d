"""Networks that the equations call: their steps in the JSON, their weights, and what names them (spec 3)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .bundle import Arrays, read_safetensors
from .refusal import require
from .rounding import LIMIT

ACTIVATIONS = ("tanh", "sigmoid", "relu")
OPERATIONS = {"affine": 1, "scale": 1, "sum": 2, "product": 2, **dict.fromkeys(ACTIVATIONS, 1)}
MAX_STEPS, MAX_WIDTH = 64, 1024
NETWORK = {
    "inputs": Fraction,
    "steps": [{"operation": str, "sources": [Fraction]}],
    "origin": object,
    "rest": object,
    "fingerprint": str,
}


@dataclass(frozen=True, slots=True)
class Step:
    """Value k from earlier ones: A v + b, a v + b by components, v + w, v w by components, or a function of each."""

    operation: str
    sources: tuple[int, ...]
    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Feedforward:
    """N(w), or N(w) - N(origin) + rest; value 0 is the input w, `widths` are the sizes of all values."""

    steps: tuple[Step, ...]
    widths: tuple[int, ...]
    origin: tuple[Fraction, ...] | None
    rest: tuple[Fraction, ...]


def calls(networks: Mapping[str, Feedforward]) -> dict[str, tuple[Feedforward, int]]:
    """The names by which outputs are called: `u`, or `u_1`, `u_2`, .. if there are several."""
    found = {}
    for name, network in networks.items():
        count = network.widths[-1]
        for k in range(count):
            found[name if count == 1 else f"{name}_{k + 1}"] = (network, k)
    return found


def load(entry: dict[str, Any], content: bytes, where: str) -> Feedforward:
    """One network; shapes must chain, sizes be moderate, and the fingerprint be that of its content."""
    tensors = read_safetensors(content, where)
    left = dict(tensors)
    widths = [_whole(entry["inputs"], 1, MAX_WIDTH, where)]
    require(1 <= len(entry["steps"]) <= MAX_STEPS, where, "has no steps, or too many")
    steps = []
    for k, item in enumerate(entry["steps"], 1):
        place = f"{where}, step {k}"
        step = _step(k, item, widths, left, place)
        widths.append(len(step.bias) if step.bias.size else widths[step.sources[0]])
        steps.append(step)
    require(not left, where, "has a tensor that belongs to no step")
    origin, rest = (
        None if entry[key] is None else _numbers(entry[key], size, where)
        for key, size in (("origin", widths[0]), ("rest", widths[-1]))
    )
    require((origin is None) == (rest is None), where, "has an origin without its output")
    right = _fingerprint(entry, tensors) == entry["fingerprint"]
    require(right, where, "is not the network of its fingerprint")
    return Feedforward(tuple(steps), tuple(widths), origin, rest or ())


def _numbers(value: Any, size: int, where: str) -> tuple[Fraction, ...]:
    """A list of numbers; each the decimal of a binary64, which is what the fingerprint holds."""
    good = isinstance(value, list) and len(value) == size
    good = good and all(isinstance(x, Fraction) and Fraction(repr(float(x))) == x for x in value)
    require(good, where, "has an origin or a rest of a wrong form")
    return tuple(value)


def _step(k: int, item: dict[str, Any], widths: list[int], tensors: Arrays, where: str) -> Step:
    """Step k, whose sources are earlier values of one size."""
    name = item["operation"]
    require(name in OPERATIONS, where, f"must be one of {sorted(OPERATIONS)}")
    require(len(item["sources"]) == OPERATIONS[name], where, "has a wrong number of sources")
    sources = tuple(_whole(i, 0, k - 1, where) for i in item["sources"])
    sizes = {widths[i] for i in sources}
    require(len(sizes) == 1, where, "combines vectors of different sizes")
    if name not in ("affine", "scale"):
        return Step(name, sources, np.zeros(0), np.zeros(0))
    require({f"weight{k}", f"bias{k}"} <= set(tensors), where, "lacks a weight or a bias")
    weight, bias = tensors.pop(f"weight{k}"), tensors.pop(f"bias{k}")
    size = sizes.pop()
    shape = (bias.size, size) if name == "affine" else (size,)
    chained = weight.shape == shape and bias.shape == (shape[0],) and 1 <= bias.size <= MAX_WIDTH
    require(chained, where, "has a weight or a bias of a wrong shape")
    small = bool((np.abs(weight) < LIMIT).all() and (np.abs(bias) < LIMIT).all())
    require(small, where, "has a weight that is out of range")
    return Step(name, sources, weight if name == "affine" else np.diag(weight), bias)


def _whole(value: Fraction, least: int, most: int, where: str) -> int:
    whole = value.denominator == 1 and least <= value <= most
    require(whole, where, f"must have integers from {least} to {most}")
    return int(value)


def _fingerprint(entry: dict[str, Any], tensors: Arrays) -> str:
    """32 digits of SHA-256 over the canonical description, then name, shape and bytes of each tensor."""
    body = {
        "inputs": int(entry["inputs"]),
        "steps": [
            {"operation": step["operation"], "sources": [int(i) for i in step["sources"]]}
            for step in entry["steps"]
        ],
        "origin": _floats(entry["origin"]),
        "rest": _floats(entry["rest"]),
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    total = hashlib.sha256(text.encode("ascii"))
    for name, value in sorted(tensors.items()):
        shape = "x".join(map(str, value.shape))
        total.update(f"\0{name}\0{shape}\0".encode("ascii") + value.tobytes())
    return total.hexdigest()[:32]


def _floats(numbers: Any) -> list[float] | None:
    return None if numbers is None else [float(x) for x in numbers]
