"""Adam is Adam."""

import math

import pytest
import torch
from torch import nn

from certdde.models.adam import Adam, Group


def parameters():
    generator = torch.Generator().manual_seed(0)
    return [
        nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float64))
        for shape in ((3, 2), (4,))
    ]


def loss(first, second):
    return (first.square().sum() - 1).square() + torch.cosh(second).sum() + first[0, 0] * second[0]


def test_the_first_step_is_the_rate_against_the_sign():
    first, second = parameters()
    before = first.detach().clone()
    optimiser = Adam([Group((first,), 0.01), Group((second,), 0.1)])
    loss(first, second).backward()
    optimiser.step(0.5)
    assert torch.allclose(first, before - 0.005 * first.grad.sign(), atol=1e-8)


def test_two_steps_are_those_of_the_formula():
    p = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimiser = Adam([Group((p,), 0.1, weight_decay=0.5)])
    value, m, v = 2.0, 0.0, 0.0
    for k in (1, 2):
        p.grad = torch.tensor([3.0 * k], dtype=torch.float64)
        optimiser.step()
        g = 3.0 * k + 0.5 * value
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        value -= 0.1 * (m / (1 - 0.9**k)) / (math.sqrt(v / (1 - 0.999**k)) + 1e-8)
        assert p.item() == pytest.approx(value, rel=1e-14)


def test_a_parameter_without_gradient_stays():
    first, second = parameters()
    before = second.detach().clone()
    optimiser = Adam([Group((first, second), 0.1)])
    first.square().sum().backward()
    optimiser.step()
    assert torch.equal(second, before)


def test_a_state_that_is_loaded_goes_on_as_the_other_would_have():
    ends = []
    for interrupted in (False, True):
        pair = parameters()
        optimiser = Adam([Group(tuple(pair), 0.05)])
        for k in range(6):
            if interrupted and k == 3:
                state = optimiser.state()
                optimiser = Adam([Group(tuple(pair), 0.05)])
                optimiser.load(state)
            for p in pair:
                p.grad = None
            loss(*pair).backward()
            optimiser.step()
        ends.append([p.detach().clone() for p in pair])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


@pytest.mark.slow
def test_it_is_that_of_torch():
    ours, theirs = parameters(), parameters()
    mine = Adam([Group(tuple(ours), 0.03, weight_decay=0.01)])
    other = torch.optim.Adam(theirs, lr=0.03, weight_decay=0.01)
    for _ in range(20):
        for p in (*ours, *theirs):
            p.grad = None
        loss(*ours).backward()
        loss(*theirs).backward()
        mine.step()
        other.step()
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-14)
