"""The star test in a frame: what it shows, and what it refuses in every frame."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb, arb_mat, ctx

from certdde.verify.second_opinion import fields
from certdde.verify.second_opinion.forms import Form, Slope, quadratic, star
from certdde.verify.second_opinion.stars import Star, frame

from ..checker import feedforward_maker, maker
from .test_slopes import FRAMES, along


@pytest.fixture(autouse=True)
def bits():
    with ctx.workprec(128):
        yield


def star_of(draft: maker.Draft, path) -> Star:
    """The test of the first part of a certificate."""
    made: list[Star] = []
    with pytest.MonkeyPatch.context() as patch:
        original = Star.of
        patch.setattr(Star, "of", lambda *given: made.append(original(*given)) or made[-1])
        fields.read_fields(draft.save(path))
    return made[0]


CERTIFICATES = {
    "hutchinson": lambda: maker.hutchinson(True),
    "pendulum": lambda: maker.pendulum(True),
    "planar": feedforward_maker.planar,
    "relu": lambda: feedforward_maker.enclosed("relu"),
    "uncertain": feedforward_maker.uncertain,
}


def middles(star: Star) -> list[Fraction]:
    return [(a + b) / 2 for a, b in star.features.system.spans]


@pytest.mark.parametrize("name", CERTIFICATES)
def test_framed_features_of_certificates(name, tmp_path):
    """v(xi) = Sl eta for xi = T eta, at points of boxes near 0 and away from it; every frame that is found is used."""
    star, rng = star_of(CERTIFICATES[name](), tmp_path / "a"), np.random.default_rng(4)
    d, spans = star.features.size, star.features.system.spans
    assert star.frame is not None
    solve = arb_mat(star.frame)
    for _ in range(6):
        centre, half = rng.uniform(-0.5, 0.5, d), rng.uniform(0, 0.3)
        lower, upper = (centre - half).tolist(), (centre + half).tolist()
        constants = [float(m) for m in middles(star)]
        slopes = star.features.slopes(
            [*lower, *(float(a) for a, _ in spans)],
            [*upper, *(float(b) for _, b in spans)],
            star.frame,
        )
        for point in rng.uniform(lower, upper, (3, d)).tolist():
            eta = solve.solve(arb_mat([[v] for v in point]))
            column = [eta[k, 0] for k in range(d)]
            values = star.features.forms([*point, *constants], [*point, *constants])
            for row, form in zip(slopes, values, strict=True):
                value = form.c + form.spread()
                assert value.rad() < 1e-15
                assert along(row, column).overlaps(value)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_the_frame_turns_the_form_into_minus_one(name, tmp_path):
    star = star_of(CERTIFICATES[name](), tmp_path / "a")
    point = [0.0] * star.features.size + [float(m) for m in middles(star)]
    s = arb_mat([list(row) for row in star.features.slopes(point, point, star.frame)])
    total = sum((s.transpose() * h * s for h in star.forms[1:]), s.transpose() * star.forms[0] * s)
    mean = np.array([[float(v.mid()) for v in row] for row in total.tolist()]) / len(star.forms)
    assert mean == pytest.approx(-np.eye(star.features.size), abs=1e-6)


# ---- the star test


@dataclass
class Curve:
    """v = (x, y, tanh(x + y)), with the interface of the features."""

    size: int = 2
    system = SimpleNamespace(spans=())

    def slopes(self, lower, upper, frame=None):
        x, y = Slope.variables(lower, upper, frame)
        return [q.cols for q in (x, y, (x + y).apply("tanh"))]

    def forms(self, lower, upper):
        x, y = Form.variables(lower, upper)
        return [x, y, (x + y).apply("tanh")]


def form(across: float, along_: float) -> arb_mat:
    """-a (x - y)^2 - b (x + y) q, which is negative for q = tanh(x + y) if a, b > 0."""
    a, b = across, along_ / 2
    return arb_mat([[-a, a, -b], [a, -a, -b], [-b, -b, 0]])


WIDE = ([-1.0, -1.0], [1.0, 1.0])


def test_a_box_that_only_the_frame_shows():
    """The slope s of tanh varies by more than 2 a/b: then (a - b s)^2 < (a + b s)^2 is lost if each s is any.

    With eta along x + y and across the matrix is -diag(1, s) up to the choice of axes.
    """
    forms = [form(0.05, 1.0)]
    framed = Star.of(Curve(), forms)
    assert framed.frame is not None
    assert framed(*WIDE)
    assert not Star(Curve(), forms, None)(*WIDE)
    for x, y in np.random.default_rng(0).uniform(-1, 1, (50, 2)).tolist():
        v = Curve().forms([x, y], [x, y])
        assert quadratic(v, forms[0]) < 0


def test_where_the_frame_does_not_do_there_is_none():
    forms = [form(1.0, 1.0)]
    assert Star(Curve(), forms, None)(*WIDE)
    for bad in ABSURD.values():
        assert Star(Curve(), forms, bad)(*WIDE)


ABSURD = {
    "zero": [[0.0, 0.0], [0.0, 0.0]],
    "one row": [[1.0, 2.0], [0.0, 0.0]],
    "one column": [[0.0, 1.0], [0.0, -3.0]],
    "rank one": [[1.0, -1.0], [2.0, -2.0]],
    "nan": [[1.0, 0.0], [0.0, float("nan")]],
    "infinite": [[float("inf"), 0.0], [0.0, 1.0]],
}


@pytest.mark.parametrize("kind", ABSURD)
def test_nothing_is_shown_in_an_absurd_frame(kind):
    """Though the form is negative definite, on a point and on a box."""
    star = Star(Curve(), [form(1.0, 1.0)], ABSURD[kind])
    for box in (WIDE, ([0.0, 0.0], [0.0, 0.0]), ([0.5, 0.25], [0.75, 0.5])):
        assert star._in(*box, None)
        assert not star._in(*box, star.frame)


@pytest.mark.parametrize(
    ("middle", "radius", "weight"), [(0.0, 1.0, 1.1), (1.0, 0.5, 0.45), (-1.0, 0.5, 0.45)]
)
def test_every_part_of_the_product_counts(middle, radius, weight):
    """-1 + b s^2, which is positive at the largest |s| alone, whatever part of it comes from there."""
    assert weight * middle**2 < 1 < weight * (abs(middle) + radius) ** 2
    assert star([(arb(1),), (arb(middle),)], arb_mat([[-1, 0], [0, weight]]))
    assert not star([(arb(1),), (arb(middle, radius),)], arb_mat([[-1, 0], [0, weight]]))


def test_no_matrix_within_the_slopes_is_overlooked():
    rng, seen = np.random.default_rng(7), {True: 0, False: 0}
    for _ in range(300):
        h = rng.normal(size=(3, 3))
        h = h + h.T - 3 * np.eye(3)
        middle, radius = rng.normal(size=(3, 2)), rng.uniform(0, 0.3) * rng.uniform(size=(3, 2))
        rows = [
            tuple(arb(m, r) for m, r in zip(a, b, strict=True))
            for a, b in zip(middle.tolist(), radius.tolist(), strict=True)
        ]
        shown = star(rows, arb_mat(h.tolist()))
        seen[shown] += 1
        for signs in rng.choice([-1, 1], (40, 3, 2)) if shown else ():
            s = middle + signs * radius
            assert np.linalg.eigvalsh(s.T @ h @ s)[-1] < 1e-12
    assert min(seen.values()) > 30


FALSE = {
    "indefinite": form(-0.1, 1.0),
    "indefinite, the other way": form(1.0, -0.1),
    "positive": form(-1.0, -1.0),
    "zero across": form(0.0, 1.0),
    "zero along": form(1.0, 0.0),
    "zero": arb_mat(3, 3),
}


@pytest.mark.parametrize("kind", FALSE)
def test_what_is_not_definite_is_refused_in_every_frame(kind):
    rng, good = np.random.default_rng(5), form(1.0, 1.0)
    frames = [*FRAMES.values(), *ABSURD.values(), frame(Curve(), [good]), None]
    frames += [(rng.normal(size=(2, 2)) * 10.0 ** rng.integers(-9, 9)).tolist() for _ in range(20)]
    for forms in ([FALSE[kind]], [good, FALSE[kind]], [FALSE[kind], good]):
        for t in frames:
            for half in (0.0, 1e-6, 0.5):
                assert not Star(Curve(), forms, t)([-half, -half], [half, half])
        assert not Star.of(Curve(), forms)([-1e-6, -1e-6], [1e-6, 1e-6])


@pytest.mark.parametrize("kind", FALSE)
def test_there_is_no_frame_for_what_is_not_definite(kind):
    """Rounding may find one where the form is singular; nothing rests on it."""
    found = frame(Curve(), [FALSE[kind]])
    assert found is None or kind.startswith("zero a")
    assert frame(Curve(), [arb_mat([[arb.nan()] * 3] * 3)]) is None


@pytest.mark.parametrize("seed", range(3))
def test_what_is_shown_in_some_frame_is_true(seed, tmp_path):
    """Boxes of a certificate in random frames, and in absurd ones, which change no answer."""
    found = star_of(maker.hutchinson(True), tmp_path / "a")
    rng = np.random.default_rng(seed)
    random = rng.normal(size=(2, 2)).tolist()
    for t in (*ABSURD.values(), found.frame, random):
        star, none = (Star(found.features, found.forms, used) for used in (t, None))
        for _ in range(5):
            centre, half = rng.uniform(-0.9, 0.9, 2), rng.uniform(0, 0.8)
            box = (centre - half).tolist(), (centre + half).tolist()
            assert star(*box) == none(*box) or t in (found.frame, random)
            for point in rng.uniform(*box, (5, 2)).tolist() if star(*box) else ():
                v = found.features.forms(point, point)
                assert all(quadratic(v, h) < 0 for h in found.forms)
    assert frame(found.features, [-h for h in found.forms]) is None
