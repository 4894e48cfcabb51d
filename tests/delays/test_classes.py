"""Delay classes."""

from math import inf, nan

import pytest

from certdde.delays.classes import Constant, Slow
from certdde.errors import ProblemError


@pytest.mark.parametrize(("lower", "upper"), [(0.0, 1.0), (0.5, 0.5), (1e-9, 3.0)])
def test_ranges(lower, upper):
    found = Constant("tau", lower, upper)
    assert (found.lower, found.upper) == (lower, upper)


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (1.0, 0.5, "reversed; [0.5, 1.0]"),
        (-0.1, 1.0, "negative"),
        (0.0, 0.0, "no positive delay"),
        (-2.0, -1.0, "negative"),
        (0.0, inf, "not finite"),
        (nan, 1.0, "not finite"),
        (0.0, nan, "not finite"),
    ],
)
def test_what_is_no_range(lower, upper, said):
    with pytest.raises(ProblemError) as caught:
        Constant("lag", lower, upper)
    assert said in str(caught.value)
    assert caught.value.where == "delays.lag.range"


@pytest.mark.parametrize(("lower", "upper"), [(None, 0.0), (None, 0.99), (-3.0, 0.5), (0.0, 0.0)])
def test_rates(lower, upper):
    found = Slow("tau", 0.0, 1.0, lower, upper)
    assert (found.kind, found.rate_lower, found.rate_upper) == ("slow", lower, upper)


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (None, 1.0, "rate 1.0 reaches 1"),
        (-0.5, 1.5, "rate [-0.5, 1.5] reaches 1"),
        (None, -0.1, "excludes 0"),
        (0.1, 0.5, "excludes 0"),
        (-0.5, -0.1, "excludes 0"),
        (-inf, 0.5, "not finite"),
        (None, nan, "not finite"),
        (nan, 0.5, "not finite"),
    ],
)
def test_what_is_no_rate(lower, upper, said):
    with pytest.raises(ProblemError) as caught:
        Slow("lag", 0.0, 1.0, lower, upper)
    assert said in str(caught.value)
    assert caught.value.where == "delays.lag.rate"


def test_the_range_of_a_slow_delay():
    with pytest.raises(ProblemError, match="reversed"):
        Slow("lag", 2.0, 1.0, None, 0.5)
