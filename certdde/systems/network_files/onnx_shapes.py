"""Operations of an ONNX graph that change no number of a vector: constants, casts and shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from certdde.systems.network_files.draft import Draft
from certdde.systems.network_files.onnx_entries import LAYERS, Entry, Node, Vector, checked


def _constant(draft: Draft, node: Node) -> Entry:
    found = dict(node.attributes)
    if len(found) == 1:
        [(name, value)] = found.items()
        if name == "value" and isinstance(value, np.ndarray):
            return value
        if name in ("value_float", "value_floats"):
            return np.asarray(value, dtype=np.float32)
        if name in ("value_int", "value_ints"):
            return np.asarray(value, dtype=np.int64)
    raise draft.error("a constant of this kind is not read", "floats or integers, not sparse")


def _cast(draft: Draft, node: Node) -> Entry:
    """Cast between types of floats: the identity in exact arithmetic. A constant is rounded as the graph says."""
    kind, found = np.dtype(node.attributes["to"]), node.entry(0)
    floats = kind.kind == "f" or kind.name == "bfloat16"
    if isinstance(found, Vector):
        if not floats:
            raise draft.error(f"it casts a computed value to {kind}", "casts between floats")
        return found
    if found is None or not (floats or (kind.kind in "iu" and found.dtype.kind in "iub")):
        raise draft.error(f"it casts a constant to {kind}", "casts to floats")
    with np.errstate(all="ignore"):
        return found.astype(kind)


def _dropout(draft: Draft, node: Node) -> Entry:
    found, ratio, training = (node.entry(index) for index in range(3))
    off = training is None or (isinstance(training, np.ndarray) and not training.any())
    none = isinstance(ratio, np.ndarray) and not ratio.any()
    if found is None or not (off or none):
        raise draft.error("it drops units at random", "a network exported for inference")
    return found


def _shaped(change: Callable[[Node, np.ndarray], np.ndarray]) -> Callable[[Draft, Node], Entry]:
    """Return an operation that changes shapes only."""

    def handler(draft: Draft, node: Node) -> Entry:
        found = node.entry(0)
        vector = isinstance(found, Vector)
        array = np.empty(found.shape, dtype=bool) if isinstance(found, Vector) else found
        try:
            changed = change(node, np.asarray(array))
        except (ValueError, TypeError, OverflowError, IndexError):
            raise draft.error("its shape or its axes are no constants that fit", LAYERS) from None
        if vector and isinstance(found, Vector):
            return Vector(found.value, checked(draft, changed.shape))
        return changed

    return handler


def _integers(node: Node, index: int) -> list[int] | None:
    found = node.entry(index)
    if found is None:
        return None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "iu":
        raise TypeError(node.operation)
    return [int(i) for i in found.reshape(-1)]


def _reshape(node: Node, array: np.ndarray) -> np.ndarray:
    target = _integers(node, 1) or []
    if not node.attributes.get("allowzero", 0):
        target = [array.shape[i] if size == 0 else size for i, size in enumerate(target)]
    return array.reshape(target)


def _flatten(node: Node, array: np.ndarray) -> np.ndarray:
    axis = node.attributes.get("axis", 1)
    axis = axis + array.ndim if axis < 0 else axis
    return array.reshape(int(np.prod(array.shape[:axis])), -1)


def _squeeze(node: Node, array: np.ndarray) -> np.ndarray:
    axes = _integers(node, 1)
    return np.squeeze(array, None if axes is None else tuple(axes))


def _unsqueeze(node: Node, array: np.ndarray) -> np.ndarray:
    return np.expand_dims(array, tuple(_integers(node, 1) or ()))


def _transpose(node: Node, array: np.ndarray) -> np.ndarray:
    return np.transpose(array, node.attributes.get("perm"))


SHAPES: Mapping[str, Callable[[Draft, Node], Entry]] = {
    "Cast": _cast,
    "Constant": _constant,
    "Dropout": _dropout,
    "Flatten": _shaped(_flatten),
    "Identity": _shaped(lambda _, array: array),
    "Reshape": _shaped(_reshape),
    "Squeeze": _shaped(_squeeze),
    "Transpose": _shaped(_transpose),
    "Unsqueeze": _shaped(_unsqueeze),
}
