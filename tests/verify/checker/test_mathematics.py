"""The formula of the specification against simulated trajectories: dV/dt <= D, and V >= v_0.

V is evaluated by quadrature and differentiated numerically; D comes from the checker's matrices.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.polynomial import legendre

from certdde.verify.checker import dissipation, rounding
from certdde.verify.checker import moments as reading
from certdde.verify.checker.network import Network
from certdde.verify.checker.system import System
from certdde.verify.checker.tree import Node

from .maker import psi

STEPS = 200


def scalar(x, y):
    return np.array([-(1 + x[0]) * y[0] - 0.3 * np.sin(x[0])])


def planar(x, y):
    return np.array([x[1] + 0.2 * y[0], np.sin(x[0]) * 0.5 - 2 * y[0] - 1.5 * x[1] + 0.5 * y[1]])


def node(i: int) -> Node:
    """Stands for a rest that does not vanish; only its place matters here."""
    return Node("sin", (Node("var", value=Fraction(i)),))


# the rest n_i and the linear terms in eta, as the checker would split them
SCALAR = System(1, (0, 1), ({},), (node(0),), None)
PLANAR = System(2, (0, 1, 2), ({}, {3: Fraction(1, 2)}), (node(0), node(1)), None)


def simulate(f, start, tau: float, until: int) -> np.ndarray:
    """Grid values of the solution on [-tau, until steps], by Runge-Kutta with cubic Hermite delays."""
    h = tau / STEPS
    x = [start(h * k) for k in range(-STEPS, 1)]
    dx = [(start(h * k + 1e-5) - start(h * k - 1e-5)) / 2e-5 for k in range(-STEPS, 1)]
    for k in range(until):
        now, a, b, da, db = x[-1], x[k], x[k + 1], dx[k], dx[k + 1]
        middle = (a + b) / 2 + h / 8 * (da - db)
        k1 = f(now, a)
        k2 = f(now + h / 2 * k1, middle)
        k3 = f(now + h / 2 * k2, middle)
        k4 = f(now + h * k3, b)
        x.append(now + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
        dx.append(f(x[-1], x[k + 1]))
    return np.array(x)


def simpson(values: np.ndarray, width: float) -> np.ndarray:
    weights = np.ones(len(values))
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return np.tensordot(weights, values, 1) * width / 3 / (len(values) - 1)


def shifted(k: int, u: np.ndarray) -> np.ndarray:
    return legendre.legval(2 * u - 1, [0] * k + [1])


def moments(window: np.ndarray, order: int) -> list[np.ndarray]:
    u = np.linspace(0, 1, len(window))
    return [simpson(shifted(k, u)[:, None] * window, 1.0) for k in range(order)]


class Functional:
    """V of section 4 with random symmetric P, positive S and R, and tanh networks."""

    def __init__(
        self, n: int, order: int, v0: Network | None, w: Network | None, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        p = rng.normal(size=(n * (order + 1),) * 2)
        self.p = p + p.T
        self.s, self.r = (m @ m.T + 0.1 * np.eye(n) for m in rng.normal(size=(2, n, n)))
        self.n, self.order, self.v0, self.w = n, order, v0, w

    def value(self, window: np.ndarray, rates: np.ndarray, tau: float) -> float:
        vector = np.concatenate([window[-1], *(tau * m for m in moments(window, self.order))])
        total = vector @ self.p @ vector
        if self.v0:
            seen = np.concatenate([window[-1], *moments(window, 2)])
            total += (psi(self.v0, seen[None, list(self.v0.inputs)]) ** 2).sum()
        density = np.einsum("ki,ij,kj->k", window, self.s, window)
        if self.w:
            density = density + (psi(self.w, window[:, list(self.w.inputs)]) ** 2).sum(axis=1)
        kinetic = np.linspace(0, tau, len(window)) * np.einsum("ki,ij,kj->k", rates, self.r, rates)
        return float(total + simpson(density, tau) + simpson(kinetic, tau))

    def bound(self, system: System, f, window: np.ndarray, tau: float) -> float:
        """D at tau, from the checker's exact matrices (kappa is 1/tau up to 1e-9 on a tiny piece)."""
        inputs = self.v0.inputs if self.v0 else ()
        read = reading.read_by(inputs, self.n)
        outputs = self.w.outputs if self.w else 0
        lay = dissipation.layout(system, inputs, outputs, self.order, read)
        exact = [dissipation.rational(m) for m in (self.p, self.s, self.r)]
        breaks = [Fraction(tau), Fraction(tau) + Fraction(1, 10**9)]
        rule = reading.matrices if read else dissipation.matrices
        matrix = np.array(rule(lay, self.n, *exact, breaks)[0], dtype=float)
        matrix = matrix / tau if read else matrix
        seen = np.concatenate([window[-1], *moments(window, self.order)])
        x, y = window[-1], window[0]
        both = np.concatenate([x, y])
        features = [both[list(system.xi)], seen[list(read)]]
        linear = [sum(float(a) * both[j] for j, a in row.items()) for row in system.linear]
        features.append(f(x, y) - np.array(linear))
        if self.v0:
            features.append(gradient(self.v0, seen[list(inputs)]) / 2)
        if self.w:
            features += [psi(self.w, v[None, list(self.w.inputs)])[0] for v in (x, y)]
        eta = [both[j] for j in range(2 * self.n) if j not in system.xi]
        rest = [seen[k] for k in range(self.n, len(seen)) if k not in read]
        z = np.concatenate([*features, eta, rest])
        return float(z @ matrix @ z)


