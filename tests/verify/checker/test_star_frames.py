"""The star test in frames: what it proves is definite, for good frames and bad ones."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from ival import Interval

from certdde.verify.checker import leaves, rounding
from certdde.verify.checker.leaves import Star

from . import maker

RNG = np.random.default_rng(11)


class Linear:
    """Features v = S xi with S in intervals: slopes S T in a frame, as those of `Features`."""

    def __init__(self, matrix: np.ndarray, spread: float = 0.0) -> None:
        self.matrix, self.spread = matrix, spread  # (F, d)

    def slopes(self, lo, hi, frame=None) -> Interval:
        t = np.eye(self.matrix.shape[1]) if frame is None else frame
        columns = (self.matrix @ t).T[:, :, None] * np.ones((1, 1, lo.shape[1]))
        reach = self.spread * np.abs(t).sum(axis=0)[:, None, None] + 1e-14
        return Interval(columns - reach, columns + reach)


def quadratic(matrix: np.ndarray) -> rounding.Quadratic:
    exact = [[Fraction(v) for v in row] for row in ((matrix + matrix.T) / 2).tolist()]
    return rounding.enclose([exact], len(matrix))


def test_indefinite_forms_are_refused_in_random_frames():
    box = np.zeros((3, 1)), np.ones((3, 1))
    for k in range(300):
        root, _ = np.linalg.qr(RNG.normal(size=(3, 3)))
        form = root @ np.diag([-1.0, -1.0, 10.0 ** -(k % 12)]) @ root.T
        frame = RNG.normal(size=(3, 3)) * 10.0 ** RNG.integers(-3, 4)
        assert not Star(Linear(np.eye(3)), quadratic(form), frame)(*box).any()


BAD = {
    "zero": np.zeros((2, 2)),
    "one direction": np.array([[1.0, 2.0], [2.0, 4.0]]),
    "one axis": np.diag([1.0, 0.0]),
    "infinite": np.array([[np.inf, 0.0], [0.0, 1.0]]),
    "nothing": np.full((2, 2), np.nan),
    "one nothing": np.array([[1.0, 0.0], [np.nan, 1.0]]),
    "too large": np.eye(2) * 1e200,
    "too small": np.eye(2) * 1e-200,
}


@pytest.mark.parametrize("frame", BAD.values(), ids=BAD)
def test_a_bad_frame_proves_nothing(frame):
    """A frame that is not regular shows nothing, for any form: not even a definite one, until it is left out."""
    document = maker.read_document(PENDULUM)
    piece, found, _ = maker.read(PENDULUM, 0)
    features, q, box = maker.problem(piece, found, document.order)
    size = len(box)
    wide = np.kron(frame, np.eye(size))[:size, :size] if size != 2 else frame
    if size == 1:
        wide = frame[1:, 1:] if np.isfinite(frame[1, 1]) and frame[1, 1] not in (1.0, 4.0) else None
    lo, hi = np.full((size, 1), -0.25), np.full((size, 1), 0.5)
    if wide is not None:
        with np.errstate(all="ignore"):
            assert not Star(features, q, wide)._definite(lo, hi, wide).any()
    with np.errstate(all="ignore"):
        positive = replace(q, centre=-q.centre)
        assert not Star(features, positive, wide)(lo, hi).any()


PENDULUM = maker.pendulum()
PLANAR = maker.hutchinson()


@pytest.mark.parametrize("frame", BAD.values(), ids=BAD)
def test_a_bad_frame_of_two_axes(frame):
    piece, found, order = maker.read(PLANAR, 0)
    features, q, box = maker.problem(piece, found, order)
    assert len(box) == 2
    lo, hi = np.full((2, 1), -0.01), np.full((2, 1), 0.01)
    with np.errstate(all="ignore"):
        star = Star(features, q, frame)
        assert not star._definite(lo, hi, frame).any()
        assert star._definite(lo, hi, None).all()
        assert star(lo, hi).all()


def test_each_box_is_proved_on_its_own():
    """Boxes that the frame does not do are put to the test without it, and keep their places."""
    piece, found, order = maker.read(PLANAR, 0)
    features, q, box = maker.problem(piece, found, order)
    ends = np.array([[float(e) for e in side] for side in box])
    lo = RNG.uniform(4 * ends[:, :1], 4 * ends[:, 1:], (2, 400))
    hi = lo + RNG.uniform(0, 0.4, (2, 400))
    frame = features.frame(q)
    assert frame is not None
    star = Star(features, q, frame)
    framed, plain = star._definite(lo, hi, frame), star._definite(lo, hi, None)
    assert framed.any()
    assert (framed & ~plain).any()
    assert (plain & ~framed).any()
    np.testing.assert_array_equal(star(lo, hi), framed | plain)


def test_forms_are_negative_where_the_star_test_holds():
    piece, found, order = maker.read(PLANAR, 0)
    features, q, box = maker.problem(piece, found, order)
    star = leaves.tests(features, q)[leaves.STAR]
    ends = np.array([[float(e) for e in side] for side in box])
    lo = RNG.uniform(4 * ends[:, :1], 4 * ends[:, 1:], (2, 600))
    hi = lo + RNG.uniform(0, 0.3, (2, 600))
    proved = star(lo, hi)
    assert proved.any()
    assert not proved.all()
    for u in RNG.random((40, 2, 1)):
        x = np.clip(lo + (hi - lo) * u, lo, hi)
        values = rounding.upper(q, features.affine(x, x))
        size = (x**2).sum(axis=0)
        assert (values[:, proved & (size > 1e-6)] < 0).all()


def test_the_frame_makes_the_form_at_the_equilibrium_about_minus_one():
    for draft in (PLANAR, PENDULUM):
        piece, found, order = maker.read(draft, 0)
        features, q, _ = maker.problem(piece, found, order)
        frame, at = features.frame(q), np.zeros((features.size, 1))
        assert frame is not None
        s = features.slopes(at, at, frame).mid[:, :, 0]
        middle = s @ q.centre.mean(axis=0) @ s.T
        np.testing.assert_allclose(middle, -np.eye(len(s)), atol=1e-8)
        turned = replace(q, centre=-q.centre)
        assert features.frame(turned) is None
        assert features.frame(replace(q, centre=q.centre * np.nan)) is None
        assert features.frame(replace(q, centre=q.centre * 0.0)) is None


def test_the_frame_sees_what_a_badly_scaled_form_hides():
    """A form that is nearly flat in one direction, with slopes in intervals."""
    root = np.linalg.qr(RNG.normal(size=(2, 2)))[0]
    form = root @ np.diag([-1.0, -(2.0**-30)]) @ root.T
    frame = root @ np.diag([1.0, 2.0**15])
    box = np.zeros((2, 1)), np.ones((2, 1))
    assert Star(Linear(np.eye(2)), quadratic(form), frame)(*box).all()
    assert not Star(Linear(np.eye(2), 1e-4), quadratic(form), frame)(*box).any()


def test_a_frame_with_an_unused_axis():
    slope = SimpleNamespace(slopes=Linear(np.array([[1.0, 0.0], [1.0, 0.0]])).slopes)
    box = np.zeros((2, 1)), np.ones((2, 1))
    for frame in (None, np.eye(2), RNG.normal(size=(2, 2))):
        assert not Star(slope, quadratic(-np.eye(2)), frame)(*box).any()
