"""Multiples of one delay: crossings, windows, proofs and spectra."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest

from certdde.systems import DelaySystem
from certdde.verify.spectral import several_abscissa, spectral_abscissa
from certdde.verify.spectral import windows as module
from certdde.verify.spectral.anchor import undelayed
from certdde.verify.spectral.crossing import NoCrossing, PossibleCrossing, prove_no_crossing
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import abscissa, crossing_delays, crossings, stable_windows


def exactly(*matrices: np.ndarray) -> LinearDelaySystem:
    """The system with these matrices A_0, A_1, ..."""
    return LinearDelaySystem(
        tuple(tuple(tuple(Fraction(v) for v in row) for row in m.tolist()) for m in matrices)
    )


def drawn(seed: int, n: int, m: int, stable: bool = False) -> LinearDelaySystem:
    """A random system; `stable` makes it stable without delay."""
    rng = np.random.default_rng(seed)
    present = rng.normal(size=(n, n))
    delayed = [rng.normal(size=(n, n)) / np.sqrt(n) / m for _ in range(m)]
    if stable:
        present -= (np.linalg.eigvals(present + sum(delayed)).real.max() + 1) * np.eye(n)
    return exactly(present, *delayed)


def by_sweep(a: float, b: float, k: int) -> float:
    """The margin of x' = -a x(t - tau) - b x(t - k tau): the least theta / w with i w on the axis."""
    theta = np.linspace(1e-9, 2 * np.pi, 400_001)

    def real(t):
        return a * np.cos(t) + b * np.cos(k * t)

    found = []
    for i in np.flatnonzero(np.diff(np.sign(real(theta)))):
        low, high = theta[i], theta[i + 1]
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if real(low) * real(middle) > 0 else (low, middle)
        w = a * np.sin(low) + b * np.sin(k * low)
        if w > 0:
            found.append(low / w)
    return min(found)


@pytest.mark.parametrize(("a", "b", "k"), [(1, 0.5, 2), (1, 1, 2), (0.5, 0.7, 3), (0.3, 1, 7)])
def test_scalar_margins_by_a_sweep_over_frequencies(a, b, k):
    system = LinearDelaySystem.of(
        DelaySystem.from_equations([f"x' = -{a}*x(t - tau) - {b}*x(t - {k}*tau)"])
    )
    margin = by_sweep(a, b, k)
    assert system.multiples == (1, k)
    assert len(system.terms) == k + 1
    assert crossing_delays(system, 0.0, 3.0)[0] == pytest.approx(margin, rel=1e-9)
    assert stable_windows(system, 0.0, 1.5 * margin)[0] == pytest.approx((0.0, margin), rel=1e-9)
    assert abscissa(system, margin) == pytest.approx(0, abs=1e-8)
    assert isinstance(prove_no_crossing(system, 0.0, margin * (1 - 1e-8)), NoCrossing)
    beyond = prove_no_crossing(system, 0.0, margin * 1.01)
    assert isinstance(beyond, PossibleCrossing)
    assert beyond.delay == pytest.approx(margin, rel=1e-6)


@pytest.mark.parametrize("how", ["pencil", "sweep"])
def test_every_crossing_is_a_root_on_the_axis_and_both_ways_find_them(how, monkeypatch):
    monkeypatch.setattr(module, "MAX_PENCIL", 400 if how == "pencil" else 0)
    for seed in range(8):
        system = drawn(seed, 1 + seed % 3, 1 + seed % 4)
        pairs = crossings(system)
        for w, theta in pairs:
            matrix = 1j * w * np.eye(len(system.terms[0])) - module._at(system.arrays, theta)
            assert np.linalg.svd(matrix, compute_uv=False)[-1] < 1e-7
        monkeypatch.setattr(module, "MAX_PENCIL", 0 if how == "pencil" else 400)
        assert np.allclose(pairs, crossings(system), rtol=1e-6)
        monkeypatch.setattr(module, "MAX_PENCIL", 400 if how == "pencil" else 0)


def test_no_change_of_stability_is_missed_on_a_dense_grid():
    for seed in range(4):
        system = drawn(seed, 2, 3)
        delays = np.linspace(0.013, 3, 25)
        stable = [abscissa(system, tau) < 0 for tau in delays]
        inside = [any(a <= tau <= b for a, b in stable_windows(system, 0.0, 3.0)) for tau in delays]
        assert stable == inside


def test_spectra_of_several_delays():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 3, 3))
    zero = np.zeros((3, 3))
    one = spectral_abscissa(a, b, 1.2)
    assert several_abscissa(a, [(1.2, b), (0.3, zero)]) == pytest.approx(one, abs=1e-9)
    assert abscissa(exactly(a, zero, b), 0.6) == pytest.approx(one, abs=1e-8)
    assert several_abscissa(a, [(0.0, b), (0.0, c)]) == pytest.approx(
        np.linalg.eigvals(a + b + c).real.max()
    )
    shorter = several_abscissa(a, [(0.0, c), (1.2, b)])
    assert shorter == pytest.approx(spectral_abscissa(a + c, b, 1.2), abs=1e-8)
    found = several_abscissa(a, [(0.37, b), (1.3, c)])
    s = min((s for s in root_near(a, b, c, found)), key=lambda s: abs(s.real - found), default=None)
    assert s is not None
    assert s.real == pytest.approx(found, abs=1e-7)


def root_near(a, b, c, real):
    """Roots of det(s - a - b e^(-.37 s) - c e^(-1.3 s)) by Newton's method from a line of starts."""

    def det(s):
        return np.linalg.det(s * np.eye(3) - a - b * np.exp(-0.37 * s) - c * np.exp(-1.3 * s))

    for imag in np.linspace(0, 8, 60):
        s = real + 1j * imag
        for _ in range(40):
            slope = (det(s + 1e-7) - det(s - 1e-7)) / 2e-7
            s = s - det(s) / slope
        if abs(det(s)) < 1e-8:
            yield s


@pytest.mark.parametrize("n", [2, 4, 6])
def test_random_stable_systems_are_proved_in_seconds(n):
    """Three matrices of size up to 6, delays up to where the first root crosses, or 3."""
    for seed in range(2):
        system = drawn(seed, n, 3, stable=True)
        [window, *_] = stable_windows(system, 0.0, 3.0)
        end = window[1] if window[1] == 3.0 else window[1] * (1 - 1e-6)
        began = time.monotonic()
        assert isinstance(prove_no_crossing(system, 0.0, end), NoCrossing)
        assert time.monotonic() - began < 10
        p, whole = undelayed(system), system.arrays.sum(axis=0)
        assert np.linalg.eigvalsh(p)[0] > 0 > np.linalg.eigvalsh(whole.T @ p + p @ whole)[-1]


def test_no_anchor_without_stability():
    assert undelayed(exactly(np.eye(2), -np.eye(2), np.eye(2))) is None
