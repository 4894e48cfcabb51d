"""Learnt delays begin where they are told to, and never leave their bounds."""

import math

import pytest
import torch

from certdde.errors import ProblemError
from certdde.models.learned_delays import LearnedDelays


@pytest.mark.parametrize("upper", [2.0, math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_delays_begin_at_their_values(upper, dtype):
    delays = LearnedDelays([0.3, 1.7], 0.01, upper, dtype=dtype)
    tolerance = 1e-6 if dtype == torch.float32 else 1e-14
    assert delays.values() == pytest.approx((0.3, 1.7), rel=tolerance)
    delays().sum().backward()
    assert bool((delays.raw.grad > 0).all())


@pytest.mark.parametrize("upper", [2.0, math.inf])
def test_delays_stay_within_bounds_wherever_the_parameter_is(upper):
    delays = LearnedDelays([1.0] * 5, 0.01, upper)
    with torch.no_grad():
        delays.raw.copy_(torch.tensor([-1e30, -200.0, 0.0, 50.0, 1e30]))
    value = delays().detach().double()
    assert bool((value >= 0.01 * (1 - 1e-6)).all())
    assert bool((value <= upper * (1 + 1e-6)).all())


def test_a_fixed_delay_is_exact_and_no_parameter():
    delays = LearnedDelays([0.1, 0.0], learnable=False, dtype=torch.float64)
    assert delays.values() == (0.1, 0.0)
    assert list(delays.parameters()) == []
    assert "raw" in delays.state_dict()


def test_no_delay_is_possible():
    assert len(LearnedDelays([])) == 0


def test_what_is_outside_is_refused():
    with pytest.raises(ProblemError, match="bounds"):
        LearnedDelays([1.0], 2.0, 1.0)
    with pytest.raises(ProblemError, match="bounds"):
        LearnedDelays([1.0], 0.0, 1.0)
    for value in (0.5, 2.0, math.nan):
        with pytest.raises(ProblemError, match="to begin with"):
            LearnedDelays([value], 0.5, 2.0)
    with pytest.raises(ProblemError, match="to begin with"):
        LearnedDelays([-0.1], learnable=False)
