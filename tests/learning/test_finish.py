"""The breaks of a proof hold the delays as the claim states them."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from certdde.learning.finish import covering_breaks


@given(st.floats(1e-6, 1e3))
@pytest.mark.parametrize("ratio", [1.1, 1.25])
def test_the_breaks_of_a_single_delay_hold_its_decimal(ratio, delay):
    breaks = covering_breaks(delay, delay, ratio)
    assert len(breaks) == 2
    assert Fraction(breaks[0]) <= Fraction(repr(delay)) <= Fraction(breaks[1])


@example(5e-324, 1.0)
@example(1e-13, 1.0)
@example(1e-11, 1.0)
@given(st.floats(0, 10), st.floats(1e-3, 10))
def test_breaks_hold_the_decimals_of_a_range(lower, width):
    upper = lower + width
    breaks = covering_breaks(lower, upper)
    assert Fraction(breaks[0]) <= Fraction(repr(lower))
    assert Fraction(repr(upper)) <= Fraction(breaks[-1])
    assert breaks == sorted(set(breaks))
    assert len(breaks) < 200
