"""Slopes from the middle of a range, and slopes in a frame, against 60 digits."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx

from certdde.verify.checker.network_values import through
from certdde.verify.second_opinion.balls import find
from certdde.verify.second_opinion.forms import Slope

from ..checker.feedforward_maker import MP
from ..checker.test_network_values import NETS
from .test_networks import holds

EXACT = {
    "sin": MP.sin, "cos": MP.cos, "tan": MP.tan, "tanh": MP.tanh, "exp": MP.exp, "log": MP.log, "sqrt": MP.sqrt,
    "atan": MP.atan, "sigmoid": lambda z: 1 / (1 + MP.exp(-z)), "softplus": lambda z: MP.log1p(MP.exp(z)),
    "relu": lambda z: max(z, MP.mpf(0)), "pow": None,
}  # fmt: skip


@pytest.fixture(autouse=True)
def bits():
    with ctx.workprec(128):
        yield


def between(low: float, high: float) -> arb:
    return arb(low).union(arb(high))


def bare(zero: arb, box: arb) -> Slope:
    """A quantity of which the values are known, and no more: its only slope is 1."""
    return Slope(zero, box, box.union(zero), (arb(1),), None)


def ranges(rng: np.random.Generator, positive: bool) -> tuple[list[float], list[float]]:
    """Values at 0 and over a box: points or intervals, near each other or not, one in the other or not."""
    scale = 10.0 ** rng.integers(-3, 1)
    start = float(rng.uniform(0.5, 2)) if positive else float(rng.normal())
    at = [start, start + (0.2 * scale * float(rng.uniform()) if rng.uniform() < 0.5 else 0.0)]
    low = abs(start + 2 * scale * rng.normal()) + 0.1 if positive else start + scale * rng.normal()
    wide = rng.uniform() < 0.8
    return at, [float(low), float(low + (scale * rng.uniform() if wide else 0.0))]


@pytest.mark.parametrize("name", EXACT)
def test_chord_slopes_are_held(name):
    """(phi(z) - phi(z_0)) / (z - z_0) for all z, z_0 in their ranges."""
    rng = np.random.default_rng(len(name))
    used = 0
    for _ in range(150):
        power = int(rng.integers(-3, 7))
        phi = EXACT[name] or (lambda z, power=power: z**power)
        at, over = ranges(rng, name in ("log", "sqrt") or power < 0)
        s = bare(between(*at), between(*over)).apply(name, power).cols[0]
        used += s.is_finite()
        for a in np.linspace(*at, 4).tolist():
            for b in np.linspace(*over, 5).tolist():
                if s.is_finite() and a != b:
                    rise = phi(MP.mpf(b)) - phi(MP.mpf(a))
                    assert holds(s, rise / (MP.mpf(b) - MP.mpf(a))), (name, power, at, over)
    assert used > 75


def test_the_middle_sharpens_far_from_zero(monkeypatch):
    """Of s(z) = tanh(z)/z over [2, 3], which falls by 0.15."""
    far = bare(arb(0), between(2.0, 3.0))
    sharp = far.apply("tanh").cols[0]
    width = float((sharp.upper() - sharp.lower()).mid())
    monkeypatch.setattr(Slope, "_from_middle", lambda *_: arb.nan())
    [blunt] = far.apply("tanh").cols
    assert np.tanh(2) / 2 - np.tanh(3) / 3 <= width < float(2 * blunt.rad())


@pytest.mark.parametrize(
    ("zero", "box"), [((0, 0), (-1, 1)), ((0, 1), (0.25, 1.5)), ((0, 0), (0, 0)), ((-1, 3), (1, 1))]
)
def test_the_middle_says_nothing_where_it_may_be_the_value_at_zero(zero, box):
    column = bare(between(*zero), between(*box))
    phi = find("sin", 0)
    assert not column._from_middle(phi, phi.second(column.hull)).is_finite()
    assert column.apply("sin").cols[0].is_finite()


def test_the_middle_has_to_be_in_the_hull():
    """The second derivative is known there alone: that of z^3 is not within [0, 1/2] beyond."""
    phi = find("pow", 3)
    outside = Slope(arb(0), between(1, 3), between(0, 0.5), (arb(1),), None)
    assert not outside._from_middle(phi, phi.second(outside.hull)).is_finite()


# ---- frames

FRAMES = {
    "unit": [[1.0, 0.0], [0.0, 1.0]],
    "triangular": [[0.5, -0.25], [0.0, 2.0]],
    "full": [[0.3, -1.7], [2.1, 0.9]],
    "singular": [[1.0, 2.0], [3.0, 6.0]],
    "steep": [[1e9, 1.0], [1.0, 1e-9]],
}


def framed_points(t, rng, count):
    """Numbers eta, xi = T eta of 60 digits, and a box of binary64 that holds all xi."""
    eta = (rng.normal(size=2) + rng.uniform(0, 1) * rng.normal(size=(count, 2))).tolist()
    size = max(abs(v) for row in t for v in row)
    eta = [[v / size for v in row] for row in eta]
    xi = [[MP.mpf(a) * c[0] + MP.mpf(b) * c[1] for a, b in t] for c in eta]
    lower = [float(np.nextafter(float(min(column)), -np.inf)) for column in zip(*xi, strict=True)]
    upper = [float(np.nextafter(float(max(column)), np.inf)) for column in zip(*xi, strict=True)]
    return eta, xi, lower, upper


def along(cols, eta) -> arb:
    return sum((c * arb(v) for c, v in zip(cols, eta, strict=True)), arb(0))


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("name", NETS)
def test_framed_slopes_of_networks(kind, name):
    rng, t, net = np.random.default_rng(1), FRAMES[kind], NETS[name]
    network = net.load()
    for _ in range(4):
        etas, points, lower, upper = framed_points(t, rng, 4)
        column = Slope.variables(lower, upper, t)
        for index in range(network.widths[-1]):
            found, rest = through(network, column, index), net.values([0.0, 0.0])[index]
            assert found.where is None
            for eta, xi in zip(etas, points, strict=True):
                value = net.values(xi)[index]
                assert holds(along(found.cols, eta), value - rest)
                assert holds(found.box, value)


@pytest.mark.parametrize("kind", FRAMES)
def test_framed_slopes_of_products_and_functions(kind):
    rng, t = np.random.default_rng(2), FRAMES[kind]
    for _ in range(25):
        etas, points, lower, upper = framed_points(t, rng, 4)
        x, y = Slope.variables(lower, upper, t)
        terms = [x, y, x * y, (x + -y).apply("sin") * x, (x * y).apply("pow", 3) + y.apply("exp")]
        for eta, (a, b) in zip(etas, points, strict=True):
            rises = [a, b, a * b, MP.sin(a - b) * a, (a * b) ** 3 + MP.exp(b) - 1]
            for term, rise in zip(terms, rises, strict=True):
                assert holds(along(term.cols, eta), rise)
