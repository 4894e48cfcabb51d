"""Networks of equations, relu and clip: forms, slopes and exact values against 60 digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ival import Interval

from certdde.verify.checker import slopes, taylor
from certdde.verify.checker.exact import Exact
from certdde.verify.checker.network_values import through
from certdde.verify.checker.polynomial import variable
from certdde.verify.checker.refusal import Refused
from certdde.verify.checker.syntax import parse_expression
from certdde.verify.checker.tree import Node, evaluate
from certdde.verify.checker.unknowns import Formal

from .feedforward_maker import MP, Net, chain, everything, layers, small

NETS: dict[str, Net] = {
    "everything": everything(0),
    "everything, shifted": replace(everything(1), origin=[0.3, -0.7], rest=[0.1, 2.0]),
    "tanh": layers("tanh", (2, 5, 4, 1), 2),
    "sigmoid": layers("sigmoid", (2, 4, 2), 3),
    "relu": layers("relu", (2, 6, 5, 2), 4),
    "relu without biases": replace(layers("relu", (2, 5, 2), 5, bias=0.0)),
    "relu, then tanh": Net(
        2,
        (("affine", (0,)), ("relu", (1,)), ("tanh", (2,)), ("affine", (3,)), ("sigmoid", (4,))),
        {
            "weight1": np.array([[1.0, 0.25], [-0.5, 1.0], [2.0, -1.0]]),
            "bias1": np.array([0.0, 0.25, -0.5]),
            "weight4": np.array([[1.0, -1.0, 0.5], [0.5, 2.0, 1.0]]),
            "bias4": np.array([0.0, 0.1]),
        },
    ),
    "relu, shifted": replace(layers("relu", (2, 6, 1), 6), origin=[0.1, 0.0], rest=[0.0]),
}
SLACK = MP.mpf(10) ** -50


def contains(x: Interval, value: Any, k: int = 0) -> bool:
    """Whether the k-th interval holds a number known to 60 digits."""
    low, high = (MP.mpf(float(np.ravel(end)[k])) for end in (x.lo, x.hi))
    slack = SLACK * (1 + abs(value))
    return bool(low - slack <= value <= high + slack)


def boxes(seed: int, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Points, tiny and wide boxes, near 0 and far from it, and boxes with a side or a corner at 0."""
    rng = np.random.default_rng(seed)
    lo = rng.normal(size=(2, count)) * 10.0 ** rng.integers(-2, 2, count)
    hi = lo + np.abs(rng.normal(size=(2, count))) * 10.0 ** rng.integers(-14, 1, count)
    hi[:, 0] = lo[:, 0]
    lo[0, 1], hi[0, 1] = 0.0, 0.5
    lo[:, 2], hi[:, 2] = -0.25, 0.0
    lo[:, 3], hi[:, 3] = -1000.0, 1500.0
    lo[:, 4], hi[:, 4] = 0.0, 0.0
    lo[:, 5], hi[:, 5] = [0.75, 1.25], [1.0, 1.5]
    return lo, hi


def points(lo: np.ndarray, hi: np.ndarray, k: int, seed: int) -> list[list[float]]:
    """The corners of a box, and points inside."""
    rng = np.random.default_rng(seed)
    shares = [[0, 0], [0, 1], [1, 0], [1, 1], *rng.uniform(size=(6, 2)).tolist()]
    return [
        [min(float(lo[i, k] + s * (hi[i, k] - lo[i, k])), float(hi[i, k])) for i, s in enumerate(t)]
        for t in shares
    ]


def in_forms(value: Callable[[list[Any]], Any], form: Any, lo: Any, hi: Any, seed: int) -> None:
    """Every sample is in the form."""
    centre, r = taylor.reach(lo, hi)
    found = taylor.gather([form], r)
    assert np.isfinite(found.m).all()
    for k in range(lo.shape[1]):
        for point in points(lo, hi, k, seed):
            line = MP.mpf(float(found.m[0, k]))
            for i, x in enumerate(point):
                line += MP.mpf(float(found.lin[i, 0, k])) * (MP.mpf(x) - MP.mpf(centre[i, k]))
            true = value(point)
            bound = MP.mpf(float(found.rho[0, k]))
            assert abs(true - line) <= bound + SLACK * (1 + abs(true)), (k, point)


