"""Chord slopes (phi(z) - phi(z_0)) / (z - z_0), to 40 digits, are enclosed: z_0 in an interval, in frames."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ival import Interval

from certdde.verify.checker import slopes
from certdde.verify.checker.functions import find
from certdde.verify.checker.slopes import Slope
from certdde.verify.checker.tree import Node, evaluate

from .test_arithmetic import SMOOTH, boxes, contains, trees, true_value

ENDS = {name: (phi, find(name, 0), ends) for name, (phi, ends) in SMOOTH.items()}
RIGHT, LEFT = (0.05, 4.0), (-4.0, -0.05)
POWERS = {
    f"{k} on {ends}": (lambda z, k=k: z**k, find("pow", k), ends)
    for k in (-3, -2, -1, 1, 2, 3, 4, 5)
    for ends in ((RIGHT, LEFT) if k < 0 else ((-3.0, 3.0),))
}
NAMES = {name: (name, 0) for name in SMOOTH} | {key: ("pow", int(key.split()[0])) for key in POWERS}
KNOWN = ENDS | POWERS
AWAY = ["left", "right", "touching", "at the ends", "around", "point", "narrow"]
SHIFT = 1e-9


def quantity(zero: tuple[float, float], box: tuple[float, float]) -> Slope:
    """A quantity with h(0) and its range in intervals, and slope 1 on one variable."""
    whole = min(zero[0], box[0]), max(zero[1], box[1])
    low, high, hull = (Interval(np.array([[a]]), np.array([[b]])) for a, b in (zero, box, whole))
    return Slope(low, high, hull, (Interval(np.ones((1, 1))),), (None,))


def placed(how: str, ends: tuple[float, float], wide: bool, rng: Any) -> tuple[Any, Any]:
    """An interval for z_0 and a box for z inside the ends."""
    a, b, c, d = np.sort(rng.uniform(*ends, 4)).tolist()
    if how == "touching":
        return (a, b if wide else a), (b if wide else a, d)
    if how == "at the ends":
        return (ends[0], a if wide else ends[0]), (d, ends[1])
    if how == "around":
        return (b, c if wide else b), (a, d)
    if how == "point":
        return (a, b if wide else a), (d, d)
    if how == "narrow":
        return (a, a + SHIFT if wide else a), (a + 2 * SHIFT, a + 4 * SHIFT)
    near, far = (a, b), (c, d)
    near = near if wide else (b, b)
    return (near, far) if how == "right" else (far if wide else (c, c), (a, b))


def chord(phi: Any, z: mpmath.mpf, start: mpmath.mpf) -> mpmath.mpf:
    return mpmath.diff(phi, z) if z == start else (phi(z) - phi(start)) / (z - start)


@pytest.mark.parametrize("how", AWAY)
@pytest.mark.parametrize("name", KNOWN)
def test_chords_lie_in_the_enclosure(name, how):
    phi, function, ends = KNOWN[name]
    rng = np.random.default_rng(len(name) + 7 * len(how))
    for k in range(24):
        zero, box = placed(how, ends, k % 2 == 1, rng)
        start = quantity(zero, box)
        found = start.apply(*NAMES[name])
        bend = function.second(start.hull) * 0.5
        middle = start.to_middle(function, bend)
        with mpmath.workdps(60):
            for s, t in [(0, 0), (0, 1), (1, 0), (1, 1), *rng.random((4, 2)).tolist()]:
                z0, z = (
                    mpmath.mpf(e[0]) * (1 - u) + mpmath.mpf(e[1]) * u
                    for e, u in ((zero, s), (box, t))
                )
                if z == z0 and name not in POWERS:
                    continue
                value = chord(phi, z, z0)
                assert contains(found.cols[0], value), (name, zero, box, z0, z)
                assert contains(middle, value), (name, zero, box, z0, z)
                assert contains(found.box, phi(z))


@pytest.mark.parametrize("name", ["sin", "tanh", "exp", "atan", "sigmoid", "softplus", "log"])
def test_the_middle_sees_more_than_the_mean_value_theorem(name):
    """Over a short box far from z_0, the enclosure is about as wide as the range of chord slopes."""
    phi, function, (_, end) = KNOWN[name]
    zero = (0.4 * end, 0.4 * end)
    found = quantity(zero, (0.79 * end, 0.81 * end)).apply(name).cols[0]
    values = [float(chord(phi, t, zero[0])) for t in np.linspace(0.79 * end, 0.81 * end, 9)]
    second = function.second(Interval(zero[0], 0.81 * end))
    bend = max(abs(float(second.lo)), abs(float(second.hi)))
    width = float(found.hi.item() - found.lo.item())
    assert max(values) - min(values) <= width <= 0.51 * bend * 0.02 * end


@pytest.mark.parametrize(
    ("name", "zero", "box"),
    [
        ("log", (-0.1, 0.2), (0.5, 1.0)),
        ("log", (0.5, 1.0), (0.0, 0.1)),
        ("sqrt", (0.0, 0.0), (0.5, 1.0)),
        ("sqrt", (1.0, 1.0), (-1e-300, 0.5)),
        ("tan", (0.0, 0.1), (1.6, 2.0)),
        ("tan", (-1.0, 0.0), (1.0, 1.8)),
        ("exp", (0.0, 0.0), (1.0, np.inf)),
        ("sin", (-np.inf, 0.0), (1.0, 2.0)),
        ("exp", (0.0, 0.0), (np.nan, np.nan)),
        ("exp", (np.nan, np.nan), (1.0, 2.0)),
    ],
)
def test_nothing_is_enclosed_where_a_function_is_not_smooth(name, zero, box):
    with np.errstate(all="ignore"):
        found = quantity(zero, box).apply(name).cols[0]
    assert np.isnan(found.lo).all() or not np.isfinite([found.lo, found.hi]).all()


@pytest.mark.parametrize("ends", [(0.5, 1.5), (-2.0, -0.25), (-1.0, 3.0), (1.0, 1.0)])
@pytest.mark.parametrize("name", ["pow", "sin", "exp", "tanh", "atan"])
def test_two_points_of_one_interval(name, ends):
    """The uniqueness of an equilibrium takes one interval for both ends of the chord."""
    phi = {"pow": lambda z: z**3, **{k: v for k, (v, _) in SMOOTH.items()}}[name]
    x = Interval(np.array([[ends[0]]]), np.array([[ends[1]]]))
    found = Slope(x, x, x, (Interval(np.ones((1, 1))),), (x - x,)).apply(name, 3)
    rng = np.random.default_rng(3)
    pairs = [ends, ends[::-1], (ends[0],) * 2, (ends[1],) * 2, *rng.uniform(*ends, (40, 2))]
    for a, b in pairs:
        with mpmath.workdps(50):
            assert contains(found.cols[0], chord(phi, mpmath.mpf(float(a)), mpmath.mpf(float(b))))


def test_a_constant_in_an_interval_is_the_same_at_both_ends():
    """h = phi(p + a x) with p, a in intervals: (h(x) - h(0)) / x for the same p and a."""
    lo, hi = np.array([[0.25, -0.9, -0.5, 0.0]]), np.array([[1.0, -0.75, 0.5, 0.125]])
    rng = np.random.default_rng(5)
    x, p, a = (Node("var", value=i) for i in range(3))
    spans = [(0.5, 0.75), (0.25, 0.5)]
    for name, (phi, _) in SMOOTH.items():
        [row] = slopes.variables(lo, hi)
        at = [row, *(slopes.constant(Interval(*s) + row.zero, row.where) for s in spans)]
        inside = Node(name, (Node("+", (p, Node("*", (a, x)))),))
        h = evaluate(inside, at.__getitem__, at[0].like)
        for _ in range(25):
            values = [rng.choice([*s, rng.uniform(*s)]) for s in spans]
            for k in range(4):
                t = rng.choice([lo[0, k], hi[0, k], rng.uniform(lo[0, k], hi[0, k])])
                with mpmath.workdps(50):
                    q, b, z = (mpmath.mpf(float(v)) for v in (*values, t))
                    value = chord(lambda s, phi=phi, q=q, b=b: phi(q + b * s), z, mpmath.mpf(0))
                assert contains(h.cols[0], value, k), (name, values, t)


@given(trees(), st.integers(0, 10**6))
@settings(max_examples=80, deadline=None)
def test_slopes_of_trees_in_a_frame_contain_samples(tree, seed):
    """h(xi) - h(0) lies in S eta for xi = T eta, whatever regular T."""
    lo, hi = boxes(seed)
    rng = np.random.default_rng(seed)
    frame = np.round(rng.normal(size=(2, 2)) * 64) / 64
    frame[0, 0] *= seed % 3 > 0
    det = frame[0, 0] * frame[1, 1] - frame[0, 1] * frame[1, 0]
    assume(abs(det) > 0.05)
    xi = slopes.variables(lo, hi, frame)
    h = evaluate(
        tree,
        xi.__getitem__,
        lambda c: slopes.constant(Interval(c) + Interval(np.zeros((1, 4))), xi[0].where),
    )
    cols = [Interval(np.zeros((1, 4))) if c is None else c for c in h.cols]
    for k in range(4):
        if not all(np.isfinite([c.lo[0, k], c.hi[0, k]]).all() for c in cols):
            continue
        for u in (np.zeros(2), np.ones(2), *rng.random((3, 2))):
            x, y = np.clip(lo[:, k] + (hi[:, k] - lo[:, k]) * u, lo[:, k], hi[:, k]).tolist()
            with mpmath.workdps(60):
                t = [[mpmath.mpf(v) for v in row] for row in frame.tolist()]
                d = t[0][0] * t[1][1] - t[0][1] * t[1][0]
                eta = (t[1][1] * x - t[0][1] * y) / d, (t[0][0] * y - t[1][0] * x) / d
                try:
                    rise = true_value(tree, x, y) - true_value(tree, 0.0, 0.0)
                except (ZeroDivisionError, ValueError, OverflowError):
                    continue
                reach = [mpmath.mpf(0), mpmath.mpf(0)]
                for col, e in zip(cols, eta, strict=True):
                    ends = [mpmath.mpf(float(v)) * e for v in (col.lo[0, k], col.hi[0, k])]
                    reach = [reach[0] + min(ends), reach[1] + max(ends)]
                slack = mpmath.mpf(10) ** -30 * (1 + abs(rise) + abs(reach[0]) + abs(reach[1]))
                assert reach[0] - slack <= rise <= reach[1] + slack


def test_the_chain_of_a_hand_made_tree():
    """sin(exp(x) - 1) on a short box: every slope of the chain is the chord slope."""
    [x] = slopes.variables(np.array([[0.75]]), np.array([[0.7501]]))
    minus = x.like(Interval(np.full((1, 1), -1.0)))
    h = (x.apply("exp") + minus).apply("sin")
    value = mpmath.sin(mpmath.expm1(0.75)) / mpmath.mpf("0.75")
    assert contains(h.cols[0], value)
    assert float(h.cols[0].hi.item() - h.cols[0].lo.item()) < 1e-3
