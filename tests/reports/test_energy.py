"""V along solutions: the quadrature is that of the definition, and V decreases where it is certified to."""

import math

import numpy as np
import pytest
import torch
from example_systems import hutchinson
from scipy.integrate import quad

from certdde.functionals import Functional, Network
from certdde.functionals.energy import legendre
from certdde.reports.energy import (
    Energy,
    Histories,
    energy,
    largest_rise,
    scaled_to,
    starting_energy,
)
from certdde.reports.subject import Subject
from certdde.reports.values_figure import energy_at, shown_delays, shown_time

from .makers import CERTIFIED, DESCRIBED


def network(inputs: tuple[int, ...], seed: int) -> Network:
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return Network(inputs, (random(5, len(inputs)), random(3, 5)), (random(5),))


def functional(order: int) -> Functional:
    generator = torch.Generator().manual_seed(order)
    size = 2 * (order + 1)
    root = torch.randn(size, size, generator=generator, dtype=torch.float64)
    s, r = torch.tensor([[2.0, 0.3], [0.3, 1.0]]), torch.tensor([[0.7, -0.2], [-0.2, 0.4]])
    return Functional(
        order, root @ root.T, s.double(), r.double(), network((0, 1), 1), network((1,), 2)
    )


CONSTANT = Histories(
    torch.tensor([[0.3, -0.2], [1.0, 0.5]], dtype=torch.float64),
    torch.zeros(2, 2, dtype=torch.float64),
)
SWINGING = Histories(
    torch.tensor([[0.3, -0.2]], dtype=torch.float64), torch.tensor([[0.1, 0.4]]).double()
)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_on_constant_histories_it_is_the_formula_of_the_functional(order):
    v = functional(order)
    expected = v.on_constant_histories(CONSTANT.centre, 0.8)
    torch.testing.assert_close(starting_energy(v, CONSTANT, 0.8), expected)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_on_other_histories_it_is_the_integral_of_the_definition(order):
    v, delay = functional(order), 0.8

    def state(s: float) -> torch.Tensor:
        return SWINGING.state(torch.tensor([s], dtype=torch.float64), delay)[0]

    def slope(s: float) -> torch.Tensor:
        return SWINGING.slope(torch.tensor([s], dtype=torch.float64), delay)[0]

    def stored(s: float) -> float:
        x = state(s)
        return float(x @ v.S @ x + v.W.displacement(x[[1]]).square().sum())

    def moment(k: int, i: int) -> float:
        return quad(
            lambda u: float(legendre(k, torch.tensor(u)) * state(delay * (u - 1))[i]), 0, 1
        )[0]

    moments = [delay * moment(k, i) for k in range(order) for i in range(2)]
    w = torch.cat([state(0.0), torch.tensor(moments, dtype=torch.float64)])
    expected = float(w @ v.P @ w + v.V0.displacement(state(0.0)).square().sum())
    expected += quad(stored, -delay, 0)[0]
    expected += quad(lambda s: (s + delay) * float(slope(s) @ v.R @ slope(s)), -delay, 0)[0]
    assert float(starting_energy(v, SWINGING, delay)[0]) == pytest.approx(expected, rel=2e-6)


def test_the_legendre_polynomials_are_orthogonal_and_one_at_one():
    nodes, weights = np.polynomial.legendre.leggauss(12)
    values = torch.stack([legendre(k, torch.tensor((nodes + 1) / 2)) for k in range(6)])
    gram = (values * torch.tensor(weights / 2)) @ values.T
    torch.testing.assert_close(gram, torch.diag(1 / (2 * torch.arange(6.0).double() + 1)))
    assert all(float(legendre(k, torch.tensor(1.0))) == 1 for k in range(6))


def test_along_a_solution_it_is_v_of_what_has_passed():
    """x' = -x(t - tau) from a constant history: on the first delay the solution is a straight line."""
    one = torch.ones(1, 1, dtype=torch.float64)
    v, delay = Functional(1, torch.diag(torch.tensor([1.0, 3.0])).double(), 2 * one, 0.5 * one), 1.0
    from certdde.systems import DelaySystem

    system = DelaySystem.from_equations(["x' = -x(t - tau)"])
    found = energy(system, v, Histories(one, 0 * one), delay, 1.0)
    at = int((found.times - 0.5).abs().argmin())
    t = float(found.times[at])
    integral = (1 - t) + (t - t**2 / 2)  # of x over [t - 1, t]; x = 1 - s for s > 0
    squares = (1 - t) + (1 - (1 - t) ** 3) / 3
    rates = (1 - (1 - t) ** 2) / 2  # of (s - t + 1) over [0, t]
    expected = (1 - t) ** 2 + 3 * integral**2 + 2 * squares + 0.5 * rates
    assert float(found.values[at, 0]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kind", [kind for kind in CERTIFIED if kind not in DESCRIBED])
def test_v_does_not_rise_along_solutions_from_the_certified_region(certificate, kind):
    subject = Subject.of(certificate(kind))
    for delay in shown_delays(subject)[::2]:
        found = energy_at(subject, delay, shown_time(subject, delay))
        assert bool(torch.isfinite(found.values).all())
        assert largest_rise([found]) <= 1e-9
        assert float((found.values[-1] / found.values[0]).max()) < 0.9


def test_histories_are_scaled_into_the_region():
    v, room = functional(1), torch.tensor([0.5, 0.4], dtype=torch.float64)
    scaled = scaled_to(v, SWINGING, 0.8, 0.05, room)
    assert float(starting_energy(v, scaled, 0.8)[0]) == pytest.approx(0.05, rel=1e-6)
    wide = scaled_to(v, SWINGING, 0.8, 1e6, room)
    assert bool((wide.size() <= room + 1e-12).all())
    assert float((wide.size() / room).max()) == pytest.approx(1)


def test_a_rise_is_seen():
    values = torch.tensor([[1.0], [0.5], [0.75]], dtype=torch.float64)
    assert largest_rise([Energy(1.0, torch.arange(3.0), values)]) == pytest.approx(0.25)


def test_a_solution_that_blows_up_gives_no_number_rather_than_a_wrong_one():
    one = torch.ones(1, 1, dtype=torch.float64)
    v = Functional(0, one, one, one)
    found = energy(hutchinson(), v, Histories(-40 * one, 0 * one), 1.0, 5.0)
    assert math.isnan(float(found.values[-1, 0]))
