"""Inputs, outputs, opsets and orders that an ONNX file may not have: one line each."""

import numpy as np
import pytest
from network_models import check_refusal, graph_model, node
from onnx import helper

ones = np.ones((4, 3), dtype=np.float32)
LAYER = node("Gemm", "x", "W", to="h", transB=1)


def info(name, shape, kind=1):
    return helper.make_tensor_value_info(name, kind, shape)


REFUSED = {
    "two inputs": (
        lambda: graph_model(
            [node("Add", "x", "y", to="u")], inputs=[info("x", [1, 3]), info("y", [1, 3])]
        ),
        "",
        "the graph has 2 inputs ('x', 'y')",
        "one input of shape (batch, n) or (n,)",
    ),
    "no input": (
        lambda: graph_model([node("Relu", "x", to="u")], {"x": ones}, inputs=[info("x", [4, 3])]),
        "",
        "the graph has 0 inputs",
        "one input",
    ),
    "no shape": (
        lambda: graph_model([node("Relu", "x", to="u")], shape=None),
        "input 'x'",
        "it has no shape",
        "n a number",
    ),
    "a dynamic width": (
        lambda: graph_model([node("Relu", "x", to="u")], shape=("batch", "n")),
        "input 'x'",
        "it has no fixed width",
        "n a number",
    ),
    "a dynamic vector": (
        lambda: graph_model([node("Relu", "x", to="u")], shape=("n",)),
        "input 'x'",
        "it has no fixed width",
        "n a number",
    ),
    "width 0": (
        lambda: graph_model([node("Relu", "x", to="u")], shape=("batch", 0)),
        "input 'x'",
        "it has no fixed width",
        "n a number",
    ),
    "an image": (
        lambda: graph_model([node("Relu", "x", to="u")], shape=(1, 3, 8, 8)),
        "input 'x'",
        "it has 4 dimensions",
        "(batch, n) or (n,)",
    ),
    "a scalar": (
        lambda: graph_model([node("Relu", "x", to="u")], shape=()),
        "input 'x'",
        "it has 0 dimensions",
        "(batch, n) or (n,)",
    ),
    "a fixed batch": (
        lambda: graph_model([node("Relu", "x", to="u")], shape=(8, 3)),
        "input 'x'",
        "its shape is 8 x 3",
        "a batch of 1 or of any size",
    ),
    "integers": (
        lambda: graph_model([node("Neg", "x", to="u")], kind=7),
        "input 'x'",
        "its type is no float",
        "float32 or float64",
    ),
    "too wide": (
        lambda: graph_model([node("Relu", "x", to="u")], shape=(1, 1025)),
        "",
        "1025 inputs",
        "1 to 1024",
    ),
    "two outputs": (
        lambda: graph_model(
            [node("Tanh", "x", to="u"), node("Relu", "x", to="v")], outputs=("u", "v")
        ),
        "",
        "the graph has 2 outputs ('u', 'v')",
        "one output",
    ),
    "an output in the middle": (
        lambda: graph_model([node("Tanh", "x", to="u"), node("Relu", "u", to="v")]),
        "node 'v.node' (Relu)",
        "the output of the graph comes before this operation",
        "the last value",
    ),
    "an output of constants": (
        lambda: graph_model([node("Identity", "W", to="u")], {"W": ones}),
        "",
        "the output does not depend on the input",
        "torch.onnx.export",
    ),
    "an old opset": (
        lambda: graph_model([node("Relu", "x", to="u")], opset=12),
        "",
        "this file is of opset 12",
        "opset 13 to",
    ),
    "a later opset": (
        lambda: graph_model([node("Relu", "x", to="u")], opset=999),
        "",
        "this file is of opset 999",
        "opset 13 to",
    ),
    "shapes that do not chain": (
        lambda: graph_model(
            [LAYER, node("Gemm", "h", "V", to="u", transB=1)],
            {"W": ones, "V": np.ones((2, 5), dtype=np.float32)},
        ),
        "",
        "this is not a valid ONNX file",
        "torch.onnx.export",
    ),
    "a graph with no order": (
        lambda: graph_model([node("Tanh", "h", to="u"), LAYER], {"W": ones}),
        "",
        "this is not a valid ONNX file",
        "torch.onnx.export",
    ),
    "a chain that is too long": (
        lambda: graph_model(
            [
                node("Tanh", "x" if k == 0 else f"t{k - 1}", to="u" if k == 69 else f"t{k}")
                for k in range(70)
            ]
        ),
        "",
        "a network of 70 operations",
        "at most 64",
    ),
    "a graph that is too long": (
        lambda: graph_model([node("Tanh", "x", to=f"t{k}") for k in range(5000)]),
        "",
        "a graph of 5000 operations",
        "at most 4096",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_graph_is_refused_with_one_line(name, tmp_path):
    check_refusal(REFUSED[name], tmp_path)