def in_slopes(value: Callable[[list[Any]], Any], form: Any, lo: Any, hi: Any, seed: int) -> None:
    """Every sample minus the value at 0 is in the slopes times the point; the ranges hold the values."""
    at_zero = value([0.0, 0.0])
    for k in range(lo.shape[1]):
        assert contains(form.zero, at_zero, k if np.size(form.zero.lo) > 1 else 0)
        for point in points(lo, hi, k, seed):
            true, reach = value(point), Interval(0.0)
            for column, x in zip(form.cols, point, strict=True):
                if column is not None:
                    low, high = (
                        np.broadcast_to(e, (1, lo.shape[1])) for e in (column.lo, column.hi)
                    )
                    reach = reach + Interval(float(low[0, k]), float(high[0, k])) * x
            assert contains(reach, true - at_zero), (k, point)
            assert contains(form.box, true, k), (k, point)
            assert contains(form.hull, true, k), (k, point)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NETS)
def test_forms_and_slopes_hold_samples(name, seed):
    net, (lo, hi) = NETS[name], boxes(seed)
    network = net.load()
    x, s = taylor.variables(*taylor.reach(lo, hi)), slopes.variables(lo, hi)
    for index in range(network.widths[-1]):

        def value(point: list[Any], index: int = index) -> Any:
            return net.values(point)[index]

        in_forms(value, through(network, x, index), lo, hi, seed)
        in_slopes(value, through(network, s, index), lo, hi, seed)


@pytest.mark.parametrize("name", NETS)
def test_slopes_between_any_two_points(name):
    """As for the one equilibrium in a box: h(v) - h(u) = S (v - u) for u, v in the box."""
    net, rng = NETS[name], np.random.default_rng(5)
    network = net.load()
    for k in range(12):
        low = rng.normal(size=2)
        high = low + np.abs(rng.normal(size=2)) * 10.0 ** (-k % 5)
        x = [Interval(np.array([[a]]), np.array([[b]])) for a, b in zip(low, high, strict=True)]
        span = tuple(Interval(-w.wid, w.wid) for w in x)
        unit = Interval(np.ones((1, 1)))
        columns = ((unit, None), (None, unit))
        both = [slopes.Slope(w, w, w, c, span) for w, c in zip(x, columns, strict=True)]
        for index in range(network.widths[-1]):
            found = through(network, both, index)
            for _ in range(10):
                u, v = rng.uniform(low, high, (2, 2)).tolist()
                rise = net.values(v)[index] - net.values(u)[index]
                reach = Interval(0.0)
                for column, a, b in zip(found.cols, u, v, strict=True):
                    if column is not None:
                        reach = reach + column[0, 0] * (Interval(b) - Interval(a))
                assert contains(reach, rise)
                assert contains(found.box, net.values(v)[index])
                assert contains(found.zero, net.values(u)[index])


def test_slopes_hold_for_all_constants():
    """An input that is a constant in an interval: h(xi, sigma) - h(0, sigma) = S xi for every sigma there."""
    rng = np.random.default_rng(0)
    for name in ("everything", "relu", "relu, shifted"):
        network = NETS[name].load()
        for _ in range(10):
            lo, sigma = rng.normal(size=(1, 1)), np.sort(rng.normal(size=2))
            hi = lo + np.abs(rng.normal(size=(1, 1)))
            [x] = slopes.variables(lo, hi)
            constant = slopes.constant(Interval(*sigma[:, None, None]), x.where)
            found = through(network, [x, constant], 0)
            for s in rng.uniform(*sigma, 5).tolist():
                for v in rng.uniform(lo[0, 0], hi[0, 0], 5).tolist():
                    values = [NETS[name].values([a, s])[0] for a in (v, 0.0)]
                    assert contains(found.cols[0] * v, values[0] - values[1])
                    assert contains(found.box, values[0])


def test_numbers_among_the_inputs():
    lo, hi = boxes(2)
    network, half = NETS["everything"].load(), Interval(0.5)
    x, s = taylor.variables(*taylor.reach(lo, hi)), slopes.variables(lo, hi)
    forms = [x[0], taylor.constant(half, x[0].span)]

    def value(point: list[Any]) -> Any:
        return NETS["everything"].values([point[0], 0.5])[0]

    in_forms(value, through(network, forms, 0), lo, hi, 1)
    pair = [s[0], slopes.constant(half, s[0].where)]
    in_slopes(value, through(network, pair, 0), lo, hi, 1)
    alone = [taylor.constant(half, x[0].span)] * 2
    assert contains(through(network, alone, 0).c, NETS["everything"].values([0.5, 0.5])[0])


