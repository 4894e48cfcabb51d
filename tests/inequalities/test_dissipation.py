"""The law on which everything rests: dV/dt <= D, with V differentiated from its definition."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from segments import Motion, random_functional

from certdde.inequalities.dissipation import Layout, eliminate, linear_layout, quadratic_form
from certdde.inequalities.features import Features
from certdde.inequalities.inequality import dissipation
from certdde.inequalities.legendre import reciprocal_minorant
from certdde.systems import DelaySystem
from certdde.systems.expressions import Variable
from certdde.verify.lmi.polytopic import polytopic_lmi

BOX = {"a": (-3.0, 3.0), "b": (-3.0, 3.0)}
SYSTEMS = {
    "linear": DelaySystem.from_equations(
        ["x' = -0.3*x - 0.9*x(t - tau)"], domain={"x": (-3.0, 3.0)}
    ),
    "hutchinson": DelaySystem.from_equations(
        ["x' = -(1 + x)*x(t - tau)"], domain={"x": (-0.9, 4.0)}
    ),
    "pendulum": DelaySystem.from_equations(
        ["a' = b", "b' = sin(a) - 2*a(t - tau) - 1.5*b(t - tau)"], domain=BOX
    ),
    "delayed": DelaySystem.from_equations(
        ["a' = -a + b*tanh(a(t - tau)) + b", "b' = -b(t - tau) - a*b(t - tau)/(2 + b)"], domain=BOX
    ),
    "shifted": DelaySystem.from_equations(
        ["x' = 0.7*x*(1 - x(t - tau)/0.3)"], equilibrium={"x": 0.3}, domain={"x": (-1.0, 4.0)}
    ),
}
KINDS = {"quadratic": {}, "neural": {"neural": True}, "deep": {"neural": True, "hidden": (4, 3)}}


def reduced(moving, t, order):
    """The actual (x, y, Omega_0, ..) of a motion."""
    ends = [moving.x(t), moving.x(t - moving.delay)]
    return [torch.as_tensor(v) for v in (*ends, *moving.moments(t, order))]


def full_vector(system, features, layout, x, y, moments):
    """z = (v(xi), the other variables, Omega)."""
    values = {str(v): (y if v.delay else x)[system.states.index(v.name)] for v in _all(system)}
    inside = [str(v) for v in features.structure.nonlinear]
    xi = torch.tensor([values[name] for name in inside], dtype=torch.float64)
    eta = torch.tensor([c for name, c in values.items() if name not in inside], dtype=torch.float64)
    v = features(xi) if inside else xi
    assert v.shape[-1] == layout.head == features.size
    return xi, torch.cat([v, eta, *moments])


def _all(system):
    return [Variable(s) for s in system.states] + [
        Variable(s, system.delay()) for s in system.states
    ]


def rate_of(moving, functional, t):
    step = 4e-3 * moving.delay
    return float(moving.derivative(lambda s: moving.value(functional, s), t, step))


def rate_and_bound(system, functional, moving, t, kappa):
    features = Features.of(system, functional)
    layout = Layout.of(features, functional.order)
    x, y, *moments = reduced(moving, t, functional.order)
    _, z = full_vector(system, features, layout, x, y, moments)
    form = quadratic_form(
        layout, functional.P, functional.S, functional.R, [moving.delay], [kappa]
    )[0]
    return (
        rate_of(moving, functional, t),
        float(z @ form @ z),
        float(z.abs() @ form.abs() @ z.abs()),
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("name", SYSTEMS)
def test_the_derivative_of_v_is_at_most_d(name, order, kind):
    system, generator = SYSTEMS[name], np.random.default_rng(order)
    functional = random_functional(system.dimension, order, seed=order, **KINDS[kind])
    for delay, degree in ((0.4, 2), (1.3, 6)):
        coefficients = 0.15 * generator.normal(size=(degree + 1, system.dimension))
        moving = Motion(system, delay, coefficients, until=0.6 * delay)
        for t in (0.0, 0.23 * delay, 0.5 * delay):
            rate, bound, size = rate_and_bound(system, functional, moving, t, 1 / delay)
            # 1e-8 of the size of D's terms: the error of the numerical derivative of V.
            assert rate <= bound + 1e-8 * size
            # A smaller kappa only weakens the bound.
            assert bound <= rate_and_bound(system, functional, moving, t, 0.9 / delay)[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("name", SYSTEMS)
def test_d_is_the_derivative_for_histories_of_low_degree(name, order, kind):
    """Bessel's inequality is an equality for a history whose rate is a polynomial of degree <= N."""
    system, generator = SYSTEMS[name], np.random.default_rng(order)
    functional = random_functional(system.dimension, order, seed=5 + order, **KINDS[kind])
    coefficients = 0.3 * generator.normal(size=(order + 2, system.dimension))
    moving = Motion(system, 0.8, coefficients, until=0.05)
    rate, bound, size = rate_and_bound(system, functional, moving, 0.0, 1 / 0.8)
    assert rate == pytest.approx(bound, abs=1e-8 * size)


