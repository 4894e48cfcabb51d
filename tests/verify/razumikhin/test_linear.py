"""Razumikhin functions of linear systems: closed forms, and what no multipliers may reach."""

from __future__ import annotations

import numpy as np
import pytest

from certdde.verify.razumikhin.average import MULTIPLIERS, Unknowns, conditions
from certdde.verify.razumikhin.linear import averaged, independent

Q = 1 + 2.0**-20
ONE = np.eye(1)
KR = (np.diag([-2, -0.9]), np.array([[-1.0, 0], [-1, -1]]))


@pytest.mark.parametrize(
    ("a", "b", "found"), [(2, 1.99, True), (2, -1.99, True), (1, 1.001, False), (-1, 0.5, False)]
)
def test_the_scalar_equation(a, b, found):
    """x' = -a x + b x(t - tau) is stable for every delay if and only if |b| < a (and at b = -a)."""
    assert (independent(-a * ONE, b * ONE, Q) is not None) == found


def test_a_positive_system():
    """Comparison: x' = -A x + |B| x(t - tau) is stable for every delay if A - |B| is an M-matrix."""
    decay, coupling = np.diag([-2.0, -1.5]), np.array([[0, 0.8], [1.2, 0]])
    assert independent(decay, coupling, Q) is not None
    assert independent(decay, 2.2 * coupling, Q) is None


def test_delays_in_the_scalar_equation():
    """x' = -x(t - tau): the differences from the past give more than the classical bound 1, at most (1 + sqrt 7)/3."""
    assert averaged(0 * ONE, -1.2 * ONE, Q) is not None
    assert averaged(0 * ONE, -1.2153 * ONE, Q) is None


@pytest.mark.parametrize("h", [1.5, 1.6, 3.0])
def test_no_multipliers_where_there_is_no_stability(h):
    assert averaged(0 * ONE, -h * ONE, Q) is None
    assert averaged(h * ONE, 0 * ONE, Q) is None


def test_a_planar_benchmark():
    found = averaged(1.4 * KR[0], 1.4 * KR[1], Q)
    assert found is not None
    matrices = conditions(1.4 * KR[0], 1.4 * KR[1], Q, found.at, found.multipliers)
    assert max(np.linalg.eigvalsh(m)[-1] for m in matrices) < 0
    assert (found.multipliers > 0).all()


def test_the_conditions_are_linear_in_each_argument():
    rng, n = np.random.default_rng(0), 2
    units = Unknowns.units(n)
    weights = rng.random((2, MULTIPLIERS))
    x = rng.normal(size=(2, len(units.P)))
    for k in range(3):
        basis = conditions(*KR, Q, units, weights[0])[k]
        direct = conditions(*KR, Q, units.combined(x[0]), weights[0])[k]
        assert np.allclose(np.tensordot(x[0], basis, 1), direct)
        batch = conditions(*KR, Q, units.combined(x[1]), weights)[k]
        assert np.allclose(batch[1], conditions(*KR, Q, units.combined(x[1]), weights[1])[k])
