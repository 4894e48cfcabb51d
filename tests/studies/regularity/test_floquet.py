"""Floquet multipliers against characteristic roots, against delays with a known solution, and against differences."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from certdde.studies.regularity.floquet import Mesh, floquet
from certdde.studies.regularity.matrices import Matrices

SCALAR = Matrices(np.zeros((1, 1)), -np.eye(1))
KIM = Matrices(np.array([[0.0, 1.0], [-1.0, -2.0]]), np.array([[0.0, 0.0], [-1.0, 1.0]]))


@pytest.mark.parametrize("matrices", [SCALAR, KIM], ids=["scalar", "KIM"])
@pytest.mark.parametrize("delay", [0.3, 1.0, 1.6])
@pytest.mark.parametrize("share", [1.2, 2.5])
def test_a_constant_delay_has_the_multipliers_of_its_roots(matrices, delay, share):
    period = share * delay
    mesh = Mesh(np.linspace(0, period, 17))
    found = floquet(matrices, mesh, np.full(len(mesh.points), delay))
    assert found.growth / period == pytest.approx(matrices.abscissa(delay), abs=1e-8)


@pytest.mark.parametrize("swing", [0.0, 0.3, 0.6])
def test_a_delay_made_for_a_known_solution_has_its_multiplier(swing):
    """x = exp(r t + swing sin(w t)/w) satisfies x' = x(t - tau(t)) for the tau that this equation defines.

    With constant coefficients this is the identity x' = r e^(r tau) x(t - tau), x = e^(r t), with the variation moved
    into the delay. x is positive and so is the coefficient: the multiplier of x, e^(r T), is the largest.
    """
    rate, w, period = 0.3, 2 * math.pi / 4.0, 4.0

    def log(t):
        return rate * t + swing * rate * math.sin(w * t) / w

    def delay(t):
        slope = rate * (1 + swing * math.cos(w * t))
        return brentq(lambda tau: math.log(slope) + log(t) - log(t - tau), -1e-9, 1e3)

    mesh = Mesh(np.linspace(0, period * 4, 65))
    taus = np.array([delay(t % period) for t in mesh.points])
    assert taus.max() < mesh.period - 1
    matrices = Matrices(np.zeros((1, 1)), np.eye(1))
    assert floquet(matrices, mesh, taus).growth == pytest.approx(rate * mesh.period, rel=1e-6)


def test_the_gain_is_the_derivative_of_the_growth():
    mesh = Mesh(np.linspace(0, 2.5, 11))
    delay = 0.5 + 0.45 * np.sin(2 * math.pi * mesh.points / 2.5)
    gain = floquet(KIM, mesh, delay).gain
    for k in (0, 7, 21, 39):
        step = np.zeros_like(delay)
        step[k] = 1e-5
        ends = [floquet(KIM, mesh, delay + s * step).growth for s in (1, -1)]
        assert gain[k] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-9)


def test_a_scale_is_a_unit_of_time():
    mesh, longer = Mesh(np.linspace(0, 2, 9)), Mesh(np.linspace(0, 6, 9))
    delay = 0.4 + 0.3 * np.cos(math.pi * mesh.points)
    assert floquet(KIM.scaled(3.0), mesh, delay).growth == pytest.approx(
        floquet(KIM, longer, 3 * delay).growth, rel=1e-9
    )
