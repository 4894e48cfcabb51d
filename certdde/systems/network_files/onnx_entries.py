"""What an ONNX graph computes with: constants and vectors.

A constant stays the array that the file has. A computed value is a vector: whatever its shape for a batch of one,
at most one of its axes is longer than 1, so that changes of shape keep the order of its components.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from certdde.systems.feedforward import MAX_WIDTH
from certdde.systems.network_files.draft import Draft, shown

LARGEST_INTEGER = 1 << 53
LAYERS = "layers on vectors, exported for a batch of one or of any size"
FOLDED = "fold constants when you export (torch.onnx.export does)"


@dataclass(frozen=True, slots=True)
class Vector:
    """A computed value: its number in the draft, and its shape in the graph for a batch of one."""

    value: int
    shape: tuple[int, ...]


Entry = np.ndarray | Vector


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: its type, its inputs (None for one that is left out), attributes, and the inputs' names."""

    operation: str
    inputs: Sequence[Entry | None]
    attributes: Mapping[str, Any]
    names: Sequence[str]

    def entry(self, index: int) -> Entry | None:
        """Return an input, or None if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None


def weights(draft: Draft, node: Node, index: int) -> np.ndarray:
    """Return a constant input as binary64 numbers, without rounding."""
    array = node.entry(index)
    if not isinstance(array, np.ndarray):
        raise draft.error(f"its input {index + 1} is no constant", "constant weights")
    if array.dtype.kind in "iu" and array.size and _longest(array) > LARGEST_INTEGER:
        raise draft.error(f"{shown(node.names[index])} has integers above 2**53", "floats")
    if array.dtype.kind not in "iuf" and array.dtype.name != "bfloat16":
        raise draft.error(f"{shown(node.names[index])} is of type {array.dtype}", "floats")
    found = array.astype(np.float64)
    if not np.isfinite(found).all():
        what = f"the constant {shown(node.names[index])} has a NaN or infinite number"
        raise draft.error(what, "finite weights")
    return found


def _longest(array: np.ndarray) -> int:
    return max(int(array.max()), -int(array.min()))


def vector_at(draft: Draft, node: Node, index: int) -> Vector:
    """Return a computed input."""
    found = node.entry(index)
    if not isinstance(found, Vector):
        raise draft.error("it computes with constants only", FOLDED)
    return found


def checked(draft: Draft, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse a shape that is no vector's."""
    longer = [size for size in shape if size != 1]
    if len(longer) > 1 or not all(1 <= size <= MAX_WIDTH for size in longer):
        what = f"it makes an array of shape {' x '.join(map(str, shape))}"
        raise draft.error(what, f"{LAYERS}, of at most {MAX_WIDTH} units")
    return shape