@pytest.mark.parametrize("order", range(3))
@pytest.mark.parametrize("name", SYSTEMS)
def test_between_the_breaks_d_is_below_its_linear_interpolation(name, order):
    """D at any tau of a piece, with the true 1/tau, is at most the interpolation between the breaks."""
    system = SYSTEMS[name]
    functional = random_functional(system.dimension, order, seed=order, neural=True)
    features = Features.of(system, functional)
    layout = Layout.of(features, order)
    parts = (functional.P, functional.S, functional.R)
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(50, layout.x.shape[1], generator=generator, dtype=torch.float64)
    for breaks in ([0.0, 0.3, 0.9], [0.5, 0.7, 0.71, 2.0]):
        ends = quadratic_form(layout, *parts, breaks, reciprocal_minorant(breaks))
        for i, (s, t) in enumerate(itertools.pairwise(breaks)):
            for share in (0.01, 0.3, 0.5, 0.9):
                tau = s + (t - s) * share
                exact = quadratic_form(layout, *parts, [tau], [1 / tau])[0]
                above = (1 - share) * ends[i] + share * ends[i + 1] - exact
                size = z.abs() @ ends[i].abs() * z.abs()
                assert ((z @ above * z).sum(-1) >= -1e-12 * size.sum(-1)).all()


def of_the_linearisation(system, breaks):
    present, delayed = (m.tolist() for m in system.jacobians())
    names = ("a", "b")[: system.dimension]
    rows = [
        " + ".join(
            [f"({c!r})*{s}" for c, s in zip(row, names, strict=True)]
            + [f"({c!r})*{s}(t - tau)" for c, s in zip(late, names, strict=True)]
        )
        for row, late in zip(present, delayed, strict=True)
    ]
    linear = DelaySystem.from_equations([f"{s}' = {r}" for s, r in zip(names, rows, strict=True)])
    functional, margin = polytopic_lmi(linear, 2, breaks)
    assert margin > 0
    return functional


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SYSTEMS)
def test_a_dissipation_inequality_bounds_the_derivative_of_v(name, kind):
    """The whole chain: along any motion with a delay in the range, dV/dt <= the largest of the sides."""
    system, breaks = SYSTEMS[name], [0.3, 0.38, 0.5]
    functional = replace(
        random_functional(system.dimension, 2, seed=1, **KINDS[kind]),
        **{key: getattr(of_the_linearisation(system, breaks), key) for key in ("P", "S", "R")},
    )
    features = Features.of(system, functional)
    found = dissipation(system, functional, breaks)
    assert found.eliminated < 0
    generator = np.random.default_rng(3)
    for delay in (0.3, 0.35, 0.38, 0.44, 0.5):
        coefficients = 0.3 * generator.normal(size=(4, system.dimension))
        moving = Motion(system, delay, coefficients, until=0.5 * delay)
        for t in (0.0, 0.3 * delay):
            x, y, *moments = reduced(moving, t, 2)
            layout = Layout.of(features, 2)
            xi, _ = full_vector(system, features, layout, x, y, moments)
            rate = rate_of(moving, functional, t)
            top = found.inequality.value(xi).max() if len(xi) else torch.zeros(())
            size = float(moving.value(functional.times(1.0), t)) / delay
            assert rate <= float(top) + 1e-7 * abs(size)


