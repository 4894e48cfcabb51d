"""Delay classes."""

from math import inf, nan

import pytest

from certdde.delays.classes import Constant
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
