"""Small ONNX models, and what other programs compute for them."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from certdde.errors import ProblemError
from certdde.systems.feedforward import Feedforward
from certdde.systems.feedforward_values import tensor_value
from certdde.systems.network_files import read_network

WHERE = "system.networks.u"


def node(operation, *inputs, to, **attributes):
    return helper.make_node(operation, list(inputs), [to], name=f"{to}.node", **attributes)


def graph_model(
    nodes,
    constants=None,
    *,
    shape=("batch", 3),
    opset=17,
    kind=TensorProto.FLOAT,
    inputs=None,
    outputs=("u",),
    rank=None,
):
    """Return a model of input x and output u, not checked."""
    given = inputs or [helper.make_tensor_value_info("x", kind, shape)]
    size = len(shape or (1, 3)) if rank is None else rank
    results = [helper.make_tensor_value_info(name, kind, [None] * size) for name in outputs]
    initializers = [
        value if isinstance(value, TensorProto) else numpy_helper.from_array(value, name)
        for name, value in (constants or {}).items()
    ]
    graph = helper.make_graph(nodes, "test", given, results, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    return model


def saved(model, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def run_onnx(model, rows: np.ndarray) -> np.ndarray:
    """Return the outputs of onnxruntime, row by row, as a batch of one each."""
    content = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    options = onnxruntime.SessionOptions()  # its fusion of Relu and Clip stops at float64
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    [entry] = session.get_inputs()
    rank = len(entry.shape)
    found = []
    for row in rows:
        shaped = row[None, :] if rank == 2 and entry.shape[-1] != 1 else row
        shaped = shaped[:, None] if rank == 2 and shaped.ndim == 1 else shaped
        found.append(session.run(None, {entry.name: shaped})[0].reshape(-1))
    return np.stack(found)


def run_network(network: Feedforward, rows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return tensor_value(network, torch.as_tensor(rows, dtype=torch.float64)).numpy()


def check_refusal(case, folder: Path) -> None:
    """A case is a function that builds a model, the place after the file, and parts of what and of wanted."""
    build, place, what, wanted = case
    path = saved(build(), folder / "u.onnx")
    with pytest.raises(ProblemError) as caught:
        read_network(path, WHERE)
    error = caught.value
    assert error.where == f"{WHERE}: {path}" + (f": {place}" if place else "")
    assert what in error.what
    assert wanted in error.wanted
    assert "\n" not in str(error)
    assert len(str(error)) < 600
