"""The spectral abscissa against known limits and closed forms."""

import math

import numpy as np
import pytest
from anchors import GU, KIM, KR, LD, SC, UNSTABLE
from scipy.special import lambertw

from certdde.verify.spectral import spectral_abscissa


def abscissa(system, delay, **options):
    return spectral_abscissa(*(m.numpy() for m in system.jacobians()), delay, **options)


@pytest.mark.parametrize(
    ("system", "limit", "digits"),
    [(SC, math.pi / 2, 1e-9), (KR, 6.172581, 1e-6), (GU, 1.7178582, 1e-7)],
    ids=["SC", "KR", "GU"],
)
def test_the_largest_delay(system, limit, digits):
    assert abscissa(system, limit * 0.99) < 0 < abscissa(system, limit * 1.01)
    low, high = 0.99 * limit, 1.01 * limit
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if abscissa(system, middle) < 0 else (low, middle)
    assert low == pytest.approx(limit, abs=digits)


def test_the_smallest_delay_of_gu():
    assert abscissa(GU, 0.1001683 - 1e-5) > 0 > abscissa(GU, 0.1001683 + 1e-5)


def test_ld_touches_zero_at_pi_and_is_stable_on_either_side():
    assert abscissa(LD, math.pi) == pytest.approx(0.0, abs=1e-8)
    for delay in (0.5, 3.0, 3.3, 6.0):
        assert abscissa(LD, delay, nodes=48) < 0
    assert abscissa(LD, 3 * math.pi, nodes=64) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("delay", [0.1, 1.0, 5.0, 20.0])
def test_kim_is_stable_at_every_delay(delay):
    assert abscissa(KIM, delay) < 0


@pytest.mark.parametrize(("a", "b"), [(-0.3, -0.8), (0.5, -1.2), (-2.0, 1.9), (0.0, -1.0)])
@pytest.mark.parametrize("delay", [0.2, 1.0, 3.0])
def test_scalar_systems_by_lambert_w(a, b, delay):
    """s = a + b e^{-s tau} has s = a + W(b tau e^{-a tau}) / tau, rightmost on the principal branch."""
    exact = a + complex(lambertw(b * delay * math.exp(-a * delay))).real / delay
    got = spectral_abscissa(np.array([[a]]), np.array([[b]]), delay)
    assert got == pytest.approx(exact, abs=1e-8)


def test_without_delay_it_is_that_of_the_sum():
    assert abscissa(KR, 0.0) == pytest.approx(-1.9, abs=1e-12)
    assert abscissa(UNSTABLE, 0.0) == 1.0
    assert abscissa(UNSTABLE, 2.0) == pytest.approx(1.0, abs=1e-8)
