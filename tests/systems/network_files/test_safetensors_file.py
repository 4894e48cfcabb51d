"""Safetensors with a JSON architecture: names, defaults, and one line for what does not fit."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch
from network_models import WHERE, run_network
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch
from torch import nn

from certdde.errors import ProblemError
from certdde.systems.network_files import read_network

rng = np.random.default_rng(3)
WEIGHTS = {
    "weight1": rng.normal(size=(4, 3)),
    "bias1": rng.normal(size=4),
    "weight2": rng.normal(size=(2, 4)),
    "bias2": rng.normal(size=2),
}
CHAIN = {"layers": [{"operation": "affine"}, {"operation": "tanh"}, {"operation": "affine"}]}


def written(folder, form, tensors=None, *, inside=False):
    path = folder / "controller.safetensors"
    text = form if isinstance(form, str) else json.dumps(form)
    metadata = {"architecture": text} if inside else None
    save_file(WEIGHTS if tensors is None else tensors, path, metadata=metadata)
    if not inside:
        (folder / "controller.json").write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("inside", [True, False])
def test_the_architecture_is_in_the_file_or_beside_it(inside, tmp_path):
    network = read_network(written(tmp_path, CHAIN, inside=inside), WHERE)
    assert [step.operation for step in network.steps] == ["affine", "tanh", "affine"]
    rows = rng.normal(size=(9, 3))
    hidden = np.tanh(rows @ WEIGHTS["weight1"].T + WEIGHTS["bias1"])
    expected = hidden @ WEIGHTS["weight2"].T + WEIGHTS["bias2"]
    np.testing.assert_allclose(run_network(network, rows), expected, rtol=1e-13)
    np.testing.assert_array_equal(network.steps[0].weight, WEIGHTS["weight1"])


def test_two_architectures_that_agree_are_one(tmp_path):
    path = written(tmp_path, CHAIN, inside=True)
    (tmp_path / "controller.json").write_text(json.dumps(CHAIN, indent=3), encoding="utf-8")
    assert read_network(path, WHERE).inputs == 3


def test_two_architectures_that_differ_are_refused(tmp_path):
    path = written(tmp_path, CHAIN, inside=True)
    other = {"layers": [*CHAIN["layers"], {"operation": "tanh"}]}
    (tmp_path / "controller.json").write_text(json.dumps(other), encoding="utf-8")
    with pytest.raises(
        ProblemError, match=r"controller.json and the metadata 'architecture' differ"
    ):
        read_network(path, WHERE)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_the_names_of_a_sequential_are_found(dtype, tmp_path):
    module = nn.Sequential(
        nn.Linear(3, 4), nn.LeakyReLU(0.25), nn.Linear(4, 2, bias=False), nn.Sigmoid()
    )
    module = module.to(dtype)
    path = tmp_path / "u.safetensors"
    save_torch(module.state_dict(), path)
    layers = [
        {"operation": "affine"},
        {"operation": "leaky_relu", "slope": 0.25},
        {"operation": "affine"},
        {"operation": "sigmoid"},
    ]
    (tmp_path / "u.json").write_text(json.dumps({"layers": layers}), encoding="utf-8")
    assert read_network(path, WHERE) == read_network(module, WHERE)


def test_named_tensors_and_the_other_operations(tmp_path):
    form = {
        "layers": [
            {"operation": "affine", "weight": "in"},
            {"operation": "identity"},
            {"operation": "relu"},
            {"operation": "affine", "weight": "out", "bias": "shift"},
            {"operation": "clip", "lower": -1, "upper": 0.5},
        ]
    }
    tensors = {
        "in": np.array([[2.0, -1.0]]),
        "out": np.array([[3.0], [1.0]]),
        "shift": np.array([-1.0, 0.25]),
    }
    network = read_network(written(tmp_path, form, tensors), WHERE)
    for point in (
        [Fraction(1, 7), Fraction(1, 3)],
        [Fraction(1), Fraction(1, 2)],
        [Fraction(1, 5), Fraction(0)],
    ):
        unit = max(2 * point[0] - point[1], 0)
        pair = (3 * unit - 1, unit + Fraction(1, 4))
        assert network.exact(point) == [min(max(v, -1), Fraction(1, 2)) for v in pair]


REFUSED = {
    "no architecture": (None, None, "does not say which layers"),
    "no JSON": ("{", None, "this is not JSON"),
    "deep JSON": ("[" * 200_000, None, "this is not JSON"),
    "long JSON": (" " * ((1 << 20) + 1) + "{}", None, "too long"),
    "a list": ("[]", None, "cannot use"),
    "no layers": ({"layers": []}, None, "layers: cannot use"),
    "an unknown key": ({**CHAIN, "layer": 1}, None, "unknown key 'layer'; did you mean 'layers'"),
    "an unknown operation": (
        {"layers": [{"operation": "affine"}, {"operation": "softplus"}]},
        None,
        r"layers\[1\].operation: 'softplus' is unknown; use one of: affine, tanh",
    ),
    "a slope for tanh": (
        {"layers": [{"operation": "tanh", "slope": 0.1}]},
        None,
        r"layers\[0\]: tanh has no slope; leave it out",
    ),
    "no slope": ({"layers": [{"operation": "leaky_relu"}]}, None, "leaky_relu without slope"),
    "a slope of text": (
        {"layers": [{"operation": "leaky_relu", "slope": "1"}]},
        None,
        "not a number",
    ),
    "an infinite bound": (
        '{"layers": [{"operation": "clip", "lower": Infinity}]}',
        None,
        "not a finite",
    ),
    "reversed bounds": (
        {"layers": [*CHAIN["layers"], {"operation": "clip", "lower": 1, "upper": -1}]},
        None,
        r"layers\[3\] \(clip\): .* reversed",
    ),
    "no affine layer": ({"layers": [{"operation": "tanh"}]}, None, "no affine layer"),
    "an unused tensor": ({"layers": CHAIN["layers"][:2]}, None, "no layer uses the tensor 'bias2'"),
    "a missing tensor": (
        {"layers": [*CHAIN["layers"], {"operation": "affine"}]},
        None,
        r"layers\[3\] \(affine\): there is no tensor 'weight3'; one of 'bias1'",
    ),
    "a bias that is not there": (
        {"layers": [{"operation": "affine", "bias": "b"}]},
        {"weight1": np.ones((2, 2))},
        "there is no tensor 'b'",
    ),
    "a vector as weight": (
        {"layers": [{"operation": "affine"}]},
        {"weight1": np.ones(2)},
        "the weight 'weight1' has 1 dimensions",
    ),
    "shapes that do not chain": (
        {"layers": [{"operation": "affine"}, {"operation": "affine"}]},
        {"weight1": np.ones((2, 2)), "weight2": np.ones((2, 3))},
        r"layers\[1\] \(affine\): a 2 x 3 weight for 2 inputs",
    ),
    "integers": (
        {"layers": [{"operation": "affine"}]},
        {"weight1": np.ones((2, 2), dtype=np.int64)},
        "tensor 'weight1': it is of type torch.int64",
    ),
    "NaN": (
        {"layers": [{"operation": "affine"}]},
        {"weight1": np.full((2, 2), np.nan)},
        "tensor 'weight1': it has a NaN or infinite number",
    ),
    "too wide": (
        {"layers": [{"operation": "affine"}]},
        {"weight1": np.ones((1, 1025))},
        "1025 inputs; 1 to 1024",
    ),
    "steps of an unknown operation": (
        {"inputs": 1, "steps": [{"operation": "sin", "sources": [0]}]},
        {"weight1": np.ones((1, 1))},
        "'sin' is unknown",
    ),
    "steps that look ahead": (
        {"inputs": 1, "steps": [{"operation": "tanh", "sources": [1]}]},
        {},
        "takes a value that does not exist yet",
    ),
    "steps with a number for a matrix": (
        {"inputs": 1, "steps": [{"operation": "affine", "sources": [0]}]},
        {"weight1": np.ones(()), "bias1": np.ones(1)},
        "'weight1' is a single number",
    ),
    "steps without their tensors": (
        {"inputs": 1, "steps": [{"operation": "affine", "sources": [0]}]},
        {"weight1": np.ones((1, 1))},
        "there is no tensor 'bias1'",
    ),
    "steps with a tensor too many": (
        {"inputs": 1, "steps": [{"operation": "tanh", "sources": [0]}]},
        {"weight1": np.ones((1, 1))},
        "no layer uses the tensor 'weight1'",
    ),
    "an origin without the output there": (
        {"inputs": 1, "steps": [{"operation": "tanh", "sources": [0]}], "origin": [0.0]},
        {},
        "an origin without the output there",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_one_line(name, tmp_path):
    form, tensors, message = REFUSED[name]
    path = written(tmp_path, "" if form is None else form, tensors)
    if form is None:
        (tmp_path / "controller.json").unlink()
    with pytest.raises(ProblemError, match=message) as caught:
        read_network(path, WHERE)
    assert str(caught.value).startswith(f"{WHERE}: {path}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 64, b"PK\x03\x04"])
def test_another_file_is_refused(content, tmp_path):
    path = tmp_path / "u.safetensors"
    path.write_bytes(content)
    with pytest.raises(ProblemError, match="not a valid safetensors file"):
        read_network(path, WHERE)


def test_every_cut_of_a_file_is_refused(tmp_path):
    path = written(tmp_path, CHAIN, inside=True)
    content = path.read_bytes()
    for size in range(0, len(content), 7):
        path.write_bytes(content[:size])
        with pytest.raises(ProblemError):
            read_network(path, WHERE)
