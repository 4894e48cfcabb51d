"""Stable windows in float64, against the literature and dense spectra."""

import math

import numpy as np
import pytest
from anchors import GU, KIM, KR, LD, SC, UNSTABLE, linear

from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import abscissa, crossing_delays, crossings, stable_windows

OSCILLATOR = linear([[0, 1], [-5, -0.1]], [[0, 0], [-1, 0]])


def of(system):
    return LinearDelaySystem.of(system)


@pytest.mark.parametrize(
    ("system", "stop", "wanted"),
    [
        (SC, 3.0, [(0, math.pi / 2)]),
        (KR, 10.0, [(0, 6.172581)]),
        (GU, 5.0, [(0.1001683, 1.7178582)]),
        (LD, 10.0, [(0, math.pi), (math.pi, 3 * math.pi), (3 * math.pi, 10)]),
        (KIM, 50.0, [(0, 50)]),
        (UNSTABLE, 5.0, []),
    ],
    ids=["SC", "KR", "GU", "LD", "KIM", "unstable"],
)
def test_windows_of_the_literature(system, stop, wanted):
    found = stable_windows(of(system), 0.0, stop)
    assert len(found) == len(wanted)
    assert np.allclose(np.reshape(found, (-1, 2)), np.reshape(wanted, (-1, 2)), atol=1e-6)


def test_every_crossing_is_a_root_on_the_axis():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        n = 1 + seed % 3
        system = of(linear(*rng.normal(size=(2, n, n)).round(2).tolist()))
        for w, theta in crossings(system):
            present, delayed = system.arrays
            m = 1j * w * np.eye(len(present)) - present - np.exp(-1j * theta) * delayed
            assert np.linalg.svd(m, compute_uv=False)[-1] < 1e-7


def test_no_change_of_stability_is_missed_on_a_dense_grid():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        system = of(linear(*rng.normal(size=(2, 2, 2)).round(2).tolist()))
        delays = np.linspace(0.013, 4, 60)
        stable = [abscissa(system, tau) < 0 for tau in delays]
        inside = [any(a <= tau <= b for a, b in stable_windows(system, 0.0, 4.0)) for tau in delays]
        assert stable == inside


def test_windows_that_come_back():
    found = stable_windows(of(OSCILLATOR), 0.0, 12.0)
    assert len(found) == 4
    for lower, upper in found:
        for end, beyond in ((lower, lower - 1e-3), (upper, upper + 1e-3)):
            if 0 < end < 12:
                assert abscissa(of(OSCILLATOR), beyond) > 0


def test_tiny_delays_count_as_none():
    for tau in (1e-308, 1e-40, 1e-12):
        assert abscissa(of(GU), tau) == abscissa(of(GU), 0.0) > 0


def test_crossing_delays_are_in_order_and_inside():
    found = crossing_delays(of(LD), 1.0, 20.0)
    assert found == pytest.approx([math.pi, 3 * math.pi, 5 * math.pi], abs=1e-6)
