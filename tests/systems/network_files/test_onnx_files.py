"""ONNX files that are damaged, too large, or lean on other files and packages."""

import os
import sys

import numpy as np
import onnx
import pytest
from network_models import WHERE, graph_model, node, saved
from onnx import helper

from certdde.errors import MissingPackageError, ProblemError
from certdde.systems.network_files import read_network

ones = np.ones((4, 3), dtype=np.float32)
GEMM = node("Gemm", "x", "W", to="u", transB=1)
LAYER = node("Gemm", "x", "W", to="h", transB=1)


def test_weights_in_another_file(tmp_path):
    model = graph_model([GEMM], {"W": ones})
    inside = read_network(saved(model, tmp_path / "in.onnx"), WHERE)
    onnx.save_model(
        model, tmp_path / "out.onnx", save_as_external_data=True, location="w.bin", size_threshold=0
    )
    assert (tmp_path / "w.bin").exists()
    assert read_network(tmp_path / "out.onnx", WHERE) == inside


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08", b"PK\x03\x04" * 50, bytes(range(256))])
def test_another_file_is_refused(content, tmp_path):
    path = tmp_path / "u.onnx"
    path.write_bytes(content)
    with pytest.raises(ProblemError, match=r"not a(n| valid) ONNX file"):
        read_network(path, WHERE)


def test_every_cut_of_a_file_is_refused(tmp_path):
    content = graph_model([LAYER, node("Tanh", "h", to="u")], {"W": ones}).SerializeToString()
    path = tmp_path / "u.onnx"
    for size in range(0, len(content), 3):
        path.write_bytes(content[:size])
        with pytest.raises(ProblemError):
            read_network(path, WHERE)


def test_weights_in_a_file_that_is_missing(tmp_path):
    path = tmp_path / "u.onnx"
    model = graph_model([GEMM], {"W": ones})
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "w.bin").unlink()
    with pytest.raises(ProblemError, match="the weights 'W' are in another file"):
        read_network(path, WHERE)


@pytest.mark.parametrize("location", ["../w.bin", "/etc/hostname"])
def test_weights_outside_the_folder_are_refused(location, tmp_path):
    (tmp_path / "w.bin").write_bytes(ones.tobytes())
    folder = tmp_path / "below"
    folder.mkdir()
    model = graph_model([GEMM], {"W": ones})
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    with pytest.raises(ProblemError, match="are in another file"):
        read_network(saved(model, folder / "u.onnx"), WHERE)


@pytest.mark.parametrize("length", [None, 1 << 27, -1])
def test_weights_elsewhere_are_limited_before_they_are_read(length, tmp_path):
    model = graph_model([GEMM], {"W": ones})
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, "w.bin", length=length)
    tensor.ClearField("raw_data")
    (tmp_path / "w.bin").touch()
    os.truncate(tmp_path / "w.bin", 1 << 27)
    with pytest.raises(ProblemError, match="bytes of weights in other files"):
        read_network(saved(model, tmp_path / "u.onnx"), WHERE)


def test_constants_that_a_small_file_unfolds_are_limited(tmp_path):
    """Casts that are used nowhere still take memory."""
    nodes = [helper.make_node("Cast", ["W"], [f"c{k}"], to=11) for k in range(200)]
    model = graph_model(
        [*nodes, node("Tanh", "x", to="u")], {"W": np.ones((1 << 18, 1), dtype=np.float16)}
    )
    with pytest.raises(ProblemError, match="the constants are too large"):
        read_network(saved(model, tmp_path / "u.onnx"), WHERE)


def test_a_function_that_redefines_an_operation_is_refused(tmp_path):
    model = graph_model([node("Relu", "x", to="u")])
    opset = helper.make_opsetid("", 17)
    body = [helper.make_node("Tanh", ["a"], ["b"])]
    model.functions.append(helper.make_function("", "Relu", ["a"], ["b"], body, [opset]))
    with pytest.raises(ProblemError, match="functions in the domain of ONNX"):
        read_network(saved(model, tmp_path / "u.onnx"), WHERE)


def test_without_onnx_the_error_names_the_line_to_run(tmp_path, monkeypatch):
    path = saved(graph_model([GEMM], {"W": ones}), tmp_path / "u.onnx")
    for name in [n for n in sys.modules if n == "onnx" or n.startswith("onnx.")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackageError, match="uv sync --extra export, or pip install onnx"):
        read_network(path, WHERE)
