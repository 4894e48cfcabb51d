"""The derivative of the unknown functional, the forms that it is proved with, and polynomials of expressions."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
import torch
from example_systems import hutchinson, logistic, pendulum

from certdde.functionals.polynomial import PolynomialFunctional
from certdde.systems.delay_system import DelaySystem
from certdde.verify.checker import sos_forms
from certdde.verify.checker.system import System
from certdde.verify.sos.gram import Form, bernstein, split, wall
from certdde.verify.sos.model import Model, right_hand_side
from certdde.verify.sos.obligations import all_obligations
from certdde.verify.sos.polynomial import degree
from certdde.verify.sos.region import History
from certdde.verify.sos.space import Space


def van_der_pol() -> DelaySystem:
    return DelaySystem.from_equations(
        ["x1' = -x2", "x2' = x1 - (1 - x1^2)*x2(t - tau)"],
        domain={"x1": [-1.25, 1.25], "x2": [-1.0, 1.0]},
    )


@pytest.mark.parametrize("system", [hutchinson, logistic, van_der_pol])
def test_the_right_hand_side_is_the_systems(system):
    built = system()
    f, n = right_hand_side(built), built.dimension
    function = built.deviation_function()
    for x, y in torch.randn(8, 2, n, generator=torch.Generator().manual_seed(0)).double():
        point = np.concatenate([x.numpy(), y.numpy()])
        values = [
            sum(float(c) * np.prod(point ** np.array(m)) for m, c in row.items()) for row in f
        ]
        assert values == pytest.approx(function(x, y).tolist())


@pytest.mark.parametrize("term", ["sin(x)", "x/(1 + x)", "x*exp(x)", "(1 + x)^(-1) - 1"])
def test_what_is_no_polynomial_is_none(term):
    system = DelaySystem.from_equations(
        [f"x' = -x(t - tau)*(1 + x) + {term}"], domain={"x": [-0.5, 0.5]}
    )
    assert right_hand_side(system) is None
    assert Model.of(system, 1) is None
    assert right_hand_side(pendulum()) is None


def test_symmetries_need_a_symmetric_domain():
    assert Model.of(van_der_pol(), 1).flips == ((-1, -1),)
    assert Model.of(hutchinson(), 1).flips == ()
    lopsided = DelaySystem.from_equations(["x' = -x(t - tau) + x^3"], domain={"x": [-0.5, 0.25]})
    assert Model.of(lopsided, 1).flips == ()


@pytest.mark.parametrize(("system", "seen"), [(hutchinson, (0, 1)), (van_der_pol, (0, 1, 3))])
@pytest.mark.parametrize("order", [1, 2])
def test_the_rates_are_those_of_the_checker(system, seen, order):
    """Written twice, once with numbers and once exactly: the same polynomial for the same functional."""
    model = Model.of(system(), order)
    space = Space.of(model, 4, seen, [model.dimension - 1])
    u = np.random.default_rng(0).integers(-8, 9, space.count) / 8.0
    total: dict = {}
    for k, polynomial in space.rates():
        for m, c in polynomial.items():
            total[m] = total.get(m, 0.0) + u[k] * c
    exact = _checkers(system(), space, u)
    for m in set(total) | set(exact):
        assert total.get(m, 0.0) == pytest.approx(float(exact.get(m, 0)), abs=1e-12)


def _checkers(system: DelaySystem, space: Space, u: np.ndarray) -> dict:
    """D by the checker."""
    from certdde.verify.checker.tree import Node

    n = system.dimension
    rest = []
    for row in right_hand_side(system):
        terms = []
        for m, c in row.items():
            node = Node("const", value=Fraction(c))
            for k, power in enumerate(m):
                for _ in range(power):
                    node = Node("*", (node, Node("var", value=Fraction(k))))
            terms.append(node)
        rest.append(Node("+", tuple(terms)))
    built = System(n, tuple(range(2 * n)), ({},) * n, tuple(rest), None)
    matrices = {
        name: [[Fraction(v) for v in row] for row in space.matrix(name, u).tolist()]
        for name in "PSR"
    }
    p, q = ({m: Fraction(c) for m, c in space.terms(name, u).items()} for name in "pq")
    v = sos_forms.Functional(matrices["P"], matrices["S"], matrices["R"], p, q)
    return sos_forms.dissipation(built, v, space.model.order)


def test_every_obligation_can_be_produced_by_its_form():
    """The monomials of each target are among the products that the Gram matrices make."""
    for system, seen in ((hutchinson(), (0, 1)), (van_der_pol(), (0, 1))):
        model = Model.of(system, 1)
        space = Space.of(model, 4, seen, [model.dimension - 1])
        for o in all_obligations(space, (0.0, 0.3, 1.0), 0):
            produced = {
                tuple(map(sum, zip(a, b, strict=True)))
                for block in split(o.form.basis, o.flips)
                for a in block
                for b in block
            }
            assert {m for _, p in o.target for m in p} <= produced, o.name
            for k, basis in o.form.multipliers.items():
                top = max(sum(m) for m in basis)
                assert 2 * top + degree(o.walls()[k]) <= max(sum(m) for m in produced)


def test_forms_without_a_constant_vanish_at_the_origin():
    form = Form.of(3, [0, 1], [2], 2, constant=False)
    assert (0, 0, 0) not in form.basis
    assert {(1, 0, 0), (0, 1, 0), (0, 0, 1)} <= set(form.basis)
    assert all(sum(m) == 1 for basis in form.multipliers.values() for m in basis)
    assert Form.of(1, [], [0], 1, constant=True).multipliers == {}


def test_walls_are_positive_inside_only():
    g = wall(0, 1, (Fraction(-1, 2), Fraction(2)))
    for x, inside in ((-0.6, False), (-0.4, True), (1.9, True), (2.1, False)):
        assert (sum(c * x ** m[0] for m, c in g.items()) > 0) == inside


def test_bernstein_coefficients_give_the_power_back():
    for k in range(4):
        tau, (s, t) = 0.4, (0.1, 0.9)
        u = (tau - s) / (t - s)
        value = sum(
            comb(3, e) * u**e * (1 - u) ** (3 - e) * bernstein(k, 3, e, (s, t)) for e in range(4)
        )
        assert value == pytest.approx(tau**k)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_v_of_constant_histories_is_that_of_the_functional(order):
    model = Model.of(van_der_pol(), order)
    seen = (0, 1, 3) if order else (0, 1)
    space = Space.of(model, 4, seen, [1])
    u = np.random.default_rng(1).normal(size=space.count)
    histories = History.of(space, (0.2, 0.7), 16)
    names = ("P", "S", "B", "R")
    functional = PolynomialFunctional(
        order,
        4,
        *(torch.as_tensor(space.matrix(name, u)) for name in names),
        space.terms("p", u),
        space.terms("q", u),
    )
    points = torch.as_tensor(histories.points)
    for tau, rows in zip((0.2, 0.45, 0.7), histories.rows, strict=True):
        expected = functional.on_constant_histories(points, tau).numpy()
        assert rows @ u == pytest.approx(expected)


def test_the_pull_is_the_gradient_of_the_loss():
    space = Space.of(Model.of(hutchinson(), 1), 4, (0,), (0,))
    histories, rng = History.of(space, (0.2, 0.7), 64), np.random.default_rng(0)
    u, step = rng.normal(size=space.count), rng.normal(size=space.count)
    h = 1e-6
    change = histories.loss(u + h * step, 0.3) - histories.loss(u - h * step, 0.3)
    assert change / (2 * h) == pytest.approx(float(histories.pull(u, 0.3) @ step), rel=1e-4)
