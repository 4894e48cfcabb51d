"""Functionals against their definition, by quadrature."""

import numpy as np
import pytest
import torch
from segments import Motion, displacement, random_functional

from certdde.systems import DelaySystem

SYSTEMS = {
    1: DelaySystem.from_equations(["x' = -x(t - tau)"]),
    2: DelaySystem.from_equations(["x' = y", "y' = -x - y(t - tau)"]),
}
CASES = [(n, order, neural) for n in (1, 2) for order in range(4) for neural in (False, True)]


def motion(n, degree, delay, generator):
    coefficients = generator.normal(size=(degree + 1, n))
    return Motion(SYSTEMS[n], delay, coefficients, until=0.1 * delay)


@pytest.mark.parametrize(("n", "order", "neural"), CASES)
@pytest.mark.parametrize("delay", [0.2, 3.0])
def test_on_constant_histories_is_the_definition(n, order, neural, delay):
    functional = random_functional(n, order, seed=order, neural=neural)
    generator = np.random.default_rng(order)
    for _ in range(3):
        x = generator.normal(size=(1, n))
        still = Motion(SYSTEMS[n], delay, x, until=0.1)
        wanted = still.value(functional, 0.0)
        got = functional.on_constant_histories(torch.as_tensor(x), delay)
        assert float(got) == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("n", "order", "neural"), CASES)
def test_the_lower_bound_is_below_v_on_random_histories(n, order, neural):
    functional = random_functional(n, order, seed=7 + order, neural=neural, positive=True)
    generator = np.random.default_rng(order)
    for delay in (0.3, 1.0, 2.0):
        for degree in (0, 1, 2, 4, 7):
            moving = motion(n, degree, delay, generator)
            v = moving.value(functional, 0.0)
            x = torch.as_tensor(moving.x(0.0))
            # V is rounded, from a quadrature that is exact for the polynomials of the quadratic part.
            assert float(functional.lower_bound(x, 2.0)) <= v * (1 + 1e-12)
            assert float(x @ functional.core(2.0) @ x) <= v * (1 + 1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_bessel_part_may_make_an_indefinite_p_positive(order):
    functional = random_functional(1, order, seed=2, positive=True)
    from dataclasses import replace

    bessel = functional.bessel(1.0) - functional.P
    lowered = replace(functional, P=0.3 * functional.P - 0.999 * bessel)
    assert float(torch.linalg.eigvalsh(lowered.P)[0]) < 0
    generator = np.random.default_rng(5)
    for degree in range(6):
        moving = motion(1, degree, 1.0, generator)
        v = moving.value(lowered, 0.0)
        assert float(lowered.lower_bound(torch.as_tensor(moving.x(0.0)), 1.0)) <= v * (1 + 1e-12)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_core_is_the_minimum_over_the_moments(order):
    functional = random_functional(2, order, seed=order, positive=True)
    full, x = functional.bessel(0.7), torch.tensor([0.4, -1.1], dtype=torch.float64)
    least = float(x @ functional.core(0.7) @ x)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        m = torch.randn(2 * order, generator=generator, dtype=torch.float64)
        w = torch.cat([x, m])
        assert least <= float(w @ full @ w)
    if order:
        best = -torch.linalg.solve(full[2:, 2:], full[2:, :2] @ x)
        w = torch.cat([x, best])
        assert float(w @ full @ w) == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize("factor", [4.0, 0.3])
@pytest.mark.parametrize("neural", [False, True])
def test_times_multiplies_v(factor, neural):
    functional = random_functional(2, 2, seed=1, neural=neural)
    moving = motion(2, 3, 0.8, np.random.default_rng(0))
    assert moving.value(functional.times(factor), 0.0) == pytest.approx(
        factor * moving.value(functional, 0.0), rel=1e-12
    )


@pytest.mark.parametrize("neural", [False, True])
@pytest.mark.parametrize("order", [0, 2])
def test_unscaled_is_the_change_of_variables_in_v(order, neural):
    functional = random_functional(2, order, seed=4, neural=neural)
    state, time = torch.tensor([2.0, 0.25], dtype=torch.float64), 4.0
    coefficients = np.random.default_rng(1).normal(size=(4, 2))
    # Powers of s / delay: the history in scaled time has the same coefficients, in scaled states.
    moving = Motion(SYSTEMS[2], 1.2, coefficients, until=0.1)
    scaled = Motion(SYSTEMS[2], 1.2 / time, coefficients / state.numpy(), until=0.1)
    assert moving.value(functional.unscaled(state, time), 0.0) == pytest.approx(
        scaled.value(functional, 0.0), rel=1e-12
    )


def test_kinds_dimensions_and_inputs():
    quadratic, neural = random_functional(2, 1, seed=0), random_functional(2, 1, seed=0, v0=(1,))
    assert (quadratic.kind, quadratic.dimension, quadratic.inputs()) == ("quadratic", 2, ((), ()))
    assert (neural.kind, neural.inputs()) == ("neural", ((1,), ()))
    x = torch.tensor([0.3, 0.2], dtype=torch.float64)
    extra = float(neural.lower_bound(x, 1.0) - quadratic.lower_bound(x, 1.0))
    assert extra == pytest.approx(float((displacement(neural.V0, x.numpy()) ** 2).sum()), rel=1e-10)
