"""The features v(xi): their order, their values, and their number."""

import pytest
import torch
from segments import displacement, random_functional

from certdde.inequalities.features import Features
from certdde.systems import DelaySystem

BOX = {"a": (-1.0, 1.0), "b": (-1.0, 1.0)}
SYSTEM = DelaySystem.from_equations(
    ["a' = b - a*b(t - tau)", "b' = -a - b(t - tau)"],
    domain=BOX,
)


@pytest.mark.parametrize(
    ("v0", "w", "names"),
    [
        ((), (), "a, b(t - tau)"),
        ((1,), (), "a, b, b(t - tau)"),
        ((), (0,), "a, a(t - tau), b(t - tau)"),
        ((1, 0), (1,), "a, b, b(t - tau)"),
        ((0, 1), (0, 1), "a, b, a(t - tau), b(t - tau)"),
    ],
)
def test_values_are_xi_remainders_gradient_and_networks(v0, w, names):
    functional = random_functional(2, 1, seed=0, v0=v0, w=w)
    features = Features.of(SYSTEM, functional)
    assert ", ".join(map(str, features.structure.nonlinear)) == names
    generator = torch.Generator().manual_seed(0)
    xi = 2 * torch.rand(9, features.dimension, generator=generator, dtype=torch.float64) - 1
    v = features(xi)
    assert v.shape == (9, features.size)
    place = {name: i for i, name in enumerate(names.split(", "))}
    state = torch.zeros(9, 2, dtype=torch.float64)
    past = torch.zeros(9, 2, dtype=torch.float64)
    for i, name in enumerate("ab"):
        if name in place:
            state[:, i] = xi[:, place[name]]
        if f"{name}(t - tau)" in place:
            past[:, i] = xi[:, place[f"{name}(t - tau)"]]
    expected = [xi, (-state[:, 0] * past[:, 1])[:, None]]
    if v0:
        inputs = state[:, list(v0)].clone().requires_grad_()
        square = functional.V0.displacement(inputs).square().sum()
        expected.append(torch.autograd.grad(square, inputs)[0] / 2)
    if w:
        expected += [torch.as_tensor(displacement(functional.W, s.numpy())) for s in (state, past)]
    torch.testing.assert_close(v, torch.cat(expected, -1), rtol=1e-12, atol=1e-14)


def test_features_vanish_at_the_origin():
    features = Features.of(SYSTEM, random_functional(2, 1, seed=3, neural=True))
    zero = torch.zeros(features.dimension, dtype=torch.float64)
    # The network's value at 0 is subtracted in another order than it is computed.
    assert float(features(zero).abs().max()) <= 1e-15
