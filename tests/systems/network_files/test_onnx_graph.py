"""Every operation of ONNX that is read, against onnxruntime, and weights against the file."""

from fractions import Fraction

import numpy as np
import pytest
from network_models import WHERE, graph_model, node, run_network, run_onnx, saved
from onnx import TensorProto, helper, numpy_helper

from certdde.systems.network_files import read_network
from certdde.systems.network_files.onnx_graph import OPERATIONS

rng = np.random.default_rng(7)


def single(*shape):
    return rng.normal(size=shape).astype(np.float32)


W, W2, B, B2 = single(4, 3), single(2, 4), single(4), single(2)
POINT = np.array([0.5, -0.25, 2.0], dtype=np.float32)
HIDDEN = node("Gemm", "x", "W", "B", to="h", transB=1)
INTEGERS = {"i1": np.array([1]), "i0": np.array([0])}

CASES = {
    "gemm": ([node("Gemm", "x", "W", "B", to="u", transB=1)], {"W": W, "B": B}),
    "gemm, no bias": ([node("Gemm", "x", "W", to="u")], {"W": W.T.copy()}),
    "gemm, factors": (
        [node("Gemm", "x", "W", "B", to="u", transB=1, alpha=0.3, beta=-1.7)],
        {"W": W, "B": B},
    ),
    "gemm, one number as bias": (
        [node("Gemm", "x", "W", "B", to="u", transB=1)],
        {"W": W, "B": np.array(0.5, dtype=np.float32)},
    ),
    "gemm, computed bias": (
        [node("Tanh", "x", to="t"), node("Gemm", "x", "W", "t", to="u", beta=0.7)],
        {"W": single(3, 3)},
    ),
    "matmul, add": (
        [node("MatMul", "x", "W", to="h"), node("Add", "h", "B", to="u")],
        {"W": W.T.copy(), "B": B},
    ),
    "add on the left": (
        [node("MatMul", "x", "W", to="h"), node("Add", "B", "h", to="u")],
        {"W": W.T.copy(), "B": B},
    ),
    "add a number": ([node("Add", "x", "c", to="u")], {"c": np.array(0.3, dtype=np.float32)}),
    "sub": ([node("Sub", "x", "c", to="u")], {"c": POINT}),
    "sub from": ([node("Sub", "c", "x", to="u")], {"c": POINT}),
    "mul": ([node("Mul", "x", "c", to="u")], {"c": POINT}),
    "mul, a row": ([node("Mul", "c", "x", to="u")], {"c": POINT[None, :]}),
    "div": ([node("Div", "x", "c", to="u")], {"c": POINT}),
    "div by 3": ([node("Div", "x", "c", to="u")], {"c": np.array([3.0], dtype=np.float32)}),
    "neg": ([node("Neg", "x", to="u")], {}),
    "relu": ([node("Relu", "x", to="u")], {}),
    "leaky": ([node("LeakyRelu", "x", to="u", alpha=0.2)], {}),
    "leaky by default": ([node("LeakyRelu", "x", to="u")], {}),
    "tanh": ([node("Tanh", "x", to="u")], {}),
    "sigmoid": ([node("Sigmoid", "x", to="u")], {}),
    "clip": (
        [node("Clip", "x", "lo", "hi", to="u")],
        {"lo": np.array(-0.3, dtype=np.float32), "hi": np.array(0.7, dtype=np.float32)},
    ),
    "clip below": (
        [node("Clip", "x", "lo", to="u")],
        {"lo": np.array(-0.3, dtype=np.float32)},
    ),
    "clip above": (
        [node("Clip", "x", "", "hi", to="u")],
        {"hi": np.array(0.7, dtype=np.float32)},
    ),
    "clip nothing": ([node("Clip", "x", to="u")], {}),
    "clip by attributes of constants": (
        [
            node("Constant", to="lo", value_float=-0.25),
            node("Constant", to="hi", value_float=0.5),
            HIDDEN,
            node("Clip", "h", "lo", "hi", to="u"),
        ],
        {"W": W, "B": B},
    ),
    "sum of branches": (
        [
            HIDDEN,
            node("Tanh", "h", to="a"),
            node("Sigmoid", "h", to="b"),
            node("Add", "a", "b", to="u"),
        ],
        {"W": W, "B": B},
    ),
    "difference of branches": (
        [
            HIDDEN,
            node("Tanh", "h", to="a"),
            node("Relu", "h", to="b"),
            node("Sub", "a", "b", to="u"),
        ],
        {"W": W, "B": B},
    ),
    "product of branches": (
        [HIDDEN, node("Sigmoid", "h", to="a"), node("Mul", "h", "a", to="u")],
        {"W": W, "B": B},
    ),
    "square": ([HIDDEN, node("Mul", "h", "h", to="u")], {"W": W, "B": B}),
    "a number times a vector": (
        [
            node("Gemm", "x", "w", to="g", transB=1),
            node("Tanh", "g", to="t"),
            node("Mul", "t", "x", to="u"),
        ],
        {"w": single(1, 3)},
    ),
    "a number plus a row": (
        [node("Gemm", "x", "w", to="g", transB=1), node("Add", "g", "c", to="u")],
        {"w": single(1, 3), "c": POINT},
    ),
    "identity": ([node("Identity", "x", to="a"), node("Identity", "a", to="u")], {}),
    "flatten": ([node("Flatten", "x", to="a"), node("Tanh", "a", to="u")], {}),
    "reshape": (
        [
            node("Reshape", "x", "s", to="a"),
            node("Tanh", "a", to="b"),
            node("Reshape", "b", "t", to="u"),
        ],
        {"s": np.array([0, 1, -1]), "t": np.array([-1, 3])},
    ),
    "unsqueeze, squeeze": (
        [
            node("Unsqueeze", "x", "i1", to="a"),
            node("MatMul", "a", "W", to="b"),
            node("Squeeze", "b", "i1", to="u"),
        ],
        {"W": W.T.copy(), **INTEGERS},
    ),
    "transpose a weight": (
        [node("Transpose", "W", to="T", perm=[1, 0]), node("MatMul", "x", "T", to="u")],
        {"W": W},
    ),
    "a column by transpose": (
        [
            node("Transpose", "x", to="c"),
            node("MatMul", "W", "c", to="d"),
            node("Transpose", "d", to="u"),
        ],
        {"W": W},
    ),
    "constant": (
        [
            node("Constant", to="W", value=numpy_helper.from_array(W.T.copy(), "w")),
            node("MatMul", "x", "W", to="u"),
        ],
        {},
    ),
    "constants": (
        [node("Constant", to="c", value_floats=[1.0, 2.0, 3.0]), node("Add", "x", "c", to="u")],
        {},
    ),
    "cast": (
        [
            helper.make_node("Cast", ["x"], ["a"], to=11),
            node("Tanh", "a", to="b"),
            helper.make_node("Cast", ["b"], ["u"], to=1),
        ],
        {},
    ),
    "cast a constant": (
        [helper.make_node("Cast", ["i"], ["c"], to=1), node("Mul", "x", "c", to="u")],
        {"i": np.array([1, -2, 3])},
    ),
    "dropout": ([node("Dropout", "x", to="u")], {}),
    "dropout, off": (
        [node("Dropout", "x", "r", "t", to="u")],
        {"r": np.array(0.5, dtype=np.float32), "t": np.array(False)},
    ),
    "layers": (
        [HIDDEN, node("Tanh", "h", to="a"), node("Gemm", "a", "V", "C", to="u", transB=1)],
        {"W": W, "B": B, "V": W2, "C": B2},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operation_is_what_onnxruntime_computes(name, tmp_path):
    nodes, constants = CASES[name]
    model = graph_model(nodes, constants)
    network = read_network(saved(model, tmp_path / "u.onnx"), WHERE)
    rows = single(40, 3)
    np.testing.assert_allclose(
        run_network(network, rows), run_onnx(model, rows), rtol=2e-5, atol=2e-6
    )


def test_every_operation_has_a_case():
    assert {n.op_type for nodes, _ in CASES.values() for n in nodes} == set(OPERATIONS)


@pytest.mark.parametrize("opset", [13, 14, 18, 21, 24])
@pytest.mark.parametrize(
    "name", ["layers", "clip", "leaky", "unsqueeze, squeeze", "reshape", "cast"]
)
def test_other_opsets_are_read_alike(name, opset, tmp_path):
    nodes, constants = CASES[name]
    found = [
        read_network(saved(graph_model(nodes, constants, opset=k), tmp_path / "u.onnx"), WHERE)
        for k in (17, opset)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("shape", [(3,), (1, 3), ("batch", 3), (None, 3)])
def test_rows_and_plain_vectors_are_the_same_network(shape, tmp_path):
    nodes = [node("MatMul", "x", "W", to="h"), node("Tanh", "h", to="u")]
    model = graph_model(nodes, {"W": W.T.copy()}, shape=shape)
    network = read_network(saved(model, tmp_path / "u.onnx"), WHERE)
    assert (network.inputs, network.outputs) == (3, 4)
    np.testing.assert_array_equal(network.steps[0].weight, W)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_a_weight_on_the_left_of_a_column(shape, tmp_path):
    bias = B if shape == (3,) else B[:, None]
    nodes = [node("MatMul", "W", "x", to="h"), node("Add", "h", "B", to="u")]
    model = graph_model(nodes, {"W": W, "B": bias}, shape=shape)
    network = read_network(saved(model, tmp_path / "u.onnx"), WHERE)
    rows = single(20, 3)
    np.testing.assert_allclose(
        run_network(network, rows), run_onnx(model, rows), rtol=1e-5, atol=1e-6
    )
    assert [step.operation for step in network.steps] == ["affine"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_weights_are_taken_without_rounding(dtype, tmp_path):
    weight, bias = rng.normal(size=(4, 3)).astype(dtype), rng.normal(size=4).astype(dtype)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [node("Gemm", "x", "W", "B", to="u", transB=1)]
    model = graph_model(nodes, {"W": weight, "B": bias}, kind=kind)
    [step] = read_network(saved(model, tmp_path / "u.onnx"), WHERE).steps
    np.testing.assert_array_equal(step.weight, weight.astype(np.float64))
    np.testing.assert_array_equal(step.bias, bias.astype(np.float64))


def test_bfloat16_weights_are_taken_without_rounding(tmp_path):
    tensor = helper.make_tensor("W", TensorProto.BFLOAT16, [1, 3], [1.5, -0.25, 3.0])
    model = graph_model([node("Gemm", "x", "W", to="u", transB=1)], {"W": tensor}, kind=16)
    [step] = read_network(saved(model, tmp_path / "u.onnx"), WHERE).steps
    assert step.weight.tolist() == [[1.5, -0.25, 3.0]]


def test_factors_of_gemm_are_folded_only_if_nothing_is_rounded(tmp_path):
    """float32 times float32 fits into binary64; a binary64 weight times 0.3 does not."""
    for dtype, operations in (
        (np.float32, ["affine"]),
        (np.float64, ["affine", "scale", "affine", "scale", "sum"]),
    ):
        weight, bias = rng.normal(size=(4, 3)).astype(dtype), rng.normal(size=4).astype(dtype)
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        nodes = [node("Gemm", "x", "W", "B", to="u", transB=1, alpha=0.3, beta=0.7)]
        model = graph_model(nodes, {"W": weight, "B": bias}, kind=kind)
        network = read_network(saved(model, tmp_path / "u.onnx"), WHERE)
        assert [step.operation for step in network.steps] == operations
        point = [fraction(x) for x in (1.0, -2.0, 0.5)]
        alpha, beta = fraction(np.float32(0.3)), fraction(np.float32(0.7))
        expected = [
            alpha * sum(fraction(w) * v for w, v in zip(row, point, strict=True))
            + beta * fraction(b)
            for row, b in zip(weight, bias, strict=True)
        ]
        assert network.exact(point) == expected


def fraction(number):
    return Fraction(float(number))


def test_a_bound_at_the_end_of_the_type_is_none(tmp_path):
    """ONNX gives numeric_limits::lowest() and max() as the defaults of Clip."""
    limits = np.finfo(np.float32)
    bounds = {"lo": np.array(limits.min), "hi": np.array(limits.max)}
    for low, high in (("lo", "hi"), ("minus", "plus")):
        constants = {**bounds, "minus": np.float32(-np.inf), "plus": np.float32(np.inf)}
        constants = {k: np.asarray(v, dtype=np.float32) for k, v in constants.items()}
        model = graph_model(
            [HIDDEN, node("Clip", "h", low, high, to="u")], {"W": W, "B": B, **constants}
        )
        network = read_network(saved(model, tmp_path / "u.onnx"), WHERE)
        assert [step.operation for step in network.steps] == ["affine"]


def test_a_weight_that_is_also_an_input_is_a_weight(tmp_path):
    inputs = [
        helper.make_tensor_value_info("x", 1, ["batch", 3]),
        helper.make_tensor_value_info("W", 1, [4, 3]),
    ]
    model = graph_model([node("Gemm", "x", "W", to="u", transB=1)], {"W": W}, inputs=inputs)
    assert read_network(saved(model, tmp_path / "u.onnx"), WHERE).inputs == 3
