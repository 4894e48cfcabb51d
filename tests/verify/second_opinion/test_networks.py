"""Networks in equations, relu and clip: balls hold samples of 60 digits, and certificates are shown again."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from flint import arb, arb_mat, ctx

from certdde.verify.checker import check_file
from certdde.verify.checker.network_values import through
from certdde.verify.checker.syntax import parse_expression
from certdde.verify.checker.tree import Node, evaluate
from certdde.verify.second_opinion import compare
from certdde.verify.second_opinion import opinion as module
from certdde.verify.second_opinion.balls import ball, chord, find
from certdde.verify.second_opinion.forms import Form, Slope, star

from ..checker import feedforward_maker as makers
from ..checker.feedforward_maker import MP
from ..checker.test_network_values import NETS, boxes, points

CERTIFICATES = {
    "tanh": lambda: makers.scalar(makers.small()),
    "relu": lambda: makers.scalar(makers.small("relu")),
    "sigmoid": lambda: makers.scalar(makers.small("sigmoid")),
    "leaky": makers.leaky,
    "planar": makers.planar,
    "enclosed": makers.enclosed,
    "enclosed relu": lambda: makers.enclosed("relu"),
    "uncertain": makers.uncertain,
}


@pytest.fixture(autouse=True)
def bits():
    with ctx.workprec(128):
        yield


def holds(enclosure: arb, value: MP.mpf) -> bool:
    """Whether a ball holds a number known to 60 digits."""
    low, high = (
        MP.mpf(end.str(65, radius=False)) for end in (enclosure.lower(), enclosure.upper())
    )
    slack = MP.mpf(10) ** -34 * (1 + abs(value))
    return bool(low - slack <= value <= high + slack)


@pytest.mark.parametrize("name", NETS)
def test_forms_and_slopes_hold_samples(name):
    net, (lo, hi) = NETS[name], boxes(7)
    network = net.load()
    for k in range(lo.shape[1]):
        low, high = lo[:, k].tolist(), hi[:, k].tolist()
        x, s = Form.variables(low, high), Slope.variables(low, high)
        for index in range(network.widths[-1]):
            form, slope = through(network, x, index), through(network, s, index)
            at_zero = net.values([0.0, 0.0])[index]
            assert holds(slope.zero, at_zero)
            for point in points(lo, hi, k, 7):
                true = net.values(point)[index]
                centre = [(arb(a) + arb(b)) / 2 for a, b in zip(low, high, strict=True)]
                line = form.c + form.e
                for a, v, m in zip(form.lin, point, centre, strict=True):
                    line = line + a * (arb(v) - m)
                assert holds(line, true)
                assert holds(slope.box, true)
                assert holds(slope.hull, true)
                reach = sum((a * arb(v) for a, v in zip(slope.cols, point, strict=True)), arb(0))
                assert holds(reach, true - at_zero)


@pytest.mark.parametrize("name", ["everything", "relu", "relu, then tanh"])
def test_slopes_hold_for_all_constants(name):
    """An input that is a constant in an interval: h(xi, sigma) - h(0, sigma) = S xi for every sigma there."""
    rng, net = np.random.default_rng(0), NETS[name]
    network = net.load()
    for _ in range(12):
        low, sigma = float(rng.normal()), np.sort(rng.normal(size=2)).tolist()
        high = low + abs(float(rng.normal()))
        [x] = Slope.variables([low], [high])
        found = through(network, [x, x.constant(arb(sigma[0]).union(arb(sigma[1])))], 0)
        for s in np.linspace(*sigma, 4).tolist():
            for v in np.linspace(low, high, 4).tolist():
                value, rest = (net.values([a, s])[0] for a in (v, 0.0))
                assert holds(found.cols[0] * arb(v), value - rest)
                assert holds(found.box, value)
                assert holds(found.zero, rest)


def test_relu_on_each_side_of_its_kink():
    [x], [y] = Form.variables([1.0], [2.0]), Form.variables([-2.0], [-1.0])
    assert x.apply("relu") == x
    assert [y.apply("relu").c, *y.apply("relu").lin] == [0, 0]
    for low, high, least, most in (
        (0.0, 2.0, 1, 1),
        (-2.0, 0.0, 0, 0),
        (-1.0, 3.0, 0, 1),
        (2.0, 3.0, 1, 1),
    ):
        [column] = Slope.variables([low], [high])[0].apply("relu").cols
        ends = float(column.lower()), float(column.upper())
        assert ends == pytest.approx((least, most), abs=1e-8)
    zero, one = arb(0), arb(1)
    assert [chord(zero, zero, 1), chord(zero, zero, 0), chord(-one, 3 * one, 0)] == [1, 0, 0.75]
    assert [chord(3 * one, -one, 1), chord(zero, one, 0), chord(zero, -one, 1)] == [0.75, 1, 0]


def test_what_is_not_bounded_shows_nothing():
    for bad in (arb.nan(), arb("inf"), arb(0, "inf")):
        assert not chord(bad, arb(1), 0).is_finite()
        assert not chord(arb(1), bad, 0).is_finite()
        [x], [s] = Form.variables([-1.0], [1.0]), Slope.variables([1.0], [2.0])
        form = Form(x.c, x.lin, bad, x.span).apply("relu")
        assert not (form.c + form.spread()).is_finite()
        for parts in ((bad, s.box, s.hull), (s.zero, bad, s.hull), (s.zero, s.box, bad)):
            slope = Slope(*parts, s.cols, s.where).apply("relu")
            assert not slope.cols[0].is_finite() or parts[1] is bad
            assert not star([slope.cols], arb_mat([[-1]])) or parts[1] is bad
        network = NETS["relu"].load()
        pair = [Form(x.c, x.lin, bad, x.span), x]
        assert not through(network, pair, 0).spread().is_finite()


def test_relu_has_no_derivative():
    for z in (arb(1), arb(-1), arb(0), arb(0, 1)):
        assert not find("relu", 0).first(z).is_finite()
        assert not find("relu", 0).second(z).is_finite()


def test_clip():
    names = {"x": Node("var")}
    tree = parse_expression("clip(3*x, -1, 2)", names, {}, ("tau",), "here")
    for low, high in ((-2.0, -1.0), (-0.5, 0.9), (0.1, 0.2), (0.6, 3.0)):
        x, s = Form.variables([low], [high]), Slope.variables([low], [high])
        form = evaluate(tree, x.__getitem__, lambda v, x=x: x[0].constant(ball(v)))
        slope = evaluate(tree, s.__getitem__, lambda v, s=s: s[0].constant(ball(v)))
        for v in np.linspace(low, high, 7).tolist():
            true = min(max(3 * MP.mpf(v), MP.mpf(-1)), MP.mpf(2))
            line = form.c + form.lin[0] * (arb(v) - (arb(low) + arb(high)) / 2) + form.e
            assert holds(line, true)
            assert holds(slope.box, true)
            assert holds(slope.cols[0] * arb(v), true)


# ---- certificates


@pytest.fixture(scope="module")
def drafts() -> dict:
    return {name: make() for name, make in CERTIFICATES.items()}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_it_agrees_with_the_checker(tmp_path, drafts, name):
    path = drafts[name].save(tmp_path / "a")
    result = check_file(path)
    assert result.valid, result
    opinion = compare(path, sample=None)
    assert opinion.agree, opinion
    assert opinion.boxes == opinion.of == result.boxes


@pytest.mark.parametrize("name", ["tanh", "relu", "leaky", "planar", "enclosed", "uncertain"])
def test_a_stronger_network_is_not_shown(tmp_path, drafts, name, monkeypatch):
    """Unstable, with its own fingerprint and claim."""
    monkeypatch.setattr(module, "PIECES", 50)
    draft = copy.deepcopy(drafts[name])
    net = makers.destabilising(draft)
    opinion = compare(makers.with_networks(draft, u=net).save(tmp_path / "a"), sample=None)
    assert not opinion.agree
    assert opinion.reason


def test_a_network_in_the_place_of_another(tmp_path, drafts):
    draft = copy.deepcopy(drafts["tanh"])
    draft.called["u"] = {k: v * 1.0001 for k, v in draft.called["u"].items()}
    assert "fingerprint" in compare(draft.save(tmp_path / "a")).reason
    draft.called = {}
    assert not compare(draft.save(tmp_path / "a")).agree
