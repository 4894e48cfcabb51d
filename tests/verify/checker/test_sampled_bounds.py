"""Kind "sampled": its bounds at the places where they are sharp, and the rules for its breaks."""

from __future__ import annotations

from fractions import Fraction
from math import exp

import numpy as np
import pytest

from certdde.verify.checker import check_file, sampled_forms
from certdde.verify.checker.sampled_forms import Map, contracts

from . import sampled_maker as maker
from .test_reject import refused

ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)
TINY = Fraction(1, 10**12)


def one(value: Fraction | int) -> list[list[Fraction]]:
    return [[Fraction(value)]]


def test_norm_is_the_largest_row_sum():
    """Not the largest column sum (4), nor the largest entry (3)."""
    assert sampled_forms.norm([[Fraction(2), Fraction(-3)], [ZERO, ONE]]) == 5


@pytest.mark.parametrize(("a", "w"), [(4, HALF), (HALF, Fraction(2)), (3, Fraction(1, 4))])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_rest_of_a_series_of_positive_terms(a, w, count):
    """For a number A > 0 nothing cancels, and (e^(aw) - 1) / a minus the terms is all of the rest."""
    terms, tail = sampled_forms.series(one(a), w, count)
    rest = (exp(a * w) - 1) / a - sum(float(term[0][0]) for term in terms)
    assert 1 < float(tail) / rest < 2


def test_an_error_at_a_break_grows_like_the_exponential(monkeypatch):
    """With A m + B = 0 only the error moves: M(w) - m = e^w E, with one term of the series or with many."""
    error, start = Fraction(1, 8), Map(one(1), Fraction(1, 8))
    for terms in (1, 24):
        monkeypatch.setattr(sampled_forms, "LONG", terms)
        monkeypatch.setattr(sampled_forms, "SHORT", terms)
        moved = exp(1) * float(error) * (1 - 1e-12)
        after = sampled_forms.after(one(1), one(-1), start, ONE)
        assert after.m == one(1)
        assert moved <= float(after.error) < 1.2 * moved
        matrices, radius = sampled_forms.controls(one(1), one(-1), start, ONE, first=False)
        assert matrices == [one(1)] * (terms + 1)
        assert moved <= float(radius) < 1.2 * moved


@pytest.mark.parametrize("first", [False, True])
def test_rest_counts_for_the_slope(monkeypatch, first):
    """A = 1, B = 4, M(0) = 1: M(w) = 1 + 5 (e^w - 1), and one term of the series leaves out 5 (e^w - 1 - w)."""
    monkeypatch.setattr(sampled_forms, "LONG", 1)
    monkeypatch.setattr(sampled_forms, "SHORT", 1)
    start, left = Map(one(1), ZERO), 5 * (exp(1) - 2)
    after = sampled_forms.after(one(1), one(4), start, ONE)
    assert after.m == one(6)
    assert left <= float(after.error) < 1.2 * left
    matrices, radius = sampled_forms.controls(one(1), one(4), start, ONE, first=first)
    assert max(x[0][0] for x in matrices) == 6
    assert left <= float(radius) < 1.2 * left


def test_rounding_counts(monkeypatch):
    """With one bit after the point 1/3 becomes 1/2."""
    monkeypatch.setattr(sampled_forms, "BITS", 1)
    after = sampled_forms.after(one(0), one(0), Map(one(Fraction(1, 3)), ZERO), ONE)
    assert after.m == one(HALF)
    assert after.error >= Fraction(1, 6)


@pytest.mark.parametrize("x", [HALF, -HALF, Fraction(3, 4), ZERO])
def test_slack_of_a_number_is_exact(x):
    """(|x| + r)^2 < 1 exactly."""
    assert contracts(one(1), one(x), 1 - abs(x) - TINY)
    assert not contracts(one(1), one(x), 1 - abs(x))


@pytest.mark.parametrize("n", [2, 3])
def test_slack_grows_with_the_dimension(n):
    """R with all entries r has the norm n r: with P = I and X = 0 it is exact where n r = 1 for n = 1, 2."""
    zero = [[ZERO] * n for _ in range(n)]
    assert not contracts(sampled_forms.identity(n), zero, Fraction(1, n))
    assert contracts(sampled_forms.identity(n), zero, Fraction(1, n) - Fraction(1, 1000))


def test_one_break_is_no_piece(tmp_path):
    """A range of one step, and that step as the only break: nothing would be shown."""
    for step in (2.5, 1.0):
        draft = maker.draft(maker.SCALAR, (step, step), np.eye(1), np.array([step]))
        assert refused(draft.save(tmp_path / "a")).where == "sampled.breaks"


@pytest.mark.parametrize(
    ("breaks", "where"),
    [
        ([0.5, 1.5, 1.0, 1.95], "sampled.breaks"),
        ([0.5, 1.0, 1.0, 1.95], "sampled.breaks"),
        ([1.95, 0.5], "sampled.breaks"),
        ([-0.25, 0.5, 1.95], "delay.range"),
        ([0.5000000000000001, 1.95], "delay.range"),
        ([0.5, 1.9], "delay.range"),  # the binary64 next to 1.9 is less than the decimal
        ([], "sampled.breaks"),
    ],
)
def test_breaks_that_do_not_cover_in_order(tmp_path, breaks, where):
    draft = maker.draft(maker.SCALAR, (0.5, 1.9), np.eye(1), np.array(breaks, dtype=np.float64))
    assert refused(draft.save(tmp_path / "a")).where == where
    good = draft.changed({"breaks": np.array([0.5, 1.0, 1.95])})
    assert check_file(good.save(tmp_path / "b")).valid


@pytest.mark.parametrize(("step", "valid"), [(1.0, True), (1.99, True), (2.0, False), (2.5, False)])
def test_a_range_of_one_step(tmp_path, step, valid):
    draft = maker.draft(maker.SCALAR, (step, step), np.eye(1), 1)
    assert check_file(draft.save(tmp_path / "a")).valid == valid


def test_steps_that_begin_late(tmp_path):
    """M at the first break is reached in ceil(||A|| t_0) steps: not in more than 4,096."""
    assert sampled_forms.MOST_PIECES == 4096
    draft = maker.draft(["x' = -20*x - x(t - tau)"], (300.0, 300.0), np.eye(1), 1)
    assert "begin too late" in refused(draft.save(tmp_path / "a")).reason


@pytest.mark.parametrize(
    "growth", ["y' = 0", "y' = 1e-300*y", "y' = y - y(t - tau)", "y' = -2*y(t - tau)"]
)
def test_every_state_counts(tmp_path, growth):
    """A second state that does not decay is not hidden by a small weight in P."""
    for weight in (1.0, 1e-300, 5e-324):
        draft = maker.draft([*maker.SCALAR, growth], (0.5, 1.0), np.diag([1.0, weight]), 4)
        assert "V does not decrease" in refused(draft.save(tmp_path / "a")).reason
