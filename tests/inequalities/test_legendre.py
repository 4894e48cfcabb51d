"""Moments, and the linear minorant of 1/tau."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from segments import Motion

from certdde.inequalities.legendre import delay_pieces, moment_rates, reciprocal_minorant
from certdde.systems import DelaySystem

PENDULUM = DelaySystem.from_equations(
    ["a' = b", "b' = sin(a) - 2*a(t - tau) - 1.5*b(t - tau)"],
    domain={"a": (-2.0, 2.0), "b": (-2.0, 2.0)},
)


@pytest.mark.parametrize("delay", [0.3, 2.0])
@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("t", [0.0, 0.31])
def test_rates_are_tau_times_the_derivatives_of_the_moments(delay, order, t):
    coefficients = 0.4 * np.random.default_rng(order).normal(size=(4, 2))
    moving, t = Motion(PENDULUM, delay, coefficients, until=0.5 * delay), t * delay
    moments = [torch.as_tensor(m) for m in moving.moments(t, order)]
    ends = (torch.as_tensor(moving.x(s)) for s in (t, t - delay))
    rates = moment_rates(*ends, moments)
    assert len(rates) == order + 1
    for k in range(order + 1):
        wanted = delay * moving.derivative(
            lambda s, k=k: moving.moments(s, k + 1)[k], t, 1e-2 * delay
        )
        np.testing.assert_allclose(rates[k].numpy(), wanted, rtol=1e-7, atol=1e-8)


def test_rates_by_hand():
    x, y, m = (torch.tensor([v], dtype=torch.float64) for v in (1.0, 3.0, 10.0))
    assert [float(g) for g in moment_rates(x, y, [m, 2 * m, 3 * m])] == [
        1 - 3,
        1 + 3 - 2 * 10,
        1 - 3 - 6 * 20,
        1 + 3 - 2 * 10 - 10 * 30,
    ]


increasing = st.lists(
    st.floats(1e-3, 50, allow_subnormal=False), min_size=2, max_size=7, unique=True
).map(sorted)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(breaks=increasing, from_zero=st.booleans())
def test_the_minorant_is_nowhere_above_the_reciprocal(breaks, from_zero):
    breaks = [0.0, *breaks] if from_zero else breaks
    kappas = reciprocal_minorant(breaks)
    assert len(kappas) == len(breaks)
    for (s, t), (a, b) in zip(pairwise(breaks), pairwise(kappas), strict=True):
        s, t, a, b = (Fraction(v) for v in (s, t, a, b))
        assert a >= 0
        assert b >= 0
        for j in range(41):
            tau = s + (t - s) * Fraction(j, 40)
            kappa = a + (b - a) * Fraction(j, 40)
            # Exact arithmetic but for kappa itself, a sum of two terms rounded to binary64; the checker
            # computes its own.
            assert kappa * tau <= 1 + Fraction(1, 2**50)


def test_the_minorant_touches_the_reciprocal_in_the_middle_of_each_piece():
    for s, t in ((0.5, 0.6), (1.0, 1.25), (3.0, 10.0)):
        a, b = reciprocal_minorant([s, t])
        assert (a + b) / 2 == pytest.approx(2 / (s + t), rel=1e-14)
    assert reciprocal_minorant([0.0, 2.0]) == [0.5, 0.5]
    assert reciprocal_minorant([2.0]) == [0.5]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    ends=st.tuples(st.floats(1e-4, 100), st.floats(1e-4, 100)).map(sorted),
    ratio=st.floats(1.05, 3),
    first=st.floats(0.05, 0.9),
    from_zero=st.booleans(),
)
def test_pieces_cover_the_range(ends, ratio, first, from_zero):
    lower, upper = (0.0, ends[1]) if from_zero else ends
    breaks = delay_pieces(lower, upper, ratio, first)
    assert breaks[0] == lower
    assert breaks[-1] == upper
    assert all(s < t for s, t in pairwise(breaks))
    assert all(t <= s * ratio * (1 + 1e-8) for s, t in pairwise(breaks) if s > 0)
