"""The dissipation with several windows, against V along solutions by quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import Legendre, Polynomial

from certdde.functionals.windows import WindowedFunctional
from certdde.inequalities.windows import linear_rows, window_forms

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
LAGS = ((0, 1), (0, 2), (1, 1))
DELAYS = (0.7, 0.9)
STEP = 1e-6


def integral(function, a: float, b: float):
    """The integral of a function of one time."""
    values = [w * function(a + (b - a) * (1 + s) / 2) for s, w in zip(NODES, WEIGHTS, strict=True)]
    return (b - a) / 2 * sum(values)


def moments(x, now: float, window: float, order: int) -> list[np.ndarray]:
    """The integrals of L_k(u) x(now - window + u window) over u in [0, 1]."""
    found = []
    for k in range(order):
        shifted = Legendre.basis(k, domain=[0, 1])
        found.append(integral(lambda u, p=shifted: p(u) * x(now - window + u * window), 0, 1))
    return found


def value(v: WindowedFunctional, x, rate, now: float) -> float:
    """V of the history that ends now, by quadrature; `rate` is the derivative of x."""
    w, total = [x(now)], 0.0
    for a, window in enumerate(v.windows(DELAYS)):
        w += [window * m for m in moments(x, now, window, v.order)]
        ends = [
            (now - window, min(now, 0.0)),
            (min(now, 0.0), now),
        ]  # x is smooth on either side of 0
        for low, high in ends:
            if high > low:
                total += integral(lambda s, a=a: x(s) @ v.S[a] @ x(s), low, high)
                total += integral(
                    lambda s, a=a, window=window: (s - now + window) * rate(s) @ v.R[a] @ rate(s),
                    low,
                    high,
                )
    vector = np.concatenate(w)
    return float(vector @ v.P @ vector + total)


class Path:
    """A history given by polynomials, and the solution for a short time after 0."""

    def __init__(self, rng, n: int, degree: int, present, delayed) -> None:
        self.past = [Polynomial(rng.normal(size=degree + 1)) for _ in range(n)]
        late = [self.at(-k * DELAYS[j]) for j, k in LAGS]
        self.slope = present @ self.at(0.0) + sum(m @ y for m, y in zip(delayed, late, strict=True))
        self.late = late

    def at(self, s: float) -> np.ndarray:
        if s > 0:
            return self.at(0.0) + s * self.slope
        return np.array([p(s) for p in self.past])

    def rate(self, s: float) -> np.ndarray:
        return self.slope if s > 0 else np.array([p.deriv()(s) for p in self.past])


def setup(seed: int, n: int, order: int, degree: int):
    rng = np.random.default_rng(seed)
    present, delayed = rng.normal(size=(n, n)), rng.normal(size=(3, n, n))
    p = rng.normal(size=(n * (1 + 3 * order),) * 2)
    s, r = rng.normal(size=(2, 3, n, n))
    square = s @ np.swapaxes(s, 1, 2), r @ np.swapaxes(r, 1, 2)
    v = WindowedFunctional(order, LAGS, p + p.T, *square)
    return v, linear_rows(present, delayed, order), Path(rng, n, degree, present, delayed)


def zeta(v: WindowedFunctional, path: Path) -> np.ndarray:
    parts = [path.at(0.0), *path.late]
    for window in v.windows(DELAYS):
        parts += moments(path.at, 0.0, window, v.order)
    return np.concatenate(parts)


def derivative(v: WindowedFunctional, path: Path) -> float:
    before, after = (value(v, path.at, path.rate, now) for now in (0.0, STEP))
    return (after - before) / STEP


@pytest.mark.parametrize(("n", "order"), [(1, 0), (1, 2), (2, 1), (2, 3)])
def test_the_form_is_the_derivative_where_bessels_inequality_is_an_equality(n, order):
    """The rate of the history is a polynomial of degree N: its N + 1 moments are all there is."""
    for seed in range(4):
        v, rows, path = setup(seed, n, order, order + 1)
        [form] = window_forms(rows, v, [[DELAYS[0]], [DELAYS[1]]])
        point = zeta(v, path)
        size = 1 + abs(point @ form @ point)
        assert point @ form @ point == pytest.approx(derivative(v, path), abs=2e-4 * size)


@pytest.mark.parametrize(("n", "order"), [(1, 0), (1, 1), (2, 2)])
def test_the_form_bounds_the_derivative_anywhere_between_the_breaks(n, order):
    breaks = [[0.5, 0.7, 1.1], [0.0, 0.9]]
    for seed in range(4):
        v, rows, path = setup(seed, n, order, order + 4)
        forms, point = window_forms(rows, v, breaks), zeta(v, path)
        bound = point @ forms[2 * 1 + 1] @ point  # tau = (0.7, 0.9)
        assert derivative(v, path) <= bound + 2e-4 * (1 + abs(bound))
        exact = window_forms(rows, v, [[DELAYS[0]], [DELAYS[1]]])[0]
        assert point @ exact @ point <= bound + 1e-9 * (1 + abs(bound))


def test_the_form_is_affine_on_each_cell():
    """At the middle of a cell it is the mean of the corners: as for tau_j, so for the bound of 1/tau_j."""
    v, rows, _ = setup(0, 2, 2, 3)
    corners = window_forms(rows, v, [[0.5, 1.0], [0.0, 0.9]])
    rng = np.random.default_rng(1)
    points = rng.normal(size=(50, corners.shape[-1]))
    for _ in range(10):
        s, t = rng.uniform(size=2)
        tau = (0.5 + 0.5 * s, 0.9 * t)
        weights = [(1 - s) * (1 - t), (1 - s) * t, s * (1 - t), s * t]
        between = np.tensordot(weights, corners, 1)
        exact = window_forms(rows, v, [[tau[0]], [tau[1]]])[0]
        values = (np.einsum("pi,ij,pj->p", points, m, points) for m in (between, exact))
        bound, true = values
        assert np.all(bound >= true - 1e-9)


def test_bessels_bound_of_v_from_below():
    for seed in range(6):
        v, _, path = setup(seed, 2, 2, 5)
        w = [path.at(0.0)]
        for window in v.windows(DELAYS):
            w += [window * m for m in moments(path.at, 0.0, window, v.order)]
        vector = np.concatenate(w)
        low = vector @ v.bessel(DELAYS) @ vector
        assert value(v, path.at, path.rate, 0.0) >= low - 1e-9 * (1 + abs(low))
        assert low >= vector @ v.bessel((0.8, 1.0)) @ vector - 1e-9


def test_a_change_of_the_unit_of_time_and_constant_histories():
    v, _, path = setup(3, 2, 2, 4)
    path.past = [Polynomial([c]) for c in (0.3, -1.2)]
    path.slope = np.zeros(2)
    constant = v.on_constant_history(np.array([0.3, -1.2]), DELAYS)
    assert value(v, path.at, path.rate, 0.0) == pytest.approx(float(constant))
    slow = v.unscaled(4.0, np.ones(2)).on_constant_history(
        np.array([0.3, -1.2]), [4 * t for t in DELAYS]
    )
    assert slow == pytest.approx(float(constant))
