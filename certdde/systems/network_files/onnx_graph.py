"""ONNX files: one input, one output, layers and activations between them.

Read are opset 13 to the newest that the installed onnx knows. The input has the shape (batch, n) or (n,); the
network is what the graph computes for a batch of one, in exact arithmetic: casts between floating-point types
change nothing. Supported are the operations in :data:`OPERATIONS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from certdde.errors import ProblemError
from certdde.systems.feedforward import Feedforward
from certdde.systems.network_files.draft import MAX_BYTES, Draft, joined, shown
from certdde.systems.network_files.onnx_arithmetic import ARITHMETIC
from certdde.systems.network_files.onnx_entries import Entry, Node, Vector
from certdde.systems.network_files.onnx_package import onnx_package
from certdde.systems.network_files.onnx_shapes import SHAPES

OPERATIONS = {**ARITHMETIC, **SHAPES}
FIRST_OPSET = 13
MAX_NODES = 4096
_DOMAINS = ("", "ai.onnx")
_EXPORTED = "a file as torch.onnx.export writes it"
_INPUT = "one input of shape (batch, n) or (n,), n a number"


def from_onnx(path: Path, where: str) -> Feedforward:
    """Return the network of an ONNX file.

    Parameters
    ----------
    path : Path
    where : str
        The place that an error names.

    Raises
    ------
    ProblemError
        If onnx's checker refuses the file, or the graph is no feed-forward network of supported operations.
    MissingPackageError
        If onnx is not installed.
    """
    onnx = onnx_package(where)
    model = _load(onnx, path, where)
    _supported(onnx, model, where)
    given = _input(onnx, model.graph, where)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # checker and shape inference raise different kinds
        raise _no_onnx(where, error) from None
    return _walk(onnx, model.graph, given, where)


def _load(onnx: Any, path: Path, where: str) -> Any:
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf's errors are no public names of onnx
        raise _no_onnx(where, error) from None
    if not model.HasField("graph") or not model.ir_version:
        raise ProblemError("this is not an ONNX file", where=where, wanted=_EXPORTED)
    helper = onnx.external_data_helper
    outside = [t for t in _tensors(model.graph) if helper.uses_external_data(t)]
    size = sum(_bytes(tensor, path.parent) for tensor in outside)
    if size > MAX_BYTES:
        raise ProblemError(
            f"{size} bytes of weights in other files", where=where, wanted=f"at most {MAX_BYTES}"
        )
    for tensor in outside:
        try:
            helper.load_external_data_for_tensor(tensor, str(path.parent))
        except Exception as error:  # the helper raises many kinds
            raise ProblemError(
                f"the weights {shown(tensor.name)} are in another file, which cannot be read ({_line(error)})",
                where=where,
                wanted="put it beside this file, or save all in one",
            ) from None
    return model


def _supported(onnx: Any, model: Any, where: str) -> None:
    """Refuse other operations, opsets before 13, and those that the installed onnx does not know."""
    newest = onnx.defs.onnx_opset_version()
    for opset in [o.version for o in model.opset_import if o.domain in _DOMAINS] or [0]:
        if not FIRST_OPSET <= opset <= newest:
            wanted = f"opset {FIRST_OPSET} to {newest}"
            raise ProblemError(f"this file is of opset {opset}", where=where, wanted=wanted)
    if any(function.domain in _DOMAINS for function in model.functions):
        what = "the file defines functions in the domain of ONNX"
        raise ProblemError(what, where=where, wanted=_EXPORTED)
    if len(model.graph.node) > MAX_NODES:
        what = f"a graph of {len(model.graph.node)} operations"
        raise ProblemError(what, where=where, wanted=f"at most {MAX_NODES}")
    for number, node in enumerate(model.graph.node):
        if node.domain not in _DOMAINS or node.op_type not in OPERATIONS:
            domain = "" if node.domain in _DOMAINS else f" of {shown(node.domain)}"
            raise ProblemError(
                f"the operation {shown(node.op_type)}{domain} is not supported",
                where=_place(where, node, number),
                wanted=f"use {joined(OPERATIONS)}",
            )


def _walk(onnx: Any, graph: Any, given: tuple[str, tuple[int, ...]], where: str) -> Feedforward:
    if graph.sparse_initializer:
        raise ProblemError("sparse weights are not read", where=where, wanted="dense weights")
    entries: dict[str, Entry] = {
        t.name: _array(onnx, t, where, f"the weights {shown(t.name)}") for t in graph.initializer
    }
    name, shape = given
    draft = Draft(max(shape), where)
    entries[name] = Vector(0, shape)
    constants = 0
    for number, node in enumerate(graph.node):
        draft.where = _place(where, node, number)
        entries[node.output[0]] = entry = _entry(onnx, draft, node, entries)
        constants += entry.nbytes if isinstance(entry, np.ndarray) else 0
        if constants > 4 * MAX_BYTES:
            raise draft.error("the constants are too large", f"at most {4 * MAX_BYTES} bytes")
    draft.where = where
    output = _output(graph, entries, where)
    _refuse_loose_ends(graph, entries, where)
    return draft.network(output.value)


def _entry(onnx: Any, draft: Draft, node: Any, entries: dict[str, Entry]) -> Entry:
    """Apply one operation of the graph to what is known."""
    for name in node.input:
        if name and name not in entries:
            wanted = "one value of each operation"
            raise draft.error(f"it uses {shown(name)}, an output that is not read", wanted)
    attributes = {a.name: _attribute(onnx, draft, a) for a in node.attribute}
    inputs = [entries[name] if name else None for name in node.input]
    return OPERATIONS[node.op_type](draft, Node(node.op_type, inputs, attributes, list(node.input)))


def _attribute(onnx: Any, draft: Draft, attribute: Any) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.type == onnx.AttributeProto.TENSOR:
        return _array(onnx, value, draft.where, "its constant")
    if attribute.name == "to":
        return onnx.helper.tensor_dtype_to_np_dtype(value)
    return value


def _input(onnx: Any, graph: Any, where: str) -> tuple[str, tuple[int, ...]]:
    """Return the input's name, and its shape for a batch of one."""
    constants = {tensor.name for tensor in graph.initializer}
    found = [value for value in graph.input if value.name not in constants]
    if len(found) != 1:
        names = f" ({', '.join(shown(v.name) for v in found[:4])})" if found else ""
        raise ProblemError(f"the graph has {len(found)} inputs{names}", where=where, wanted=_INPUT)
    place = f"{where}: input {shown(found[0].name)}"
    tensor = found[0].type.tensor_type
    if not found[0].type.HasField("tensor_type") or not tensor.HasField("shape"):
        raise ProblemError("it has no shape", where=place, wanted=_INPUT)
    if tensor.elem_type not in _float_types(onnx):
        raise ProblemError("its type is no float", where=place, wanted="float32 or float64")
    dims = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    if len(dims) not in (1, 2):
        raise ProblemError(f"it has {len(dims)} dimensions", where=place, wanted=_INPUT)
    if dims[-1] is None or dims[-1] < 1:
        raise ProblemError("it has no fixed width", where=place, wanted=_INPUT)
    shape = tuple(1 if d is None else d for d in dims)
    if min(shape) < 1 or (len(shape) == 2 and 1 not in shape):
        what = f"its shape is {shape[0]} x {shape[-1]}"
        raise ProblemError(what, where=place, wanted=f"{_INPUT}; a batch of 1 or of any size")
    return found[0].name, shape


