"""Random graphs with branches, in float64, against onnxruntime."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from network_models import WHERE, graph_model, node, run_network, run_onnx, saved
from onnx import TensorProto

from certdde.errors import ProblemError
from certdde.systems.network_files import read_network

WIDTH = 3
SHAPES = {"number": (), "one": (1,), "plain": (WIDTH,), "row": (1, WIDTH)}
PLAIN = ["Tanh", "Sigmoid", "Relu", "Neg", "LeakyRelu", "Identity", "Flatten"]


@st.composite
def graphs(draw):
    """Return the nodes and constants of a graph whose every value leads to the output."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    nodes, constants, last = [], {}, "x"
    made = ["x"]
    for k in range(draw(st.integers(1, 10))):
        kind = draw(st.sampled_from(["plain", "constant", "two", "layer", "clip"]))
        to = f"v{k}"
        if kind == "plain":
            nodes.append(node(draw(st.sampled_from(PLAIN)), last, to=to))
        elif kind == "constant":
            shape = SHAPES[draw(st.sampled_from(list(SHAPES)))]
            constants[f"c{k}"] = rng.normal(size=shape) + 3.0
            operation = draw(st.sampled_from(["Add", "Sub", "Mul", "Div"]))
            swapped = operation != "Div" and draw(st.booleans())
            pair = (f"c{k}", last) if swapped else (last, f"c{k}")
            nodes.append(node(operation, *pair, to=to))
        elif kind == "two":
            operation = draw(st.sampled_from(["Add", "Sub", "Mul"]))
            other = draw(st.sampled_from(made))
            pair = (last, other) if draw(st.booleans()) else (other, last)
            nodes.append(node(operation, *pair, to=to))
        elif kind == "layer":
            constants[f"c{k}"] = rng.normal(size=(WIDTH, WIDTH))
            operation = draw(st.sampled_from(["Gemm", "MatMul"]))
            nodes.append(node(operation, last, f"c{k}", to=to))
        else:
            low, high = sorted(rng.normal(size=2))
            constants |= {f"a{k}": np.array(low), f"b{k}": np.array(high)}
            nodes.append(node("Clip", last, f"a{k}", f"b{k}", to=to))
        made.append(to)
        last = to
    nodes.append(node("Identity", last, to="u"))
    return nodes, constants


@given(graphs(), st.sampled_from([(1, WIDTH), ("batch", WIDTH)]))
@settings(max_examples=80, deadline=None)
def test_a_random_graph_is_what_onnxruntime_computes(tmp_path_factory, drawn, shape):
    nodes, constants = drawn
    model = graph_model(nodes, constants, shape=shape, kind=TensorProto.DOUBLE)
    path = saved(model, tmp_path_factory.mktemp("random") / "u.onnx")
    rows = np.random.default_rng(1).normal(size=(6, WIDTH))
    try:
        network = read_network(path, WHERE)
    except ProblemError as error:  # ten clips are more steps than a network may have
        assert "at most 64" in error.wanted  # noqa: PT017
        return
    expected = run_onnx(model, rows)
    np.testing.assert_allclose(run_network(network, rows), expected, rtol=1e-8, atol=1e-8)
