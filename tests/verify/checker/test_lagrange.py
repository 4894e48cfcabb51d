"""Multipliers in the checker: nothing false is proved, and what the bound term by term misses is."""

import dataclasses

import numpy as np
import pytest
from flint import arb, arb_mat

from certdde.verify.checker import lagrange
from certdde.verify.checker.dissipation import rational
from certdde.verify.checker.rounding import Affine, enclose, upper
from certdde.verify.second_opinion.forms import Form
from certdde.verify.second_opinion.multipliers import negative


def drawn(seed, shift=0.0, d=3, f=5, count=300):
    """Random forms and matrices with a spread of signs of the maximum."""
    rng = np.random.default_rng(seed)
    m, lin = rng.uniform(-1, 1, (f, count)), rng.uniform(-1, 1, (d, f, count))
    r, rho = rng.uniform(0, 1, (d, count)), rng.uniform(0, 0.02, (f, count))
    half = rng.uniform(-1, 1, (2, f, f))
    h = half + half.transpose(0, 2, 1) - np.diag(np.linspace(shift, 8.0, f))
    return Affine(m, lin, r, rho), [rational(a) for a in h], h


def samples(v, h, seed, trials=200):
    """The largest value of v^T H v over sampled points, (B,)."""
    rng, worst = np.random.default_rng(seed), np.full(v.m.shape[1], -np.inf)
    for trial in range(trials):
        u, e = rng.uniform(-1, 1, v.r.shape), rng.uniform(-1, 1, v.rho.shape)
        if trial % 3 == 0:
            u, e = np.sign(u), np.sign(e)
        point = v.m + (v.lin * (v.r * u)[:, None]).sum(axis=0) + v.rho * e
        worst = np.maximum(worst, np.einsum("fb,kfg,gb->kb", point, h, point).max(axis=0))
    return worst


@pytest.mark.parametrize("seed", range(4))
def test_what_is_shown_holds_at_samples_and_what_does_not_hold_is_refused(seed):
    v, exact, h = drawn(seed, shift=-0.5)
    q = enclose(exact, len(v.lin))
    shown, worst = lagrange.below(q, v), samples(v, h, seed)
    assert shown.any()
    assert (worst >= 0).any()
    assert not shown[worst >= 0].any()


def test_it_shows_what_the_bound_term_by_term_does_not():
    v, exact, _ = drawn(2, shift=0.5)
    q = enclose(exact, len(v.lin))
    assert (lagrange.below(q, v) & ~np.all(upper(q, v) < 0, axis=0)).sum() > 10


def test_a_box_that_holds_the_origin_is_never_shown():
    r = np.full((2, 3), 0.5)
    lin = np.broadcast_to(np.eye(2)[:, :, None], (2, 2, 3)).copy()
    for m in (0.0, 0.1, 0.499):
        v = Affine(np.full((2, 3), m), lin, r, np.zeros((2, 3)))
        q = enclose([rational(np.diag([-1.0, -2.0]))], 2)
        assert not lagrange.below(q, v).any()
    v = Affine(np.full((2, 3), 0.7), lin, r, np.zeros((2, 3)))
    assert lagrange.below(q, v).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2.0**120])
@pytest.mark.parametrize("name", ["m", "lin", "r", "rho"])
def test_what_is_not_finite_or_huge_is_refused(name, bad):
    v, exact, _ = drawn(1, shift=6.0)
    array = getattr(v, name).copy()
    array[0] = bad
    broken = dataclasses.replace(v, **{name: array})
    with np.errstate(all="ignore"):
        assert not lagrange.below(enclose(exact, 3), broken).any()


def one_box(h, m, lin, r, rho):
    column = [np.array(a, dtype=float)[:, None] for a in (m, lin, rho)]
    v = Affine(column[0], column[1][None], np.array([[r]]), column[2])
    return enclose([rational(np.array(h, dtype=float))], 1), v


@pytest.mark.parametrize(("rho", "holds"), [(0.6, True), (0.8, False)])
def test_a_remainder_meets_the_far_end_of_the_box(rho, holds):
    """-1 + v_0 e, v_0 in [0.5, 1.5]: at the centre e up to 1 would do."""
    h = [[0, 0.5, 0], [0.5, 0, 0], [0, 0, -1]]
    q, v = one_box(h, [1, 0, 1], [1, 0, 0], 0.5, [0, rho, 0])
    assert lagrange.below(q, v).all() == holds


@pytest.mark.parametrize(("rho", "holds"), [(0.9, True), (1.1, False)])
def test_a_remainder_meets_itself(rho, holds):
    """-1 + e^2."""
    q, v = one_box([[1, 0], [0, -1]], [0, 1], [0, 0], 0.5, [rho, 0])
    assert lagrange.below(q, v).all() == holds


def test_beyond_the_range_of_the_rounding_lemma_nothing_is_shown():
    """A product that underflows, times a radius and a remainder that do not: positive by 1e85 at a corner."""
    h = [[-4e-116, 5e-324, 0], [5e-324, 0, 0], [0, 0, -1e15]]
    q, v = one_box(h, [0, 0, 1e30], [0.4, 0, 0], 2.5e100, [0, 1.7e308, 0])
    with np.errstate(all="ignore"):
        assert not lagrange.below(q, v).any()


def test_multipliers_are_not_believed(monkeypatch):
    v, exact, h = drawn(0)
    worst, q = samples(v, h, 0), enclose(exact, 3)
    for value in (0.0, -5.0, np.nan, np.inf, 1e300):
        monkeypatch.setattr(
            lagrange, "multipliers", lambda rows, value=value: np.full((2, 300, 3), value)
        )
        with np.errstate(all="ignore"):
            assert not lagrange.below(q, v)[worst >= 0].any()


def test_the_second_opinion_agrees():
    v, exact, h = drawn(3, shift=0.5)
    shown, worst, found = lagrange.below(enclose(exact, 3), v), samples(v, h, 3), 0
    matrices = [arb_mat(a.tolist()) for a in h]
    for b in range(80):
        span = tuple(arb(0, float(r)) for r in v.r[:, b])
        forms = [
            Form(
                arb(float(v.m[i, b])),
                tuple(arb(float(a)) for a in v.lin[:, i, b]),
                arb(0, float(v.rho[i, b])),
                span,
            )
            for i in range(5)
        ]
        also = all(negative(forms, a) for a in matrices)
        assert not (also and worst[b] >= 0)
        found += also == shown[b]
    assert found >= 78
