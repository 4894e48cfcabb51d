"""Networks into files: ONNX graphs in float64, and safetensors with the architecture in the metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from certdde.errors import ProblemError
from certdde.systems.feedforward import Feedforward, Step, as_array
from certdde.systems.network_files.onnx_package import onnx_package

OPSET, IR_VERSION = 17, 9
_PLAIN = {"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "sum": "Add", "product": "Mul"}


def write_network(network: Feedforward, path: str | Path) -> Path:
    """Write a network; :func:`~certdde.systems.network_files.read_network` reads the same network again.

    Parameters
    ----------
    network : Feedforward
    path : str or Path
        Ends in ``.onnx`` or ``.safetensors``; a file that is there is replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ProblemError
        If the name ends in something else, or an ONNX file of a network with an origin is asked for.
    MissingPackageError
        If it is to be an ONNX file, and onnx is not installed.
    """
    target = Path(path)
    if target.suffix.lower() == ".onnx":
        target.write_bytes(onnx_model(network).SerializeToString(deterministic=True))
    elif target.suffix.lower() == ".safetensors":
        target.write_bytes(_tensors(network))
    else:
        wanted = "a name that ends in .onnx or .safetensors"
        raise ProblemError("this kind of file is not written", where=str(path), wanted=wanted)
    return target


def onnx_model(network: Feedforward, name: str = "controller") -> Any:
    """Return the checked ONNX model: input ``x`` (batch, n), output ``u`` (batch, m), float64.

    Raises
    ------
    ProblemError
        If the network has an origin: N(x) - N(origin) + rest need not have binary64 numbers.
    MissingPackageError
        If onnx is not installed.
    """
    onnx = onnx_package("write_network")
    if network.origin is not None:
        raise ProblemError(
            "a shifted network has no exact ONNX graph",
            where="write_network",
            wanted="write the network without its shift, or as .safetensors",
        )
    nodes: list[Any] = []
    constants: list[Any] = []
    for k, step in enumerate(network.steps, 1):
        _record(onnx, nodes, constants, k, step)
    nodes.append(onnx.helper.make_node("Identity", [f"v{len(network.steps)}"], ["u"], name="u"))

    def information(name: str, width: int) -> Any:
        kind = onnx.TensorProto.DOUBLE
        return onnx.helper.make_tensor_value_info(name, kind, ["batch", width])

    graph = onnx.helper.make_graph(
        nodes,
        name,
        [information("x", network.inputs)],
        [information("u", network.outputs)],
        constants,
    )
    opset = onnx.helper.make_opsetid("", OPSET)
    model = onnx.helper.make_model(graph, opset_imports=[opset], producer_name="certdde")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model


def _record(onnx: Any, nodes: list[Any], constants: list[Any], k: int, step: Step) -> None:
    """Write step k, whose value is ``v<k>``."""
    inputs = [f"v{i}" if i else "x" for i in step.sources]

    def node(operation: str, names: list[str], output: str, **attributes: int) -> None:
        nodes.append(
            onnx.helper.make_node(operation, names, [output], name=f"{output}.node", **attributes)
        )

    if step.operation in _PLAIN:
        node(_PLAIN[step.operation], inputs, f"v{k}")
        return
    for kind in ("weight", "bias"):
        array = as_array(getattr(step, kind))
        constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(array), f"{kind}{k}"))
    if step.operation == "affine":
        node("Gemm", [*inputs, f"weight{k}", f"bias{k}"], f"v{k}", transB=1)
    else:
        node("Mul", [*inputs, f"weight{k}"], f"v{k}.scaled")
        node("Add", [f"v{k}.scaled", f"bias{k}"], f"v{k}")


def _tensors(network: Feedforward) -> bytes:
    from safetensors.numpy import save

    tensors = {name: np.ascontiguousarray(value) for name, value in network.tensors().items()}
    text = json.dumps(network.description(), sort_keys=True, allow_nan=False)
    content: bytes = save(tensors, metadata={"architecture": text})
    return content
