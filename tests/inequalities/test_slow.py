"""The inequality for a delay of bounded rate, against V along histories and delays that vary."""

import numpy as np
import pytest
from numpy.polynomial import Polynomial
from slow_functionals import energy, features, moments, random_slow

from certdde.functionals.slow import sizes
from certdde.inequalities.slow import (
    SlowRows,
    coefficients,
    degree,
    dissipation_terms,
    linear_rows,
    positivity_terms,
    slope_degree,
    slope_terms,
    value,
)

N_STATES = 2


def free_rows(n, order):
    """Rows where f is a feature of its own: x may then be any function of time."""
    blocks = np.eye(n * (6 + 2 * order)).reshape(6 + 2 * order, n, -1)
    rest = blocks[6:]
    return SlowRows(*blocks[:6], tuple(rest[:order]), tuple(rest[order:]))


def derivative(function, t, step=2e-3):
    """Central differences of sixth order."""
    weights = {1: 45, -1: -45, 2: -9, -2: 9, 3: 1, -3: -1}
    return sum(c * function(t + k * step) for k, c in weights.items()) / (60 * step)


def smooth(seed, n):
    rng = np.random.default_rng(seed)
    a, w, p = rng.normal(size=(3, n, 3))
    w = 2 * w
    return (
        lambda s: np.sum(a * np.sin(w * np.asarray(s)[..., None, None] + p), -1),
        lambda s: np.sum(a * w * np.cos(w * np.asarray(s)[..., None, None] + p), -1),
    )


def polynomial(seed, n, deg):
    rng = np.random.default_rng(seed)
    parts = [Polynomial(rng.normal(size=deg + 1)) for _ in range(n)]
    return (
        lambda s: np.stack([p(np.asarray(s)) for p in parts], -1),
        lambda s: np.stack([p.deriv()(np.asarray(s)) for p in parts], -1),
    )


def delay(seed):
    rng = np.random.default_rng(100 + seed)
    mean, size, speed, phase = rng.uniform([0.4, 0.1, 0.5, 0], [0.6, 0.35, 3, 6])
    return (
        lambda t: mean + size * np.sin(speed * t + phase),
        lambda t: size * speed * np.cos(speed * t + phase),
    )


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_d_bounds_the_rate_of_v(order, seed):
    """And is equal to it where x' is a polynomial of degree N: Bessel's inequality is sharp then."""
    v, rows = random_slow(N_STATES, order, seed), free_rows(N_STATES, order)
    alpha, rate = delay(seed)
    for x, dx in (smooth(seed, N_STATES), polynomial(seed, N_STATES, order + 1)):
        for t in (0.3, 1.1):
            a, rho = alpha(t), rate(t)
            true = derivative(lambda s: energy(v, x, dx, alpha, s), t)  # noqa: B023
            z = features(x, dx, alpha, t, order)
            terms = dissipation_terms(rows, a, rho, (1 / a, 1 / (1 - a)))
            d = float(z @ value(terms, v.matrices) @ z)
            assert true <= d + 1e-6 * (1 + abs(d))
            weaker = dissipation_terms(rows, a, rho, (0.9 / a, 0.5 / (1 - a)))
            assert d <= float(z @ value(weaker, v.matrices) @ z) + 1e-9 * (1 + abs(d))
    assert true == pytest.approx(d, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_the_slope_bounds_that_of_v_in_the_rate(order):
    """At one moment, with the same history: slower delays may only lower dV/dt."""
    v, rows = random_slow(N_STATES, order, order), free_rows(N_STATES, order)
    for x, dx in (smooth(order, N_STATES), polynomial(order, N_STATES, order + 1)):
        a, t = 0.37, 0.2
        rates = []
        for rho in (0.4, -0.6):
            law = lambda s: a + rho * (s - t)  # noqa: B023, E731
            rates.append(derivative(lambda s: energy(v, x, dx, law, s), t, 1e-3))  # noqa: B023
        near, all_ = moments(x, t - a, t, order), moments(x, t - 1, t, order)
        z = np.concatenate([x(t), x(t - a), x(t - 1), dx(t - a), *near, *all_])
        bound = float(z @ value(slope_terms(N_STATES, order, a, 1 / a), v.matrices) @ z)
        assert rates[0] - rates[1] >= bound - 1e-5 * (1 + abs(bound))
    assert rates[0] - rates[1] == pytest.approx(bound, rel=1e-5, abs=1e-5)
    assert rows.order == order


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.02, 0.5, 0.97, 1.0])
def test_the_lower_bound_of_v(order, alpha):
    v = random_slow(N_STATES, order, order)
    s1, s2 = (
        q[:N_STATES, :N_STATES]
        - q[:N_STATES, N_STATES:]
        @ np.linalg.solve(q[N_STATES:, N_STATES:], q[N_STATES:, :N_STATES])
        for q in (v.Q1, v.Q2)
    )
    x, dx = smooth(order, N_STATES)
    low = value(positivity_terms(N_STATES, order, alpha), v.matrices | {"S1": s1, "S2": s2})
    law = lambda _: alpha  # noqa: E731
    near, all_ = moments(x, -alpha, 0.0, order), moments(x, -1.0, 0.0, order)
    w = np.concatenate([x(0), x(-alpha), x(-1), *(alpha * m for m in near), *all_])
    assert float(w @ low @ w) <= energy(v, x, dx, law, 0.0) + 1e-9


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_d_is_a_polynomial_of_the_degree_that_is_said(order):
    v = random_slow(N_STATES, order, 1)
    rng = np.random.default_rng(0)
    rows = linear_rows(rng.normal(size=(2, 2)), rng.normal(size=(2, 2)), order, 1.7)
    alphas = np.linspace(0, 1, degree(order) + 3)
    values = np.array(
        [value(dissipation_terms(rows, a, 0.3, (2 - a, 1 + a)), v.matrices) for a in alphas]
    )
    high = np.polynomial.polynomial.polyfit(
        alphas, values.reshape(len(alphas), -1), len(alphas) - 1
    )
    np.testing.assert_allclose(high[degree(order) + 1 :], 0, atol=1e-5)
    slopes = np.array([value(slope_terms(2, order, a, 2 - a), v.matrices) for a in alphas]).reshape(
        len(alphas), -1
    )
    high = np.polynomial.polynomial.polyfit(alphas, slopes, len(alphas) - 1)
    np.testing.assert_allclose(high[slope_degree(order) + 1 :], 0, atol=1e-5)


def test_the_coefficients_of_the_unknowns_give_the_same_form():
    order, n = 2, 2
    v = random_slow(n, order, 5)
    rows = linear_rows(np.diag([-2.0, -0.9]), -np.ones((2, 2)), order, 3.0)
    counts, start, unknowns = {}, 0, []
    for name, size in sizes(n, order).items():
        matrix = v.matrices[name]
        assert matrix.shape == (size, size)
        unknowns.append(matrix[np.triu_indices(size)])
        counts[name] = slice(start, start + len(unknowns[-1]))
        start += len(unknowns[-1])
    terms = dissipation_terms(rows, 0.3, -0.2, (3.0, 1.4))
    found = np.tensordot(np.concatenate(unknowns), coefficients(terms, counts, start), 1)
    np.testing.assert_allclose(found, value(terms, v.matrices), atol=1e-12)
