"""Torch modules: what is read computes what the module computes, and anything else is refused."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from network_models import WHERE, run_network, run_onnx
from torch import nn

from certdde.errors import ProblemError
from certdde.models.mlp import MLP, MLPField
from certdde.systems.network_files import read_network

ACTIVATIONS = [
    nn.Tanh(),
    nn.Sigmoid(),
    nn.ReLU(),
    nn.LeakyReLU(),
    nn.LeakyReLU(0.3),
    nn.Hardtanh(),
    nn.Hardtanh(-0.3, 0.1),
    nn.ReLU6(),
    nn.SiLU(),
    nn.Identity(),
    nn.Flatten(),
]


def linear(inputs, outputs, seed, *, bias=True, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(inputs, outputs, bias=bias, dtype=dtype)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return layer


def agree(module, network, inputs, *, dtype=torch.float32, tolerance=1e-5):
    rows = torch.randn(64, inputs, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        expected = module(rows.to(dtype)).double().numpy()
    np.testing.assert_allclose(
        run_network(network, rows.to(dtype).double().numpy()),
        expected,
        rtol=tolerance,
        atol=tolerance,
    )


@st.composite
def modules(draw, dtype=torch.float32):
    widths = draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    parts = []
    for k, (n, m) in enumerate(pairwise(widths)):
        parts.append(
            linear(n, m, draw(st.integers(0, 99)) + k, bias=draw(st.booleans()), dtype=dtype)
        )
        chosen = draw(st.lists(st.sampled_from(ACTIVATIONS), max_size=2))
        parts.append(
            nn.Sequential(*chosen) if draw(st.booleans()) else nn.Sequential(nn.Sequential(*chosen))
        )
    return widths[0], nn.Sequential(*parts)


@given(modules(), modules(torch.float64))
@settings(max_examples=60, deadline=None)
def test_random_chains_are_what_torch_computes(single, double):
    inputs, module = single
    agree(module, read_network(module, WHERE), inputs, tolerance=1e-4)
    inputs, module = double
    agree(module, read_network(module, WHERE), inputs, dtype=torch.float64, tolerance=1e-11)


@given(modules())
@settings(max_examples=15, deadline=None)
def test_an_exported_chain_is_the_module(tmp_path_factory, drawn):
    """The function of the file is that of the module, exactly: fractions agree where they exist."""
    inputs, module = drawn
    path = tmp_path_factory.mktemp("export") / "u.onnx"
    exported(module, inputs, path)
    network = read_network(path, WHERE)
    rows = np.random.default_rng(0).normal(size=(5, inputs)).astype(np.float32)
    here, there = run_network(network, rows), run_network(read_network(module, WHERE), rows)
    np.testing.assert_allclose(here, there, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(here, run_onnx(path, rows), rtol=1e-4, atol=1e-4)


def exported(module, inputs, path):
    """Write a module by the exporter that needs no package besides onnx."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it will be removed one day
        torch.onnx.export(module.eval(), (torch.zeros(1, inputs),), path, dynamo=False)


def test_an_exported_controller_is_the_same_network(tmp_path):
    module = nn.Sequential(
        linear(2, 8, 1), nn.Tanh(), linear(8, 8, 2), nn.LeakyReLU(), nn.Dropout(0.5)
    )
    module = nn.Sequential(module, linear(8, 1, 3, bias=False), nn.Hardtanh(-5.0, 5.0)).eval()
    exported(module, 2, tmp_path / "u.onnx")
    assert read_network(tmp_path / "u.onnx", WHERE) == read_network(module, WHERE)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_weights_are_taken_without_rounding(dtype):
    layer = linear(3, 2, 5, dtype=dtype)
    [step] = read_network(nn.Sequential(layer), WHERE).steps
    assert torch.equal(torch.from_numpy(step.weight), layer.weight.detach().double())
    assert torch.equal(torch.from_numpy(step.bias), layer.bias.detach().double())


def test_the_weights_are_copies():
    layer = linear(2, 2, 5, dtype=torch.float64)
    network = read_network(layer, WHERE)
    before = network.steps[0].weight.copy()
    with torch.no_grad():
        layer.weight.zero_()
    np.testing.assert_array_equal(network.steps[0].weight, before)


def test_a_module_that_is_used_twice_is_used_twice():
    shared, layer = nn.Tanh(), linear(2, 2, 3)
    module = nn.Sequential(layer, shared, layer, shared)
    network = read_network(module, WHERE)
    assert [step.operation for step in network.steps] == ["affine", "tanh"] * 2
    agree(module, network, 2)


