"""What is written is read again as the same network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_models import WHERE, run_network, run_onnx

from certdde.errors import ProblemError
from certdde.systems.feedforward import Feedforward, Step
from certdde.systems.network_files import onnx_model, read_network, write_network

WIDTH = 3


@st.composite
def networks(draw):
    """Networks in which every step is needed: each takes the value before it, and one from anywhere."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    single = draw(st.booleans())

    def drawn(*shape):
        array = rng.normal(size=shape)
        return array.astype(np.float32).astype(np.float64) if single else array

    kinds = st.sampled_from(["affine", "scale", "sum", "product", "tanh", "sigmoid", "relu"])
    steps = []
    for k, kind in enumerate(draw(st.lists(kinds, min_size=1, max_size=8))):
        if kind in ("sum", "product"):
            steps.append(Step(kind, (k, draw(st.integers(0, k)))))
        elif kind in ("affine", "scale"):
            weight = drawn(WIDTH, WIDTH) if kind == "affine" else drawn(WIDTH)
            bias = np.zeros(WIDTH) if draw(st.booleans()) else drawn(WIDTH)
            steps.append(Step(kind, (k,), weight, bias))
        else:
            steps.append(Step(kind, (k,)))
    return Feedforward(WIDTH, tuple(steps))


@given(networks(), st.sampled_from([".onnx", ".safetensors"]))
@settings(max_examples=60, deadline=None)
def test_a_network_comes_back_with_its_fingerprint(tmp_path_factory, network, suffix):
    path = write_network(network, tmp_path_factory.mktemp("written") / f"u{suffix}")
    found = read_network(path, WHERE)
    assert found.fingerprint == network.fingerprint
    assert read_network(str(path), WHERE) == network


@given(networks())
@settings(max_examples=20, deadline=None)
def test_the_graph_computes_the_network(network):
    rows = np.random.default_rng(1).normal(size=(10, WIDTH))
    expected = run_network(network, rows)
    np.testing.assert_allclose(run_onnx(onnx_model(network), rows), expected, rtol=1e-9, atol=1e-9)


def test_a_shifted_network_is_written_as_safetensors_only(tmp_path):
    network = Feedforward(1, (Step("tanh", (0,)),)).shifted([0.1], [-0.5])
    path = write_network(network, tmp_path / "u.safetensors")
    assert read_network(path, WHERE) == network
    with pytest.raises(ProblemError, match="a shifted network has no exact ONNX graph"):
        write_network(network, tmp_path / "u.onnx")
    assert not (tmp_path / "u.onnx").exists()


def test_the_same_network_is_the_same_file(tmp_path):
    network = Feedforward(
        1, (Step("affine", (0,), np.ones((2, 1)), np.zeros(2)), Step("relu", (1,)))
    )
    for suffix in (".onnx", ".safetensors"):
        first, second = (write_network(network, tmp_path / f"{k}{suffix}") for k in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ProblemError, match=r"a name that ends in .onnx or .safetensors"):
        write_network(Feedforward(1, (Step("tanh", (0,)),)), tmp_path / "u.pt")
