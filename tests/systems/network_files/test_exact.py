"""Sums and products that are not rounded."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.systems.network_files.exact import exact_product, exact_sum

numbers = st.floats(-1e30, 1e30, allow_subnormal=True) | st.sampled_from([0.0, 1.0, -1.0, 0.5, 3.0])
singles = st.floats(-(2.0**99), 2.0**99, width=32)


@given(numbers, numbers)
@settings(max_examples=300)
def test_a_sum_is_exact_or_none(a, b):
    found = exact_sum(np.array([a]), np.array([b]))
    exact = Fraction(a) + Fraction(b)
    if found is None:
        assert Fraction(a + b) != exact
    else:
        assert Fraction(float(found[0])) == exact


@given(numbers | singles, numbers | singles)
@settings(max_examples=300)
def test_a_product_is_exact_or_none(a, b):
    found = exact_product(np.array([a]), np.array(b))
    if found is not None:
        assert Fraction(float(found[0])) == Fraction(a) * Fraction(b)


@given(singles, singles)
def test_products_of_float32_numbers_are_found(a, b):
    assert exact_product(np.array([a]), np.array(b)) is not None


def test_one_rounded_entry_is_enough_to_refuse():
    assert exact_sum(np.array([1.0, 1.0]), np.array([1.0, 1e-20])) is None
    assert exact_product(np.array([2.0, 0.1]), np.array(0.3)) is None
