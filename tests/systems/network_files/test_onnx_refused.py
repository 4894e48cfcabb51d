"""Operations and weights that an ONNX file may not have: one line each, and never another network."""

import numpy as np
import pytest
from network_models import check_refusal, graph_model, node
from onnx import helper

ones = np.ones((4, 3), dtype=np.float32)
GEMM = node("Gemm", "x", "W", to="u", transB=1)
LAYER = node("Gemm", "x", "W", to="h", transB=1)


def with_entry(value, shape=(4, 3)):
    array = np.ones(shape, dtype=np.float32)
    array.flat[-1] = value
    return array


def number(value, dtype=np.float32):
    return np.array(value, dtype=dtype)


REFUSED = {
    "an unknown operation": (
        lambda: graph_model([LAYER, node("Softmax", "h", to="u")], {"W": ones}),
        "node 'u.node' (Softmax)",
        "the operation 'Softmax' is not supported",
        "use Add, Cast, Clip",
    ),
    "another domain": (
        lambda: graph_model([helper.make_node("Relu", ["x"], ["u"], domain="org.example")]),
        "node 1 (Relu)",
        "'Relu' of 'org.example' is not supported",
        "use Add",
    ),
    "too many units": (
        lambda: graph_model([GEMM], {"W": np.ones((1025, 3), dtype=np.float32)}),
        "node 'u.node' (Gemm)",
        "1 x 1025",
        "at most 1024 units",
    ),
    "NaN": (
        lambda: graph_model([GEMM], {"W": with_entry(np.nan)}),
        "node 'u.node' (Gemm)",
        "the constant 'W' has a NaN or infinite number",
        "finite weights",
    ),
    "infinite": (
        lambda: graph_model([GEMM], {"W": with_entry(-np.inf)}),
        "node 'u.node' (Gemm)",
        "the constant 'W' has a NaN or infinite number",
        "finite weights",
    ),
    "too large": (
        lambda: graph_model([GEMM], {"W": with_entry(1e38)}),
        "node 'u.node' (Gemm)",
        "NaN, infinite or too large",
        "finite weights",
    ),
    "NaN as a bound": (
        lambda: graph_model([node("Clip", "x", "c", to="u")], {"c": number(np.nan)}),
        "node 'u.node' (Clip)",
        "a bound of Clip is NaN",
        "numbers",
    ),
    "reversed bounds": (
        lambda: graph_model(
            [node("Clip", "x", "a", "b", to="u")], {"a": number(1), "b": number(-1)}
        ),
        "node 'u.node' (Clip)",
        "reversed",
        "lower <= upper",
    ),
    "a computed bound": (
        lambda: graph_model(
            [
                node("Gemm", "x", "W", to="h"),
                node("Squeeze", "h", to="s"),
                node("Clip", "x", "s", to="u"),
            ],
            {"W": np.ones((3, 1), dtype=np.float32)},
        ),
        "node 'u.node' (Clip)",
        "a bound of Clip is no constant",
        "constant bounds",
    ),
    "computed weights": (
        lambda: graph_model([node("Gemm", "x", "x", to="u", transB=1)]),
        "node 'u.node' (Gemm)",
        "its input 2 is no constant",
        "constant weights",
    ),
    "a product of computed matrices": (
        lambda: graph_model([node("Transpose", "x", to="t"), node("MatMul", "x", "t", to="u")]),
        "node 'u.node' (MatMul)",
        "two computed values as matrices",
        "constant weights",
    ),
    "an outer sum": (
        lambda: graph_model(
            [node("Add", "x", "c", to="u")], {"c": np.ones((3, 1), dtype=np.float32)}
        ),
        "node 'u.node' (Add)",
        "an array of shape 3 x 3",
        "layers on vectors",
    ),
    "a column times a row": (
        lambda: graph_model(
            [node("Transpose", "x", to="t"), node("MatMul", "t", "c", to="u")],
            {"c": np.ones((1, 2), dtype=np.float32)},
        ),
        "node 'u.node' (MatMul)",
        "make no layer",
        "layers on vectors",
    ),
    "a transposed input": (
        lambda: graph_model(
            [node("Gemm", "x", "W", to="u", transA=1)], {"W": np.ones((1, 2), dtype=np.float32)}
        ),
        "node 'u.node' (Gemm)",
        "transA = 1",
        "transA = 0",
    ),
    "division by a value": (
        lambda: graph_model([node("Div", "c", "x", to="u")], {"c": number([1.0])}),
        "node 'u.node' (Div)",
        "divides by a computed value",
        "constants only",
    ),
    "division of two values": (
        lambda: graph_model([node("Tanh", "x", to="t"), node("Div", "t", "x", to="u")]),
        "node 'u.node' (Div)",
        "divides by a computed value",
        "constants only",
    ),
    "division by 0": (
        lambda: graph_model([node("Div", "x", "c", to="u")], {"c": number([1.0, 0.0, 1.0])}),
        "node 'u.node' (Div)",
        "it divides by 0",
        "not 0",
    ),
    "division by almost 0": (
        lambda: graph_model(
            [node("Div", "x", "c", to="u")], {"c": number([1e-310], np.float64)}, kind=11
        ),
        "node 'u.node' (Div)",
        "too large",
        "finite weights",
    ),
    "arithmetic of constants": (
        lambda: graph_model(
            [node("Add", "a", "a", to="b"), node("Add", "x", "b", to="u")], {"a": number([1.0])}
        ),
        "node 'b.node' (Add)",
        "it computes with constants only",
        "fold constants",
    ),
    "training": (
        lambda: graph_model(
            [node("Dropout", "x", "r", "t", to="u")], {"r": number(0.5), "t": np.array(True)}
        ),
        "node 'u.node' (Dropout)",
        "it drops units at random",
        "for inference",
    ),
    "the mask of dropout": (
        lambda: graph_model(
            [
                helper.make_node("Dropout", ["x"], ["d", "mask"]),
                helper.make_node("Cast", ["mask"], ["m"], to=1),
                node("Mul", "d", "m", to="u"),
            ]
        ),
        "node 2 (Cast)",
        "it uses 'mask', an output that is not read",
        "one value",
    ),
    "a cast to integers": (
        lambda: graph_model(
            [
                helper.make_node("Cast", ["x"], ["i"], to=7),
                helper.make_node("Cast", ["i"], ["u"], to=1),
            ]
        ),
        "node 1 (Cast)",
        "it casts a computed value to int64",
        "between floats",
    ),
    "a cast to 8 bits": (
        lambda: graph_model(
            [
                helper.make_node("Cast", ["x"], ["i"], to=17),
                helper.make_node("Cast", ["i"], ["u"], to=1),
            ],
            opset=21,
        ),
        "node 1 (Cast)",
        "it casts a computed value to float8",
        "between floats",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_graph_is_refused_with_one_line(name, tmp_path):
    check_refusal(REFUSED[name], tmp_path)