@pytest.mark.parametrize("seed", range(5))
def test_elimination_is_the_maximum(seed):
    generator = torch.Generator().manual_seed(seed)
    head, rest = 3, 4
    form = torch.randn(2, head + rest, head + rest, generator=generator, dtype=torch.float64)
    form = form + form.transpose(1, 2)
    block = torch.randn(2, rest, rest, generator=generator, dtype=torch.float64)
    form[:, head:, head:] = -block @ block.transpose(1, 2) - 0.1 * torch.eye(rest)
    collapsed, largest = eliminate(form, head)
    assert (largest < 0).all()
    v = torch.randn(head, generator=generator, dtype=torch.float64)
    for h, small in zip(form, collapsed, strict=True):
        top = float(v @ small @ v)

        def down(eta, h=h):
            z = np.concatenate([v.numpy(), eta])
            return -(z @ h.numpy() @ z), -2 * (h.numpy() @ z)[head:]

        best = -minimize(down, np.zeros(rest), jac=True, options={"gtol": 1e-10}).fun
        # The maximiser may only fall short of the supremum.
        assert best <= top + 1e-12 * (abs(top) + 1)
        assert best == pytest.approx(top, rel=1e-6, abs=1e-6)


def test_elimination_says_when_there_is_no_maximum():
    form = torch.diag(torch.tensor([-1.0, -1.0, 0.5], dtype=torch.float64)).unsqueeze(0)
    assert float(eliminate(form, 1)[1]) == 0.5
    untouched, largest = eliminate(form, 3)
    assert torch.equal(untouched, form)
    assert float(largest) < 0


@pytest.mark.parametrize("order", range(4))
def test_the_layout_of_a_linear_system_is_that_of_its_features(order):
    system = DelaySystem.from_equations(["a' = b - a(t - tau)", "b' = -a/2 - b(t - tau)"])
    functional = random_functional(2, order, seed=0)
    parts = (functional.P, functional.S, functional.R)
    first = Layout.of(Features.of(system, functional), order)
    second = linear_layout(*system.jacobians(), order)
    for a, b in ((first, second), (second, first)):
        forms = [quadratic_form(layout, *parts, [0.7], [1.2]) for layout in (a, b)]
        torch.testing.assert_close(*forms)
    assert first.head == second.head == 0


def test_networks_zero_gives_the_part_linear_in_the_matrices():
    system = SYSTEMS["hutchinson"]
    functional = random_functional(1, 1, seed=0, neural=True)
    layout = Layout.of(Features.of(system, functional), 1)
    parts = (functional.P, functional.S, functional.R)

    def form(scale, networks):
        return quadratic_form(layout, *(scale * m for m in parts), [0.5], [2.0], networks)

    torch.testing.assert_close(form(2.0, 0.0), 2 * form(1.0, 0.0))
    torch.testing.assert_close(form(1.0, 1.0), form(1.0, 0.0) + form(0.0, 1.0))


def test_the_form_is_symmetric():
    functional = random_functional(2, 3, seed=0, neural=True)
    layout = Layout.of(Features.of(SYSTEMS["delayed"], functional), 3)
    form = quadratic_form(layout, functional.P, functional.S, functional.R, [0.1, 2.0], [3.0, 0.2])
    assert torch.equal(form, form.transpose(1, 2))