@pytest.mark.parametrize("bad", [(-np.inf, 0.0), (0.0, np.inf), (np.nan, np.nan), (-1e308, 1e308)])
@pytest.mark.parametrize("name", NETS)
def test_what_is_not_bounded_gives_no_enclosure(name, bad):
    """Empty, unbounded or overflowing inputs: nothing that a test of a leaf accepts."""
    with np.errstate(all="ignore"):
        network = NETS[name].load()
        wide = Interval(np.full((1, 1), bad[0]), np.full((1, 1), bad[1]))
        x = taylor.variables(np.zeros((2, 1)), np.ones((2, 1)))
        x[0] = taylor.Taylor(x[0].c, x[0].lin, wide, x[0].span)
        found = taylor.gather([through(network, x, 0)], np.ones((2, 1)))
        small = found.rho < 1e300
        bounded_units = name.startswith(("tanh", "sigmoid")) and np.isfinite(bad).all()
        assert not (small & np.isfinite(found.m)).any() or bounded_units
        s = slopes.variables(np.full((2, 1), -1.0), np.ones((2, 1)))
        s[0] = slopes.Slope(s[0].zero, wide, wide, s[0].cols, s[0].where)
        column = through(network, s, 0).cols[0]
        if not np.isfinite(bad).all():
            assert not np.isfinite(column.lo).any()


def test_large_weights_and_long_chains():
    net = chain(64)
    network = net.load()
    lo, hi = np.array([[-1.0, 0.39, 0.4]]), np.array([[2.0, 0.41, 0.4]])
    [x], [s] = taylor.variables(*taylor.reach(lo, hi)), slopes.variables(lo, hi)
    form, slope = through(network, [x], 0), through(network, [s], 0)
    exact = through(network, [Exact(Fraction(3, 8))], 0).value
    assert abs(net.values([0.375])[0] - MP.mpf(exact.numerator) / exact.denominator) < SLACK
    found = taylor.gather([form], (hi - lo) / 2)
    for k in range(3):
        for v in np.linspace(lo[0, k], hi[0, k], 7).tolist():
            true = net.values([v])[0]
            reach = float(found.m[0, k]), float(found.rho[0, k] + np.abs(found.lin[0, 0, k] * 2))
            assert abs(true - reach[0]) <= reach[1]
            assert contains(slope.box, true, k)
    big = layers("tanh", (1, 3, 1), 0)
    huge = {name: v * 2.0**97 for name, v in big.tensors.items()}
    [x] = taylor.variables(np.array([[1e-40]]), np.array([[1e-41]]))
    form = through(replace(big, tensors=huge).load(), [x], 0)
    true = replace(big, tensors=huge).values([1e-40])[0]
    assert contains(form.c + form.deviation(), true)


# ---- relu and clip alone

KINKS = st.one_of(
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1.0, -1.0, 1e-300, 1e300, -1e300]),
    st.floats(-10, 10),
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(KINKS, min_size=4, max_size=4), st.floats(-3, 3), st.floats(-3, 3))
def test_relu_of_forms_is_exact(ends, slope, share):
    """c + a t + e with t in [-1, 1] and e in an interval: max(0, q) for exact rationals q."""
    (low, high), (e0, e1) = sorted(ends[:2]), sorted(ends[2:])
    span = (Interval(np.full((1, 1), -1.0), np.full((1, 1), 1.0)),)
    c, e = (Interval(np.array([[a]]), np.array([[b]])) for a, b in ((low, high), (e0, e1)))
    a = Interval(np.array([[slope]]))
    found = taylor.Taylor(c, (a,), e, span).apply("relu")
    bounded = np.isfinite(found.c.lo).all()
    assert bounded or max(map(abs, ends)) > 1e200
    for t in (-1, 0, 1, Fraction(share) / 3):
        for middle in (low, high):
            for rest in (e0, e1, (e0 + e1) / 2):
                q = Fraction(middle) + Fraction(slope) * t + Fraction(rest)
                line = found.c + found.lin[0] * Interval(t) + found.e
                assert not bounded or Fraction(line.lo.item()) <= max(q, 0)
                assert not bounded or max(q, 0) <= Fraction(line.hi.item())


def test_relu_of_forms_is_rounded_outward():
    """In exact rationals at both ends of many boxes: one end is often met to the last digit."""
    rng, count = np.random.default_rng(0), 8000
    c, a = rng.normal(size=(2, 1, count))
    span = (Interval(np.full((1, count), -1.0), np.full((1, count), 1.0)),)
    form = taylor.Taylor(Interval(c), (Interval(a),), None, span).apply("relu")
    ends = [[x.ravel().tolist() for x in (v.lo, v.hi)] for v in (form.c, form.e, form.lin[0])]
    for k in range(count):
        (low, high), (below, above), slope = ([Fraction(x[k]) for x in pair] for pair in ends)
        for t in (-1, 1):
            moved = [t * end for end in slope]
            true = max(Fraction(float(c[0, k])) + t * Fraction(float(a[0, k])), 0)
            assert low + below + min(moved) <= true <= high + above + max(moved)


