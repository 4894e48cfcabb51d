"""Networks: p = psi - psi(0), its pullback, and changes of variables."""

import pytest
import torch
from segments import ACTIVATIONS, MIXED, displacement, random_network

NETWORKS = {
    "one": random_network((0,), 0),
    "two": random_network((0, 1), 1, hidden=(6, 4), outputs=3),
    "three": random_network((2, 0), 2, hidden=(4, 4, 3)),
    **{
        "mixed" if name == MIXED else name: random_network((2, 0), 3, (5, 4), 3, activation=name)
        for name in ACTIVATIONS
    },
}


def points(network, count=30):
    generator = torch.Generator().manual_seed(3)
    return 2 * torch.rand(count, 3, generator=generator, dtype=torch.float64) - 1


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_displacement_is_psi_less_psi_at_zero(network):
    x = points(network)
    got = network.displacement(x[..., list(network.inputs)])
    torch.testing.assert_close(got, torch.as_tensor(displacement(network, x.numpy())))
    zero = torch.zeros(len(network.inputs), dtype=torch.float64)
    assert float(network.displacement(zero).abs().max()) <= 1e-15


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_pullback_is_half_the_gradient_of_the_square(network):
    x = points(network)[:, : len(network.inputs)].requires_grad_()
    p, q = network.pullback(x)
    gradient = torch.autograd.grad(p.square().sum(), x)[0]
    torch.testing.assert_close(2 * q, gradient, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(p, network.displacement(x), rtol=0, atol=0)
    assert p.shape[-1] == network.outputs


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_scaling_and_multiples(network):
    x = points(network)
    factors = torch.tensor([2.0, 0.5, 4.0], dtype=torch.float64)
    inputs = list(network.inputs)
    wanted = network.displacement((x / factors)[..., inputs])
    torch.testing.assert_close(network.scaled(factors).displacement(x[..., inputs]), wanted)
    twice = network.times(2.0).displacement(x[..., inputs])
    torch.testing.assert_close(twice, 2 * network.displacement(x[..., inputs]))


def test_a_function_of_a_network_beside_another_is_the_sum():
    first = random_network((0, 1), 4, (5,), 2, activation="square")
    second = random_network((0, 1), 5, (3,), 4, activation="tanh")
    both = first.beside(second)
    assert both.activation == ((("square", 5), ("tanh", 3)),)
    x = points(first)[..., :2]
    wanted = second.displacement(x)
    wanted[..., :2] += first.displacement(x)
    torch.testing.assert_close(both.displacement(x), wanted)


def test_softplus_is_not_cut_off_where_it_is_nearly_linear():
    network = random_network((0,), 0, (1,), 1, activation="softplus")
    z = torch.tensor([25.0], dtype=torch.float64)  # torch.nn.functional.softplus returns 25 here
    entering = z / network.weights[0][0, 0] - network.biases[0] / network.weights[0][0, 0]
    inside = network._hidden(entering)[0][1]
    assert float(inside - 25) == pytest.approx(1.3887943864771144e-11, rel=1e-3)
