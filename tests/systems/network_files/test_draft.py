"""Leaky relu and clip in terms of relu, without rounding."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.errors import ProblemError
from certdde.systems.network_files.draft import Draft

rationals = st.fractions(-100, 100, max_denominator=10**6)
decimals = st.floats(-10, 10).map(lambda x: round(x, 4) + 0.0)


def drafted(inputs=1):
    return Draft(inputs, "here")


@given(rationals, st.floats(-2, 2) | st.sampled_from([0.01, 1e-9, 1 / 3, 0.0, 1.0]))
@settings(max_examples=200)
def test_leaky_relu_is_exact(value, slope):
    draft = drafted()
    network = draft.network(draft.leaky(0, slope))
    assert network.exact([value]) == [value if value >= 0 else Fraction(slope) * value]


@given(rationals, decimals, decimals, st.sampled_from(["both", "lower", "upper"]))
@settings(max_examples=200)
def test_clip_is_exact(value, first, second, which):
    lower, upper = sorted((first, second))
    draft = drafted()
    low = None if which == "upper" else lower
    high = None if which == "lower" else upper
    network = draft.network(draft.clipped(0, low, high))
    expected = value
    if low is not None:
        expected = max(expected, Fraction(low))
    if high is not None:
        expected = min(expected, Fraction(high))
    assert network.exact([value]) == [expected]


@given(st.lists(st.floats(-9, 9), min_size=2, max_size=2), decimals, decimals, rationals, rationals)
@settings(max_examples=200)
def test_clip_behind_a_layer_is_exact_although_biases_are_merged(row, bias, bound, v, w):
    draft = drafted(2)
    layer = draft.affine(0, np.array([row]), np.array([bias]))
    network = draft.network(draft.clipped(layer, -abs(bound), abs(bound)))
    there = Fraction(row[0]) * v + Fraction(row[1]) * w + Fraction(bias)
    limit = abs(Fraction(bound))
    assert network.exact([v, w]) == [min(max(there, -limit), limit)]


def test_the_secants_of_clip_and_leaky_relu_stay_in_their_range_term_by_term():
    """With relu slopes chosen freely in [0, 1], unit by unit, the slope stays between those of the function."""
    for build, bounds in (
        (lambda d: d.clipped(0, -2.0, 3.0), (0, 1)),
        (lambda d: d.leaky(0, 0.25), (0.25, 1)),
    ):
        draft = drafted()
        network = draft.network(build(draft))
        kinks = [k for k, s in enumerate(network.steps, 1) if s.operation == "relu"]
        found = [
            _slope(network, dict(zip(kinks, chosen, strict=True)))
            for chosen in itertools.product((0.0, 1.0), repeat=len(kinks))
        ]
        assert (min(found), max(found)) == bounds


def _slope(network, chosen):
    slopes = [1.0]
    for k, step in enumerate(network.steps, 1):
        taken = [slopes[i] for i in step.sources]
        if step.operation == "relu":
            slopes.append(chosen[k] * taken[0])
        elif step.operation == "sum":
            slopes.append(sum(taken))
        else:
            slopes.append(float(step.weight[0]) * taken[0])
    return slopes[-1]


def test_steps_that_nothing_needs_are_left_out_and_branches_are_kept():
    draft = drafted()
    first = draft.affine(0, np.array([[2.0]]))
    draft.activated(first, "tanh")
    second = draft.plus(first, 1.0)
    network = draft.network(draft.combined("product", first, second))
    assert [step.operation for step in network.steps] == ["affine", "affine", "product"]
    assert network.exact([Fraction(3)]) == [6 * 7]


def test_a_bias_that_would_be_rounded_is_a_step_of_its_own():
    draft = drafted()
    value = draft.affine(0, np.array([[1.0]]), np.array([1.0]))
    network = draft.network(draft.plus(value, 1e-20))
    assert len(network.steps) == 2
    assert network.exact([Fraction(0)]) == [1 + Fraction(1e-20)]


@pytest.mark.parametrize(
    ("build", "what"),
    [
        (lambda d: d.affine(0, np.ones((2, 3))), "a 2 x 3 weight for 1 inputs"),
        (lambda d: d.affine(0, np.ones((1025, 1))), "a layer of 1025 units"),
        (lambda d: d.affine(0, np.ones((2, 1)), np.ones(3)), "a bias of shape 3 for 2 units"),
        (lambda d: d.affine(0, np.array([[np.nan]])), "NaN, infinite or too large"),
        (lambda d: d.scaled(0, 1e31), "NaN, infinite or too large"),
        (lambda d: d.leaky(0, np.inf), "NaN, infinite or too large"),
        (lambda d: d.clipped(0, np.nan, 1.0), "NaN, infinite or too large"),
        (lambda d: d.clipped(0, 2.0, 1.0), "reversed"),
        (lambda d: d.activated(0, "softplus"), "'softplus' is no activation"),
        (lambda d: d.combined("sum", 0, d.affine(0, np.ones((2, 1)))), "1 and 2 components"),
        (lambda d: [d.activated(0, "tanh") for _ in range(300)], "more than 256 operations"),
    ],
)
def test_what_makes_no_network_is_refused(build, what):
    draft = drafted()
    with pytest.raises(ProblemError, match=what) as caught:
        build(draft)
    assert caught.value.where == "here"


def test_more_than_64_steps_are_refused():
    draft, value = drafted(), 0
    for _ in range(65):
        value = draft.activated(value, "tanh")
    with pytest.raises(ProblemError, match="65 operations; at most 64"):
        draft.network(value)


def test_more_weights_than_a_file_may_have_are_refused():
    draft = drafted(1024)
    value, weight = 0, np.zeros((1024, 1024))
    for _ in range(16):
        value = draft.affine(value, weight)
    with pytest.raises(ProblemError, match="too many weights"):
        draft.affine(value, weight)
