"""Scaling by powers of two: the way there and back loses no bit, and V keeps its value."""

from fractions import Fraction

import pytest
import torch
from segments import random_functional

from certdde.systems import DelaySystem
from certdde.systems.scaling import Scaling

PENDULUM = DelaySystem.from_equations(
    ["a' = b", "b' = sin(a) - 2*a(t - tau) - 1.5*b(t - tau)"],
    domain={"a": (-3.0, 5.0), "b": (-0.3, 0.2)},
)


def same_bits(a, b):
    for name in ("P", "S", "R"):
        assert torch.equal(getattr(a, name), getattr(b, name))
    for name in ("V0", "W"):
        first, second = getattr(a, name), getattr(b, name)
        assert (first is None) == (second is None)
        if first is not None:
            assert first.inputs == second.inputs
            assert all(map(torch.equal, first.weights, second.weights))
            assert all(map(torch.equal, first.biases, second.biases))


@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("neural", [False, True])
@pytest.mark.parametrize("longest", [0.013, 1.0, 77.0])
def test_there_and_back_is_exact(order, neural, longest):
    scaling = Scaling.of(PENDULUM, longest)
    functional = random_functional(2, order, seed=order, neural=neural)
    same_bits(scaling.invert(scaling.forward(functional)), functional)
    same_bits(scaling.forward(scaling.invert(functional)), functional)


def test_factors_are_powers_of_two_and_four():
    for longest in (1e-3, 0.9, 1.0, 3.0, 500.0):
        scaling = Scaling.of(PENDULUM, longest)
        assert scaling.state == (Fraction(4), Fraction(1, 4))
        assert scaling.time in {Fraction(4) ** k for k in range(-9, 9)}
        assert 0.49 < scaling.delay(longest) < 2.01


@pytest.mark.parametrize("neural", [False, True])
def test_the_value_on_constant_histories_does_not_change(neural):
    scaling = Scaling.of(PENDULUM, 0.06)
    functional = random_functional(2, 2, seed=3, neural=neural)
    x = torch.tensor([[0.5, -0.1], [2.0, 0.05]], dtype=torch.float64)
    z = x / torch.tensor([float(k) for k in scaling.state], dtype=torch.float64)
    torch.testing.assert_close(
        scaling.forward(functional).on_constant_histories(z, scaling.delay(0.06)),
        functional.on_constant_histories(x, 0.06),
        rtol=1e-13,
        atol=0,
    )


def test_the_scaled_system_has_about_unit_size():
    scaled = Scaling.of(PENDULUM, 0.06).apply(PENDULUM)
    assert all(0.5 < float(max(-lo, hi)) < 2 for lo, hi in scaled.domain)
