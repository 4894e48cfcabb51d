"""Networks draw from their generator only, and are what their formulas say."""

import pytest
import torch

from certdde.errors import ProblemError
from certdde.models.mlp import ACTIVATIONS, MLP, ODD, MLPField


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_network_is_its_formula():
    net = MLP([2, 3, 1], generator(), activation="sigmoid", dtype=torch.float64)
    z = torch.randn(5, 2, generator=generator(1), dtype=torch.float64)
    (w1, w2), (b1, b2) = net.weights, net.biases
    assert torch.allclose(net(z), torch.sigmoid(z @ w1.T + b1) @ w2.T + b2, atol=1e-15)


def test_weights_come_from_the_generator_alone_and_lie_within_their_range():
    before = torch.get_rng_state()
    one, two = (MLP([4, 8, 2], generator(), dtype=torch.float64) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert 0.4 < one.weights[0].abs().max() <= 0.5
    assert not torch.equal(one.weights[0], MLP([4, 8, 2], generator(1)).weights[0].double())


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_odd_networks_without_biases_are_odd(activation):
    net = MLP([2, 6, 2], generator(), activation=activation, bias=False, dtype=torch.float64)
    z = torch.randn(9, 2, generator=generator(1), dtype=torch.float64)
    assert torch.allclose(net(-z), -net(z), atol=1e-15) == (activation in ODD)


def test_the_field_puts_present_past_and_time_in_order():
    field = MLPField(2, 1, [], generator(), time=True, bias=False, dtype=torch.float64)
    x, y = torch.randn(2, 4, 2, generator=generator(1), dtype=torch.float64)
    weight = field.network.weights[0]
    for t in (torch.tensor(3.0), torch.full((4, 1), 3.0)):
        wanted = x @ weight[:, :2].T + y @ weight[:, 2:4].T + 3 * weight[:, 4]
        assert torch.allclose(field(t, x, [y]), wanted)


def test_what_cannot_be_made_is_refused():
    with pytest.raises(ProblemError, match="swish"):
        MLP([1, 1], generator(), activation="swish")
    with pytest.raises(ProblemError, match="sizes"):
        MLP([1, 0, 1], generator())