@pytest.mark.parametrize(
    "end", [(-np.inf, 0.0), (0.0, np.inf), (-np.inf, np.inf), (np.nan, np.nan)]
)
def test_relu_of_what_is_not_bounded_is_not_enclosed(end):
    """Not even where it would be 0: an unbounded value is one that was not enclosed."""
    with np.errstate(all="ignore"):
        [x] = taylor.variables(np.zeros((1, 1)), np.ones((1, 1)))
        wide = Interval(np.full((1, 1), end[0]), np.full((1, 1), end[1]))
        found = taylor.Taylor(x.c, x.lin, wide, x.span).apply("relu")
        assert not np.isfinite(taylor.gather([found], np.ones((1, 1))).m).any()
        [s] = slopes.variables(np.full((1, 1), -1.0), np.ones((1, 1)))
        for parts in ((wide, s.box, s.hull), (s.zero, wide, s.hull), (s.zero, s.box, wide)):
            slope = slopes.Slope(*parts, s.cols, s.where).apply("relu")
            assert not np.isfinite(slope.cols[0].lo).any()
            assert not np.isfinite(slope.box.lo).any()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(KINKS, min_size=4, max_size=4))
def test_chords_of_relu_are_exact(ends):
    """The slope from any z_0 to any z of two intervals; all four corners are attained or exceeded."""
    (a, b), (c, d) = sorted(ends[:2]), sorted(ends[2:])
    zero, box = (Interval(np.array([[x]]), np.array([[y]])) for x, y in ((a, b), (c, d)))
    unit = Interval(np.ones((1, 1)))
    wide = Interval(np.full((1, 1), -1e301), np.full((1, 1), 1e301))
    found = slopes.Slope(zero, box, zero | box, (unit,), (wide,)).apply("relu")
    for z0 in (a, b, (a + b) / 2):
        for z in (c, d, (c + d) / 2):
            p, q = Fraction(z0), Fraction(z)
            rise = max(q, 0) - max(p, 0)
            low, high = (Fraction(x.item()) for x in (found.cols[0].lo, found.cols[0].hi))
            assert min(low * (q - p), high * (q - p)) <= rise <= max(low * (q - p), high * (q - p))
            assert 0 <= low <= high <= 1
            assert Fraction(found.box.lo.item()) <= max(q, 0) <= Fraction(found.box.hi.item())
            assert Fraction(found.zero.lo.item()) <= max(p, 0) <= Fraction(found.zero.hi.item())


def test_relu_is_sharp():
    """Off its kink relu is the identity or 0, and the form across it is the chord with half its height."""
    [x] = taylor.variables(np.array([[2.0, -2.0, 0.0]]), np.array([[1.0, 1.0, 1.0]]))
    found = taylor.gather([x.apply("relu")], np.ones((1, 3)))
    assert found.lin[0, 0].tolist() == [1.0, 0.0, 0.5]
    assert found.rho[0] == pytest.approx([0.0, 0.0, 0.25], abs=1e-15)
    [s] = slopes.variables(np.array([[1.0, -2.0, -1.0, 3.0]]), np.array([[2.0, -1.0, 1.0, 4.0]]))
    column = s.apply("relu").cols[0]
    assert column.lo.tolist() == [[1.0, 0.0, 0.0, 1.0]]
    assert column.hi.tolist() == [[1.0, 0.0, 1.0, 1.0]]


@pytest.mark.parametrize(("low", "high"), [("-1", "2"), ("-1e-9", "0.5"), ("a - 1", "sqrt(4)/a")])
def test_clip(low, high):
    names = {"x": Node("var"), "a": Node("const", value=Fraction(1, 2))}
    tree = parse_expression(f"clip(x, {low}, {high})", names, {}, ("tau",), "here")
    ends = {"a - 1": -0.5, "sqrt(4)/a": 4.0}
    bottom, top = (ends.get(end) or float(end) for end in (low, high))
    for x in (-3.0, -1.0, -1e-10, 0.0, 0.25, 0.5, 2.0, 3.9, 7.0):
        found = evaluate(tree, lambda _, x=x: Exact(Fraction(x)), Exact).value
        assert float(found) == pytest.approx(min(max(x, bottom), top), abs=1e-15)
    with pytest.raises(Refused):
        parse_expression(f"clip(x, {high}, {low})", names, {}, ("tau",), "here")