def gradient(network: Network, x: np.ndarray) -> np.ndarray:
    """Gradient of |p|^2 by central differences."""
    steps = 1e-5 * np.eye(len(x))
    return np.array(
        [
            ((psi(network, (x + s)[None]) ** 2).sum() - (psi(network, (x - s)[None]) ** 2).sum())
            / 2e-5
            for s in steps
        ]
    )


def network(inputs: tuple[int, ...], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    k = len(inputs)
    weights = rng.normal(size=(7, k)), rng.normal(size=(3, 7)) * 0.5
    return Network(inputs, weights, (rng.normal(size=(7, 1)),))


CASES = [
    (SCALAR, scalar, (0,), (0,)),
    (PLANAR, planar, (1, 0), (0,)),
]


def trajectory(n: int, f, tau: float):
    def start(t: float) -> np.ndarray:
        return np.array([0.3 * np.cos(3 * t) + 0.1, -0.2 * np.sin(2 * t)])[:n]

    x = simulate(f, start, tau, 5 * STEPS)
    rates = np.array([f(x[k], x[k - STEPS]) for k in range(STEPS, len(x))])
    return x[STEPS:], rates


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("order", [0, 1, 2, 4])
@pytest.mark.parametrize("neural", [False, True])
@pytest.mark.parametrize("tau", [0.25, 1.25])
def test_derivative_along_trajectories_is_at_most_d(case, order, neural, tau):
    system, f, v0_inputs, w_inputs = CASES[case]
    n = system.n
    v0, w = (network(v0_inputs, 1), network(w_inputs, 2)) if neural else (None, None)
    functional = Functional(n, order, v0, w, seed=order)
    x, rates = trajectory(n, f, tau)
    gaps = []
    for centre in range(int(2.5 * STEPS), 5 * STEPS - 4, 37):
        values = [
            functional.value(x[c - STEPS : c + 1], rates[c - STEPS : c + 1], tau)
            for c in (centre - 2, centre - 1, centre + 1, centre + 2)
        ]
        h = tau / STEPS
        derivative = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        bound = functional.bound(system, f, x[centre - STEPS : centre + 1], tau)
        scale = 1 + abs(values[1]) + abs(bound)
        assert derivative <= bound + 1e-6 * scale
        gaps.append((bound - derivative) / scale)
    if order == 4:  # Bessel's inequality is nearly sharp for smooth histories
        assert max(gaps) < 1e-3


@pytest.mark.parametrize("reads", [(0, 1), (2, 0, 1), (1, 2)])
@pytest.mark.parametrize("tau", [0.25, 1.25])
def test_derivative_when_v0_reads_moments(reads, tau):
    """tau D for a network of (x, Omega_0, Omega_1), and its Bernstein coefficients on a wide piece."""
    functional = Functional(1, 3, network(reads, 1), network((0,), 2), seed=2)
    check_derivative(functional, SCALAR, scalar, tau)


@pytest.mark.parametrize("reads", [(0, 1, 2), (3, 0), (5, 1, 4)])
def test_derivative_when_v0_reads_moments_of_two_states(reads):
    check_derivative(Functional(2, 2, network(reads, 1), None, seed=2), PLANAR, planar, 0.75)


def check_derivative(functional, system, f, tau):
    x, rates = trajectory(system.n, f, tau)
    for centre in range(int(2.5 * STEPS), 5 * STEPS - 4, 37):
        values = [
            functional.value(x[c - STEPS : c + 1], rates[c - STEPS : c + 1], tau)
            for c in (centre - 2, centre - 1, centre + 1, centre + 2)
        ]
        h = tau / STEPS
        derivative = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        bound = functional.bound(system, f, x[centre - STEPS : centre + 1], tau)
        assert derivative <= bound + 1e-6 * (1 + abs(values[1]) + abs(bound))


def test_bernstein_coefficients_in_the_delay():
    """Every value of c0 + c1 tau + c2 tau^2 on the pieces is a convex combination of neighbouring coefficients."""
    breaks = [Fraction(1, 2), Fraction(3, 4), Fraction(5, 4)]
    values = [3 - 2 * (s + t) / 2 + 5 * s * t for s, t in reading.ends(breaks)]
    assert len(values) == 5
    for a, b, three in ((breaks[0], breaks[1], values[:3]), (breaks[1], breaks[2], values[2:])):
        for k in range(9):
            u = Fraction(k, 8)
            tau = a + (b - a) * u
            weights = ((1 - u) ** 2, 2 * u * (1 - u), u * u)
            assert 3 - 2 * tau + 5 * tau * tau == sum(map(lambda w, v: w * v, weights, three))


def test_moments_stay_in_their_ranges():
    domain = ((Fraction(-1, 2), Fraction(1)),)
    (low, high), (below, above) = reading.ranges((1, 2), domain)
    rng = np.random.default_rng(0)
    u = np.linspace(0, 1, 2001)
    for _ in range(200):
        window = np.where(u > rng.random(), *(rng.uniform(-0.5, 1, 2)))[:, None]
        window[rng.random(2001) < 0.3 * rng.random()] = rng.uniform(-0.5, 1)
        mean, first = (float(m[0]) for m in moments(window, 2))
        assert low <= mean <= high
        assert below - 1e-3 <= first <= above + 1e-3
    step = np.where(u < 0.5, -0.5, 1.0)[:, None]
    assert abs(float(moments(step, 2)[1][0]) - float(above)) < 1e-3


@pytest.mark.parametrize("neural", [False, True])
def test_v_is_at_least_v0(neural):
    """Positivity: V >= x^T Ph x + |p_V0|^2 on rough histories."""
    rng, tau, n, order = np.random.default_rng(3), 0.75, 2, 2
    v0, w = (network((0, 1), 1), network((1,), 2)) if neural else (None, None)
    functional = Functional(n, order, v0, w, seed=1)
    functional.p[n:, n:] = functional.p[n:, n:] @ functional.p[n:, n:] - 0.1 * np.eye(n * order)
    functional.p[:n, :n] += 40 * np.eye(n)
    exact = [dissipation.rational(m) for m in (functional.p, functional.s, functional.r)]
    total = dissipation.bessel(*exact, Fraction(1), n)
    [found] = reading.lower_forms(total, (), [], n)
    ph = np.array(found, dtype=float)
    for _ in range(50):
        u = np.linspace(0, 1, STEPS + 1)
        window = sum(
            rng.normal(size=n) * np.cos(k * np.pi * u[:, None] + rng.normal()) for k in range(4)
        )
        rates = np.gradient(window, tau / STEPS, axis=0)
        lower = window[-1] @ ph @ window[-1]
        if v0:
            lower += (psi(v0, window[-1:]) ** 2).sum()
        assert functional.value(window, rates, tau) >= lower - 1e-6


def test_tangents_stay_below_the_reciprocal():
    rng = np.random.default_rng(0)
    for first in (0.0, 0.1, 2.0):
        breaks = np.cumsum(np.concatenate([[first], rng.uniform(0.01, 1, 6)]))
        kappa = dissipation.tangents([Fraction(b) for b in breaks])
        tau = np.linspace(max(first, 1e-9), breaks[-1], 2001)
        found = np.interp(tau, breaks, [float(k) for k in kappa])
        assert (found <= 1 / tau + 1e-12).all()
        assert (found >= 0).all()
        assert np.max(found * tau) > 0.8


def test_reduction_is_the_maximum_over_eta():
    rng = np.random.default_rng(1)
    a = np.round(rng.normal(size=(5, 5)) * 16) / 16
    a = a + a.T - np.diag([0, 0, 9, 9, 9])
    exact = dissipation.rational(a)
    reduced = np.array(dissipation.reduced(exact, 2, "here"), dtype=float)
    for _ in range(20):
        v = rng.normal(size=2)
        best = -np.linalg.solve(a[2:, 2:], a[2:, :2] @ v)
        z = np.concatenate([v, best])
        assert z @ a @ z == pytest.approx(v @ reduced @ v)
        z[2:] += rng.normal(size=3)
        assert z @ a @ z <= v @ reduced @ v + 1e-12


def test_enclosing_matrices_is_exact():
    third = [[Fraction(1, 3), Fraction(1, 7)], [Fraction(1, 7), Fraction(-2, 3)]]
    q = rounding.enclose([third], 1)
    gap = abs(Fraction(1, 3) - Fraction(float(Fraction(1, 3))))
    assert 0 < gap <= Fraction(q.error[0, 0])