def _output(graph: Any, entries: dict[str, Entry], where: str) -> Vector:
    if len(graph.output) != 1:
        names = ", ".join(shown(v.name) for v in graph.output[:4])
        what = f"the graph has {len(graph.output)} outputs ({names})"
        raise ProblemError(what, where=where, wanted="one output, the vector of all controls")
    found = entries.get(graph.output[0].name)
    if not isinstance(found, Vector):
        raise ProblemError("the output does not depend on the input", where=where, wanted=_EXPORTED)
    return found


def _refuse_loose_ends(graph: Any, entries: dict[str, Entry], where: str) -> None:
    needed = {graph.output[0].name}
    for number, node in reversed(list(enumerate(graph.node))):
        if node.output[0] in needed:
            needed.update(node.input)
        elif isinstance(entries[node.output[0]], Vector):
            raise ProblemError(
                "the output of the graph comes before this operation, which leads nowhere",
                where=_place(where, node, number),
                wanted="the last value as the output",
            )


def _tensors(graph: Any) -> list[Any]:
    inside = [a.t for node in graph.node for a in node.attribute if a.HasField("t")]
    return [*graph.initializer, *inside]


def _bytes(tensor: Any, folder: Path) -> int:
    """Return a bound on what reading the weights of another file takes: without a length, all of it is read."""
    given = {entry.key: entry.value for entry in tensor.external_data}
    if "length" in given:
        return int(given["length"]) if given["length"].isdecimal() else MAX_BYTES + 1
    try:
        return int((folder / given.get("location", "")).stat().st_size)
    except (OSError, ValueError):
        return 0  # the reading fails and says why


def _array(onnx: Any, tensor: Any, where: str, what: str) -> np.ndarray:
    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except Exception as error:  # numpy and onnx raise many kinds
        raise ProblemError(
            f"{what} cannot be read ({_line(error)})", where=where, wanted=_EXPORTED
        ) from None


def _float_types(onnx: Any) -> tuple[int, ...]:
    kinds = onnx.TensorProto
    return (kinds.FLOAT, kinds.DOUBLE, kinds.FLOAT16, kinds.BFLOAT16)


def _place(where: str, node: Any, number: int) -> str:
    name = shown(node.name) if node.name else str(number + 1)
    return f"{where}: node {name} ({ascii(node.op_type)[1:-1][:40]})"


def _no_onnx(where: str, error: Exception) -> ProblemError:
    return ProblemError(
        f"this is not a valid ONNX file ({_line(error)})", where=where, wanted=_EXPORTED
    )


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return ascii(lines[0])[1:-1][:160]
