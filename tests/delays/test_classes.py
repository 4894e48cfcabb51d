"""Delay classes."""

from fractions import Fraction
from math import inf, nan

import pytest

from certdde.delays.classes import Constant, Measurable, Resampled, Sampled, Slow
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


def test_a_delay_that_is_drawn():
    found = Resampled("tau", 1, 3)
    assert (found.kind, found.values, found.weights) == ("resampled", (1, 2, 3), (1.0, 1.0, 1.0))
    assert found.uniform
    assert Resampled("tau", 0, 1, (0.1, 0.3)).probabilities == (Fraction(1, 4), Fraction(3, 4))


def test_words_have_the_probabilities_of_the_law():
    delay = Resampled("tau", 0, 3, (1, 2, 0, 5))
    [word] = delay.words(40_000, 1, seed=3)
    shares = [word.count(d) / len(word) for d in delay.values]
    for share, p in zip(shares, delay.probabilities, strict=True):
        assert abs(share - float(p)) < 4 * (0.25 / len(word)) ** 0.5
    assert word == delay.words(40_000, 1, seed=3)[0]


@pytest.mark.parametrize(
    ("ends", "weights", "said"),
    [
        ((0, 2), (1, 1), "2 weights for 3 delays; 3 weights"),
        ((0, 2), (1, 1, -1), "the weight -1 is no weight"),
        ((0, 2), (1, 1, nan), "the weight nan is no weight"),
        ((0, 2), (1, 1, inf), "the weight inf is no weight"),
        ((0, 2), (0, 0, 0), "all weights are 0"),
        ((0, 2.5), (), "not in whole steps"),
        ((0.5, 2), (), "not in whole steps"),
        ((0, 401), (), "beyond 400 steps"),
        ((0, 1e300), (), "beyond 400 steps"),
        ((2, 1), (), "reversed"),
        ((0, 0), (), "no positive delay"),
        ((0, inf), (), "not finite"),
    ],
)
def test_what_cannot_be_drawn(ends, weights, said):
    with pytest.raises(ProblemError) as caught:
        Resampled("lag", *ends, weights)
    assert said in str(caught.value)


def test_sample_and_hold_is_among_measurable_delays():
    found = Sampled("lag", 0.5, 1.5)
    assert (found.kind, found.enlarged()) == ("sampled", Measurable("lag", 0.0, 1.5))


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (1.0, 0.5, "reversed"),
        (-0.1, 1.0, "negative"),
        (0.0, 0.0, "no positive"),
        (0.0, inf, "finite"),
    ],
)
def test_what_is_no_range_of_steps(lower, upper, said):
    with pytest.raises(ProblemError) as caught:
        Sampled("lag", lower, upper)
    assert said in str(caught.value)
    assert caught.value.where == "delays.lag.range"
