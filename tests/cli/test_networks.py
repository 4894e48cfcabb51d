"""Networks in problem files: whatever is wrong with a file is one line with exit status 2, in every command."""

import numpy as np
import pytest
from command_line import run_certdde
from feedforward_networks import layered
from network_models import graph_model, node
from onnx import TensorProto, helper

from certdde.systems.network_files import write_network

PLANT = """
[system]
equations = ["x' = {call}"]
domain = {{ x = [-0.5, 0.5] }}
[system.networks]
u = {file}
[delays.tau]
range = [0.0, 0.5]
"""
CALL = "u(x(t - tau))"
GEMM = node("Gemm", "x", "W", to="h", transB=1)
ONE, NAN = (np.array([[v]], dtype=np.float32) for v in (-1.0, np.nan))


def written(folder, model, name="controller.onnx"):
    (folder / name).write_bytes(model.SerializeToString())


def problem(folder, call=CALL, file='"controller.onnx"'):
    path = folder / "problem.toml"
    path.write_text(PLANT.format(call=call, file=file), encoding="utf-8")
    return path


@pytest.fixture
def good(tmp_path):
    """A network of one input that is 0 at 0."""
    write_network(layered(0, (1, 2, 1), "tanh", biased=False), tmp_path / "controller.onnx")
    return tmp_path


def refused(path, *expected):
    complaint = run_certdde("margin", path, "--json").complaint()
    assert str(path) in complaint
    for words in expected:
        assert words in complaint


def test_an_operation_that_is_not_supported(tmp_path):
    model = graph_model([GEMM, node("Softmax", "h", to="u")], {"W": ONE}, shape=(1, 1))
    written(tmp_path, model)
    refused(problem(tmp_path), "system.networks.u", "'Softmax' is not supported")


def test_two_inputs(tmp_path):
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 1)) for name in "xy"]
    written(tmp_path, graph_model([node("Add", "x", "y", to="u")], inputs=inputs, shape=(1, 1)))
    refused(problem(tmp_path), "system.networks.u", "2 inputs")


def test_weights_that_are_nan(tmp_path):
    written(
        tmp_path, graph_model([node("Gemm", "x", "W", to="u", transB=1)], {"W": NAN}, shape=(1, 1))
    )
    refused(problem(tmp_path), "system.networks.u", "NaN")


def test_a_call_of_another_width(good):
    refused(problem(good, call="u(x(t - tau), x)"), "is given 2")


def test_a_network_that_is_not_zero_at_the_equilibrium(tmp_path):
    write_network(layered(0, (1, 2, 1), "relu"), tmp_path / "controller.onnx")
    refused(problem(tmp_path), "not 0", "shift = true")


def test_a_tanh_network_whose_value_at_the_equilibrium_is_not_known(tmp_path):
    write_network(layered(0, (1, 2, 1), "tanh"), tmp_path / "controller.onnx")
    refused(problem(tmp_path), "shift = true")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ('"missing.onnx"', "missing.onnx"),
        ('"."', "system.networks.u"),
        ('"problem.toml"', "system.networks.u"),
        ('{ file = "controller.onnx", shift = 1 }', "neither true nor false"),
        ('{ file = "controller.onnx", at_rest = 1.0 }', "shift = true"),
        ('{ file = "controller.onnx", shift = true, at_rest = [0.0, 1.0] }', "at_rest"),
        ('{ path = "controller.onnx" }', "file"),
        ("3", "no file"),
    ],
)
def test_files_that_cannot_be(good, file, expected):
    refused(problem(good, file=file), expected)


@pytest.mark.parametrize("command", ["attack", "certify", "margin", "simulate"])
def test_every_command_says_so(tmp_path, command):
    path = problem(tmp_path)
    out = [] if command == "margin" else ["-o", tmp_path / "out"]
    complaint = run_certdde(command, path, *out).complaint()
    assert "controller.onnx" in complaint


@pytest.mark.parametrize("study", ["margin", "regularity"])
def test_every_study_says_so(tmp_path, study):
    path = problem(tmp_path)
    assert "controller.onnx" in run_certdde("study", study, path, "-o", tmp_path / "o").complaint()