def test_a_weight_that_is_computed_is_its_value():
    layer = nn.utils.parametrizations.weight_norm(linear(3, 2, 4, dtype=torch.float64))
    module = nn.Sequential(layer, nn.Tanh())
    agree(module, read_network(module, WHERE), 3, dtype=torch.float64, tolerance=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "silu"])
@pytest.mark.parametrize("bias", [True, False])
def test_the_networks_of_certdde(activation, bias):
    generator = torch.Generator().manual_seed(3)
    module = MLP([3, 5, 4, 2], generator, activation=activation, bias=bias, dtype=torch.float64)
    agree(module, read_network(module, WHERE), 3, dtype=torch.float64, tolerance=1e-12)
    field = MLPField(2, 1, [5], generator, activation=activation, bias=bias, dtype=torch.float64)
    network = read_network(field, WHERE)
    rows = torch.randn(20, 4, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        expected = field(torch.zeros(()), rows[:, :2], [rows[:, 2:]]).numpy()
    np.testing.assert_allclose(run_network(network, rows.numpy()), expected, rtol=1e-12, atol=1e-13)


class Doubled(nn.Sequential):
    def forward(self, x):
        return 2 * super().forward(x)


class Rescaled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Called(nn.Sequential):
    def __call__(self, x):
        return 2 * super().__call__(x)


class Plain(nn.Sequential):
    def __init__(self):
        super().__init__(linear(2, 3, 1), nn.Tanh())


def hooked():
    layer = linear(2, 1, 0)
    layer.register_forward_hook(lambda module, args, value: 2 * value)
    return nn.Sequential(layer)


def replaced():
    module = nn.Sequential(linear(2, 1, 0))
    module.forward = lambda x: x
    return module


def not_finite():
    layer = linear(2, 1, 0)
    with torch.no_grad():
        layer.weight[0, 1] = torch.nan
    return layer


def test_a_sequential_of_another_name_is_read():
    agree(Plain(), read_network(Plain(), WHERE), 2)


@pytest.mark.parametrize(
    ("build", "what"),
    [
        (lambda: Doubled(linear(2, 1, 0)), "the module 'Doubled' is not read"),
        (lambda: nn.Sequential(Rescaled(2, 1)), "the module 'Rescaled' is not read"),
        (lambda: Called(linear(2, 1, 0)), "hooks, or a forward of its own"),
        (lambda: nn.Sequential(linear(2, 1, 0), nn.Softplus()), "layer 1: the module 'Softplus'"),
        (lambda: nn.Sequential(linear(2, 1, 0), nn.BatchNorm1d(1)), "the module 'BatchNorm1d'"),
        (lambda: nn.Sequential(linear(2, 1, 0), nn.GELU()), "the module 'GELU'"),
        (lambda: nn.LSTM(2, 3), "the module 'LSTM' is not read"),
        (hooked, "hooks, or a forward of its own"),
        (replaced, "hooks, or a forward of its own"),
        (lambda: nn.Sequential(nn.Tanh()), "the module has no linear layer"),
        (nn.Sequential, "the module has no linear layer"),
        (lambda: nn.Sequential(nn.LazyLinear(2)), "the weights are not there yet"),
        (lambda: nn.Sequential(linear(2, 1, 0), linear(2, 1, 0)), "a 1 x 2 weight for 1 inputs"),
        (lambda: nn.Sequential(linear(2, 1, 0), nn.Dropout(0.5)), "layer 1: it drops units"),
        (lambda: linear(2, 1, 0).to(torch.complex64), "the weights are no floats"),
        (not_finite, "NaN, infinite or too large"),
        (lambda: linear(2, 1025, 0), "a layer of 1025 units"),
        (
            lambda: MLPField(2, 1, [4], torch.Generator().manual_seed(0), time=True),
            "depends on time",
        ),
        (
            lambda: MLP([2, 4, 1], torch.Generator().manual_seed(0), activation="softplus"),
            "the activation 'softplus' is not read",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules", "ignore:Complex modules")
def test_another_module_is_refused(build, what):
    with pytest.raises(ProblemError, match=what) as caught:
        read_network(build(), WHERE)
    assert str(caught.value).startswith(WHERE)
    assert "\n" not in str(caught.value)


def test_a_module_that_is_not_read_is_to_be_exported():
    with pytest.raises(ProblemError, match="export it to ONNX"):
        read_network(nn.LSTM(2, 3), WHERE)


@pytest.mark.gpu
def test_a_module_on_another_device_is_the_same_network():
    layer = linear(3, 2, 5)
    before = read_network(layer, WHERE)
    assert read_network(layer.to("cuda"), WHERE) == before
