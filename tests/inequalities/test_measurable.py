"""The reduction for a delay that varies in any measurable way, against its definition."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
import torch
from scipy.special import eval_sh_legendre
from segments import random_functional

from certdde.inequalities.features import Features
from certdde.inequalities.measurable import (
    alpha_pieces,
    degree,
    form_at,
    linear_window,
    measurable_forms,
    tangents,
    window_coefficients,
    window_of,
)
from certdde.systems import DelaySystem

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def smooth_history(seed, n):
    """A trigonometric history s -> (x(s), x'(s)) with random frequencies."""
    rng = np.random.default_rng(seed)
    a, w, p = rng.standard_normal((3, n, 3))
    return (
        lambda s: np.sum(a * np.sin(w * np.asarray(s)[..., None, None] + p), -1),
        lambda s: np.sum(a * w * np.cos(w * np.asarray(s)[..., None, None] + p), -1),
    )


def moments(x, start, end, order):
    """Shifted Legendre moments over [start, end] by Gauss quadrature."""
    u = (NODES + 1) / 2
    values = x(start + (end - start) * u)
    return [
        np.sum(WEIGHTS[:, None] / 2 * eval_sh_legendre(k, u)[:, None] * values, 0)
        for k in range(order)
    ]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_moments_of_the_window_come_from_those_of_its_parts(order):
    x, _ = smooth_history(order, 2)
    first, second = window_coefficients(order)
    h = 1.7
    for alpha in (0.0, 0.2, 0.5, 0.9, 1.0):
        v1 = moments(x, -alpha * h, 0.0, order)
        v2 = moments(x, -h, -alpha * h, order)
        for k, whole in enumerate(moments(x, -h, 0.0, order)):
            found = 0.0
            for m in range(order):
                c1, c2 = (
                    sum(float(c) * alpha**i for i, c in enumerate(t[k][m])) for t in (first, second)
                )
                found = found + alpha * c1 * v1[m] + (1 - alpha) * c2 * v2[m]
            np.testing.assert_allclose(found, whole, atol=1e-10)


def true_rate(system, functional, x, rate, tau, h):
    """dV/dt from the definition of V, and the vector that D is a quadratic form of (linear systems)."""
    n, order = functional.dimension, functional.order
    now, past, oldest = x(0.0), x(-tau), x(-h)
    f = system.deviation_function()(torch.tensor(now), torch.tensor(past)).numpy()
    omega = moments(x, -h, 0.0, order)
    w = np.concatenate([now, *(h * o for o in omega)])
    g = []
    for k in range(
        order
    ):  # d/dt int L_k x ds = L_k(1) x - L_k(0) z - int (L_k)' x ds, derivative numerically exact
        u = (NODES + 1) / 2
        slope = np.polynomial.Polynomial(
            [(-1) ** (k + i) * comb(k, i) * comb(k + i, i) for i in range(k + 1)]
        ).deriv()
        g.append(
            now
            - (-1) ** k * oldest
            - np.sum(WEIGHTS[:, None] / 2 * slope(u)[:, None] * x(-h + h * u), 0)
        )
    p, s, r = (m.numpy() for m in (functional.P, functional.S, functional.R))
    s_nodes = -h + h * (NODES + 1) / 2
    damping = h * np.sum(WEIGHTS / 2 * np.einsum("ti,ij,tj->t", rate(s_nodes), r, rate(s_nodes)))
    value = (
        2 * w @ p @ np.concatenate([f, *g])
        + now @ s @ now
        - oldest @ s @ oldest
        + h * f @ r @ f
        - damping
    )
    zeta = np.concatenate(
        [now, past, oldest, *moments(x, -tau, 0.0, order), *moments(x, -h, -tau, order)]
    )
    assert len(zeta) == n * (3 + 2 * order)
    return value, zeta


LINEAR = DelaySystem.from_equations(
    ["x' = -2*x - x(t - tau)", "y' = x - 0.9*y - x(t - tau) - y(t - tau)"]
)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_d_bounds_the_rate_of_v_for_every_split_of_the_window(order, seed):
    functional = random_functional(2, order, seed=seed)
    x, rate = smooth_history(10 * seed + order, 2)
    h = 1.3
    window = linear_window(*LINEAR.jacobians(), order)
    for alpha in (0.07, 0.3, 0.5, 0.95):
        true, zeta = true_rate(LINEAR, functional, x, rate, alpha * h, h)
        z = torch.tensor(zeta)
        exact = form_at(
            window, functional.P, functional.S, functional.R, h, alpha, (1 / alpha, 1 / (1 - alpha))
        )
        d = float(z @ exact @ z)
        assert true <= d + 1e-9 * (1 + abs(d))
        (k0, k1), (l0, l1) = tangents(alpha - 0.05, alpha + 0.05)
        weaker = form_at(
            window,
            functional.P,
            functional.S,
            functional.R,
            h,
            alpha,
            ((k0 + k1) / 2, (l0 + l1) / 2),
        )
        assert d <= float(z @ weaker @ z) + 1e-9 * (1 + abs(d))


@pytest.mark.parametrize("piece", [(0.0, 0.1), (0.3, 0.5), (0.8, 1.0)])
def test_tangents_are_never_above(piece):
    (k0, k1), (l0, l1) = tangents(*piece)
    for s in np.linspace(1e-6, 1 - 1e-6, 200):
        alpha = piece[0] + (piece[1] - piece[0]) * s
        assert k0 + (k1 - k0) * s <= 1 / alpha * (1 + 1e-12)
        assert l0 + (l1 - l0) * s <= 1 / (1 - alpha) * (1 + 1e-12)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_bernstein_coefficients_reproduce_the_form(order):
    functional = random_functional(2, order, seed=order)
    window = linear_window(*LINEAR.jacobians(), order)
    breaks, e = [0.2, 0.45], degree(order)
    coefficients = measurable_forms(window, functional.P, functional.S, functional.R, 1.3, breaks)
    (k0, k1), (l0, l1) = tangents(*breaks)
    for s in (0.0, 0.13, 0.5, 0.77, 1.0):
        weights = (k0 + (k1 - k0) * s, l0 + (l1 - l0) * s)
        alpha = breaks[0] + (breaks[1] - breaks[0]) * s
        form = form_at(window, functional.P, functional.S, functional.R, 1.3, alpha, weights)
        mixed = sum(comb(e, j) * s**j * (1 - s) ** (e - j) * coefficients[j] for j in range(e + 1))
        torch.testing.assert_close(mixed, form, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_the_checker_builds_the_same_matrices(order):
    from certdde.verify.checker import measurable
    from certdde.verify.checker.dissipation import layout, rational
    from certdde.verify.checker.system import System

    functional = random_functional(2, order, seed=order)
    present, delayed = LINEAR.jacobians()
    rows = [
        {
            j: Fraction(repr(float(v)))
            for j, v in enumerate(torch.cat([present[i], delayed[i]]))
            if v != 0
        }
        for i in range(2)
    ]
    system = System(n=2, domain=None, xi=(), linear=rows, rest=[None, None])
    squares = tuple(rational(m.numpy()) for m in (functional.P, functional.S, functional.R))
    h, breaks = Fraction(13, 8), [0.0, 0.25, 1.0]
    lay = layout(system, (), 0, 1 + 2 * order)
    exact = measurable.matrices(lay, squares, h, [Fraction(b) for b in breaks])
    window = linear_window(present, delayed, order)
    ours = measurable_forms(window, functional.P, functional.S, functional.R, float(h), breaks)
    theirs = torch.tensor(
        [[[float(v) for v in row] for row in m] for m in exact], dtype=torch.float64
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_pieces_cover_and_rise():
    breaks = alpha_pieces(0.13, 1.0)
    assert breaks[0] == 0.13
    assert breaks[-1] == 1.0
    assert breaks == sorted(set(breaks))


def test_the_rows_of_a_nonlinear_system_agree_with_those_of_its_linear_part():
    functional = random_functional(2, 1, seed=0)
    window = window_of(Features.of(LINEAR, functional), 1)
    plain = linear_window(*LINEAR.jacobians(), 1)
    torch.testing.assert_close(window.f, plain.f)
    assert window.head == 0
