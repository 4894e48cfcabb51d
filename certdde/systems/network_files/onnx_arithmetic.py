"""Sums, products, layers and activations of an ONNX graph, as steps of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from certdde.systems.network_files.draft import Draft
from certdde.systems.network_files.exact import exact_product
from certdde.systems.network_files.onnx_entries import (
    LAYERS,
    Entry,
    Node,
    Vector,
    checked,
    vector_at,
    weights,
)


def _together(draft: Draft, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return checked(draft, np.broadcast_shapes(*shapes))
    except ValueError:
        what = " and ".join(" x ".join(map(str, shape)) for shape in shapes)
        raise draft.error(f"the shapes {what} do not fit", LAYERS) from None


def _wide(draft: Draft, vector: Vector, shape: tuple[int, ...]) -> int:
    """Return the value, repeated if it is one number and the shape has more."""
    width = max(shape, default=1)
    if draft.widths[vector.value] == width:
        return vector.value
    return draft.affine(vector.value, np.ones((width, 1)))


def _arithmetic(draft: Draft, node: Node) -> Entry:
    """Add, Sub, Mul or Div."""
    left, right = node.entry(0), node.entry(1)
    if isinstance(left, Vector) and isinstance(right, Vector):
        return _of_two(draft, node.operation, left, right)
    index = 1 if isinstance(left, Vector) else 0
    vector, constant = vector_at(draft, node, 1 - index), weights(draft, node, index)
    shape = _together(draft, vector.shape, constant.shape)
    number = np.broadcast_to(constant, shape).reshape(-1)
    value = _wide(draft, vector, shape)
    if node.operation == "Add":
        return Vector(draft.plus(value, number), shape)
    if node.operation == "Mul":
        return Vector(draft.scaled(value, number), shape)
    if node.operation == "Sub" and index == 1:
        return Vector(draft.plus(value, 0.0 - number), shape)
    if node.operation == "Sub":
        return Vector(draft.plus(draft.scaled(value, -1.0), number), shape)
    if index == 0:
        raise draft.error("it divides by a computed value", "division by constants only")
    if not number.all():
        raise draft.error("it divides by 0", "a divisor that is not 0")
    with np.errstate(all="ignore"):
        return Vector(draft.scaled(value, 1.0 / number), shape)


def _of_two(draft: Draft, operation: str, left: Vector, right: Vector) -> Vector:
    if operation == "Div":
        raise draft.error("it divides by a computed value", "division by constants only")
    shape = _together(draft, left.shape, right.shape)
    first, second = _wide(draft, left, shape), _wide(draft, right, shape)
    if operation == "Sub":
        second = draft.scaled(second, -1.0)
    return Vector(draft.combined("product" if operation == "Mul" else "sum", first, second), shape)


def _negative(draft: Draft, node: Node) -> Entry:
    vector = vector_at(draft, node, 0)
    return Vector(draft.scaled(vector.value, -1.0), vector.shape)


def _gemm(draft: Draft, node: Node) -> Entry:
    """Return alpha x B + beta C; a factor that would round the weights is a step of its own."""
    vector, matrix = vector_at(draft, node, 0), weights(draft, node, 1)
    if node.attributes.get("transA", 0):
        raise draft.error("transA = 1", "transA = 0: a row for each input")
    matrix = matrix if node.attributes.get("transB", 0) else matrix.T
    if len(vector.shape) != 2 or vector.shape[1] != draft.widths[vector.value] or matrix.ndim != 2:
        raise draft.error("the shapes of its inputs make no layer", LAYERS)
    alpha, beta = (float(node.attributes.get(name, 1.0)) for name in ("alpha", "beta"))
    shape = checked(draft, (vector.shape[0], matrix.shape[0]))
    value = _weighted(draft, vector.value, matrix, alpha)
    added = node.entry(2)
    if added is None or beta == 0:
        return Vector(value, shape)
    if isinstance(added, Vector):
        _together(draft, added.shape, shape)
        other = _wide(draft, added, shape)
        other = other if beta == 1 else draft.scaled(other, beta)
        return Vector(draft.combined("sum", value, other), shape)
    constant = np.broadcast_to(weights(draft, node, 2), shape).reshape(-1)
    bias = exact_product(constant, np.asarray(beta))
    if bias is not None:
        return Vector(draft.plus(value, bias), shape)
    still = draft.affine(vector.value, np.zeros_like(matrix), constant)
    return Vector(draft.combined("sum", value, draft.scaled(still, beta)), shape)


def _weighted(draft: Draft, value: int, matrix: np.ndarray, factor: float) -> int:
    if factor == 1:
        return draft.affine(value, matrix)
    product = exact_product(matrix, np.asarray(factor))
    if product is not None:
        return draft.affine(value, product)
    return draft.scaled(draft.affine(value, matrix), factor)


def _matmul(draft: Draft, node: Node) -> Entry:
    """Return x B for a row x, or A x for a column or a plain vector."""
    left, right = node.entry(0), node.entry(1)
    if isinstance(left, Vector) and isinstance(right, Vector):
        raise draft.error("it multiplies two computed values as matrices", "constant weights")
    row = isinstance(left, Vector)
    vector, matrix = vector_at(draft, node, 0 if row else 1), weights(draft, node, 1 if row else 0)
    width, shape = draft.widths[vector.value], vector.shape
    flat = len(shape) == 1
    if matrix.ndim != 2 or not shape:
        raise draft.error(f"its constant has {matrix.ndim} dimensions", "a matrix of weights")
    if row and shape[-1] == width == matrix.shape[0]:
        result, weight = (*shape[:-1], matrix.shape[1]), matrix.T
    elif not row and matrix.shape[1] == width and (flat or shape[-2:] == (width, 1)):
        weight = matrix
        result = (matrix.shape[0],) if flat else (*shape[:-2], matrix.shape[0], 1)
    else:
        raise draft.error("the shapes of its inputs make no layer", LAYERS)
    return Vector(draft.affine(vector.value, weight), checked(draft, result))


def _activation(draft: Draft, node: Node) -> Entry:
    vector = vector_at(draft, node, 0)
    return Vector(draft.activated(vector.value, node.operation.lower()), vector.shape)


def _leaky(draft: Draft, node: Node) -> Entry:
    vector = vector_at(draft, node, 0)
    slope = float(node.attributes.get("alpha", np.float32(0.01)))
    return Vector(draft.leaky(vector.value, slope), vector.shape)


def _clip(draft: Draft, node: Node) -> Entry:
    vector = vector_at(draft, node, 0)
    lower, upper = (_bound(draft, node, index) for index in (1, 2))
    return Vector(draft.clipped(vector.value, lower, upper), vector.shape)


def _bound(draft: Draft, node: Node, index: int) -> float | None:
    """Return a bound; the least or the greatest number of its type means that there is none (ONNX, Clip)."""
    found = node.entry(index)
    if found is None:
        return None
    if not isinstance(found, np.ndarray):
        raise draft.error("a bound of Clip is no constant", "constant bounds")
    if found.size != 1:
        raise draft.error(f"a bound of Clip has {found.size} numbers", "one number a bound")
    value = float(found.reshape(-1)[0])
    if np.isnan(value):
        raise draft.error("a bound of Clip is NaN", "numbers")
    largest = float(np.finfo(found.dtype).max) if found.dtype.kind == "f" else np.inf
    away = value <= -largest if index == 1 else value >= largest
    return None if away else value


ARITHMETIC: Mapping[str, Callable[[Draft, Node], Entry]] = {
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), _arithmetic),
    **dict.fromkeys(("Relu", "Sigmoid", "Tanh"), _activation),
    "Clip": _clip,
    "Gemm": _gemm,
    "LeakyRelu": _leaky,
    "MatMul": _matmul,
    "Neg": _negative,
}
