"""Discrete laws of scipy.stats as delays that are drawn at each step."""

from math import comb

import pytest

from certdde.delays.step_laws import drawn_from_law, weights_refusal
from certdde.errors import ProblemError


def test_binomial_probabilities():
    found = drawn_from_law("tau", "binom", {"n": 4.0, "p": 0.5})
    assert found.values == (0, 1, 2, 3, 4)
    for k, p in enumerate(found.probabilities):
        assert abs(float(p) - comb(4, k) / 16) < 1e-15
    assert sum(found.probabilities) == 1


def test_the_range_may_be_larger_than_the_support():
    found = drawn_from_law("tau", "randint", {"low": 1, "high": 3}, (0, 4))
    assert [p > 0 for p in found.probabilities] == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("law", "args", "ends", "said"),
    [
        ("poisson", {"mu": 2}, None, "no bounded support"),
        ("geom", {"p": 0.5}, (0, 3), "no bounded support"),
        ("expon", {}, None, "no discrete law"),
        ("nothing", {}, None, "no discrete law"),
        ("binom", {"n": 3, "p": 1.5}, None, "not defined for these arguments"),
        ("binom", {"n": 3}, None, "does not take these arguments"),
        ("binom", {"n": 3, "q": 0.5}, None, "does not take these arguments"),
        ("binom", {"n": 3, "p": 0.5}, (0, 2), "not all in [0, 2]"),
        ("binom", {"n": 3, "p": 0.5, "loc": -1}, None, "from -1 to 2"),
        ("binom", {"n": 3, "p": 0.5, "loc": 0.5}, None, "from 0.5 to 3.5"),
        ("binom", {"n": 1e6, "p": 0.5}, None, "from 0 to 1e+06"),
        ("dlaplace", {"a": 0.8}, None, "no bounded support"),
    ],
)
def test_what_is_no_law_of_a_delay(law, args, ends, said):
    with pytest.raises(ProblemError) as caught:
        drawn_from_law("tau", law, args, ends)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_does_not_go_together():
    assert weights_refusal("resampled", None, None, [1]) is None
    assert weights_refusal("resampled", "binom", {"n": 1.0}, None) is None
    assert weights_refusal("constant", None, None, [1])[2] == "weights"
    assert weights_refusal("resampled", "binom", None, [1])[2] == "weights"
    assert weights_refusal("resampled", None, {"n": 1.0}, None)[2] == "args"