@pytest.mark.parametrize(
    "text",
    ["clip(x)", "clip(x, 1)", "clip(x, 1, 1)", "clip(x, x, 2)", "clip(x, -1, exp(1))", "clip(x, 0, 1, 2)",
     "clip x", "clip(x, 0, 1", "clip(, 0, 1)", "relu(x, 1)", "relu()", "clip(x; 0; 1)", "sin(x, x)"],
)  # fmt: skip
def test_clip_of_a_wrong_form(text):
    with pytest.raises(Refused):
        parse_expression(text, {"x": Node("var")}, {}, ("tau",), "here")


def test_nested_clips_are_read_in_time():
    """Ends are numbers: a tower of clips in an end does not double the tree at every level."""
    text = "0"
    for _ in range(60):
        text = f"clip({text}, -1, 1)"
    tree = parse_expression(f"clip(x, {text}, 2)", {"x": Node("var")}, {}, ("tau",), "here")
    assert evaluate(tree, lambda _: Exact(Fraction(-5)), Exact).value == 0


# ---- exact values


def test_exact_values_of_relu_networks():
    net = NETS["relu"]
    network = net.load()
    for point in ([0.5, -0.25], [0.0, 0.0], [-3.0, 8.0]):
        for index in range(2):
            found = through(network, [Exact(Fraction(x)) for x in point], index).value
            true = net.values(point)[index]
            assert abs(MP.mpf(found.numerator) / found.denominator - true) < SLACK * 1000


def test_exact_values_at_the_origin_and_elsewhere():
    network = replace(everything(1), origin=[0.1, -0.7], rest=[0.25, 2.0]).load()
    at = [Exact(Fraction("0.1")), Exact(Fraction("-0.7"))]
    assert [through(network, at, i).value for i in range(2)] == [Fraction(1, 4), 2]
    near = [Exact(Fraction(0.1)), Exact(Fraction(-0.7))]  # binary64, not the decimals
    with pytest.raises(Refused):
        through(network, near, 0)
    plain = small("relu")
    assert through(plain.load(), [Exact(Fraction(0))], 0).value == 0
    for x in (1.0, -0.375):
        found = through(plain.load(), [Exact(Fraction(x))], 0).value
        assert abs(MP.mpf(found.numerator) / found.denominator - plain.values([x])[0]) < SLACK


def test_values_at_unknown_constants():
    """A number where all inputs are numbers, else an atom: of this network, this output and these inputs."""
    network, other = NETS["relu"].load(), NETS["relu"].load()
    a = Formal({frozenset([(-1, 1)]): Fraction(1)})
    half, nothing = Formal({frozenset(): Fraction(1, 2)}), Formal({})
    known = through(network, [half, nothing], 1)
    exact = through(network, [Exact(Fraction(1, 2)), Exact(Fraction(0))], 1).value
    assert known.constant == exact != 0
    one = through(network, [a, half], 0)
    assert one.constant is None
    assert not (one + -through(network, [a + nothing, half], 0)).terms
    for differs in (
        through(network, [a, half], 1),
        through(network, [half, a], 0),
        through(network, [a, nothing], 0),
        through(network, [a * half, half], 0),
        through(other, [a, half], 0),
    ):
        assert (one + -differs).terms


def test_origin_and_rest_are_decimals():
    """relu(w) - relu(0.1) + 0.3 at the binary64 nearest to 0.1 is not 0.3: the difference is below one rounding."""
    net = Net(1, (("relu", (0,)),), {}, [0.1], [0.3])
    point = np.array([[0.1]])
    [x], [s] = taylor.variables(*taylor.reach(point, point)), slopes.variables(point, point)
    true = Fraction(0.1) - Fraction(1, 10) + Fraction(3, 10)
    form, slope = (through(net.load(), [one], 0) for one in (x, s))
    for low, high in ((form.c.lo, form.c.hi), (slope.box.lo, slope.box.hi)):
        assert Fraction(low.item()) <= true <= Fraction(high.item())
    assert Fraction(slope.zero.lo.item()) <= Fraction(1, 5) <= Fraction(slope.zero.hi.item())


def test_other_arithmetic_is_refused():
    """A network is no polynomial: kind "sos" does not take one."""
    with pytest.raises(Refused):
        through(small("relu").load(), [variable(0, 2)], 0)


def test_the_maker_knows_what_a_network_is():
    """60 digits against plain numpy."""
    net = NETS["tanh"]
    h = np.array([0.3, -0.2])
    for k in (1, 3, 5):
        h = net.tensors[f"weight{k}"] @ h + net.tensors[f"bias{k}"]
        h = np.tanh(h) if k < 5 else h
    assert float(net.values([0.3, -0.2])[0]) == pytest.approx(h[0], rel=1e-14)
