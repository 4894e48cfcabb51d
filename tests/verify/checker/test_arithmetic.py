"""Enclosures contain samples: matrix products, quadratic forms, Taylor forms, slopes, eliminations."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import ival
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ival import Interval

from certdde.verify.checker import exact, functions, rounding, slopes, taylor
from certdde.verify.checker.network import Network
from certdde.verify.checker.syntax import parse_expression
from certdde.verify.checker.tree import Node, evaluate

RNG = np.random.default_rng(7)
X, Y = Node("var", value=Fraction(0)), Node("var", value=Fraction(1))

SMOOTH = {
    "sin": (mpmath.sin, (-3, 3)),
    "cos": (mpmath.cos, (-3, 3)),
    "tan": (mpmath.tan, (-1.4, 1.4)),
    "tanh": (mpmath.tanh, (-4, 4)),
    "exp": (mpmath.exp, (-3, 3)),
    "log": (mpmath.log, (0.05, 5)),
    "sqrt": (mpmath.sqrt, (0.05, 5)),
    "sigmoid": (lambda z: 1 / (1 + mpmath.exp(-z)), (-6, 6)),
    "atan": (mpmath.atan, (-4, 4)),
    "softplus": (lambda z: mpmath.log1p(mpmath.exp(z)), (-40, 40)),
}


def contains(x: Interval, value: mpmath.mpf, k: int = 0) -> bool:
    """Whether the k-th interval holds a value known to 40 digits."""
    lo, hi = np.ravel(x.lo)[k], np.ravel(x.hi)[k]
    slack = mpmath.mpf(10) ** -35 * (1 + abs(value))
    return bool(mpmath.mpf(float(lo)) - slack <= value <= mpmath.mpf(float(hi)) + slack)


def test_mid_and_rad_of_the_library_cover():
    lo = np.concatenate(
        [RNG.normal(size=2000), RNG.normal(size=2000) * 1e-300, [-1e308, 0.0, 5e-324]]
    )
    x = Interval(
        lo,
        lo + np.abs(RNG.normal(size=len(lo))) * np.abs(lo) * 10.0 ** RNG.integers(-18, 1, len(lo)),
    )
    for m, r, a, b in zip(x.mid, x.rad, x.lo, x.hi, strict=True):
        assert Fraction(m) - Fraction(r) <= Fraction(a) <= Fraction(b) <= Fraction(m) + Fraction(r)


@pytest.mark.parametrize("scale", [1.0, 1e-160, 1e25])
def test_dot_contains_the_exact_product(scale):
    a = RNG.normal(size=(5, 40)) * 10.0 ** RNG.integers(-8, 9, (5, 40)) * scale
    a[:, 20:] = -a[:, :20]  # cancellation: the result depends on the order of summation
    x = RNG.normal(size=(40, 6))
    x[20:] = x[:20] * (1 + 1e-15 * RNG.normal(size=(20, 6)))
    wide = np.abs(x) * 10.0 ** RNG.integers(-17, 0, x.shape)
    found = rounding.dot(a, Interval(x - wide, x + wide))
    for i in range(5):
        for k in range(6):
            for end in (x - wide, x + wide, x):
                true = sum(Fraction(p) * Fraction(q) for p, q in zip(a[i], end[:, k], strict=True))
                assert Fraction(found.lo[i, k]) <= true <= Fraction(found.hi[i, k])


def test_dot_is_exactly_zero_only_where_all_terms_are():
    a = np.array([[0.0, 1e-200], [1e-200, 0.0], [0.0, 0.0], [0.0, -3.0]])
    lo, hi = (
        np.array([[1e-200, 1e-200], [-1e-200, 0.0]]),
        np.array([[1e-200, 1e-200], [1e-200, 0.0]]),
    )
    found = rounding.dot(a, Interval(lo, hi))
    for i, row in enumerate(a):
        for k in range(2):
            for x, y in ((lo[0, k], lo[1, k]), (lo[0, k], hi[1, k])):
                true = Fraction(row[0]) * Fraction(x) + Fraction(row[1]) * Fraction(y)
                assert Fraction(found.lo[i, k]) <= true <= Fraction(found.hi[i, k])
    assert found.lo[2].tolist() == found.hi[2].tolist() == [0.0, 0.0]
    assert (found.lo[3, 1], found.hi[3, 1]) == (0.0, 0.0)
    for low, high in ((np.nan, np.nan), (-np.inf, np.inf)):  # beside a column of zeros
        x = Interval(np.array([[0.0, low]] * 2), np.array([[0.0, high]] * 2))
        with np.errstate(all="ignore"):  # as in a check
            mixed = rounding.dot(a, x)
        assert not np.isfinite(mixed.lo[:, 1]).any()
        assert (mixed.lo[:, 0] == 0).all()


def random_symmetric(size: int, count: int) -> list[list[list[Fraction]]]:
    result = []
    for _ in range(count):
        m = [
            [Fraction(int(RNG.integers(-99, 99)), int(RNG.integers(1, 50))) for _ in range(size)]
            for _ in range(size)
        ]
        result.append([[m[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)])
    return result


def test_upper_bounds_the_quadratic_form_exactly():
    size, d, width = 5, 2, 7
    matrices = random_symmetric(size, 3)
    q = rounding.enclose(matrices, d)
    m, lin = RNG.normal(size=(size, width)), RNG.normal(size=(d, size, width))
    r, rho = RNG.uniform(size=(d, width)) * 0.1, RNG.uniform(size=(size, width)) * 0.01
    lin[1, :, 3] = r[:, 3] = 0
    found = rounding.upper(q, rounding.Affine(m, lin, r, rho))
    for _ in range(60):
        s = RNG.choice([-1, 1, 0.5], size=(d, width)) * r
        e = RNG.choice([-1, 1], size=(size, width)) * rho
        for k in range(width):
            v = [
                Fraction(m[i, k])
                + Fraction(e[i, k])
                + sum(Fraction(lin[j, i, k]) * Fraction(s[j, k]) for j in range(d))
                for i in range(size)
            ]
            for j, matrix in enumerate(matrices):
                true = sum(
                    a * v[p] * v[w] for p, row in enumerate(matrix) for w, a in enumerate(row)
                )
                assert true <= Fraction(found[j, k])
    point = rounding.upper(q, rounding.Affine(m, lin, 0 * r, 0 * rho))
    floats = np.array([[[float(a) for a in row] for row in matrix] for matrix in matrices])
    assert np.allclose(point, np.einsum("ib,kij,jb->kb", m, floats, m))


def test_upper_refuses_what_is_not_finite():
    q = rounding.enclose(random_symmetric(2, 1), 1)
    for bad in (np.nan, np.inf, 1e200):
        with np.errstate(all="ignore"):
            m = np.array([[bad], [0.0]])
            one = np.ones((1, 2, 1))
            found = rounding.upper(q, rounding.Affine(m, one, np.ones((1, 1)), np.zeros((2, 1))))
            assert not (found < 0).any()
            assert not (found < np.finfo(float).max).any()


def test_congruence_contains_products_of_samples():
    size, d, width = 4, 3, 5
    matrices = random_symmetric(size, 2)
    q = rounding.enclose(matrices, d)
    lo = RNG.normal(size=(d, size, width))
    hi = lo + 0.1 * RNG.uniform(size=lo.shape)
    rows = rounding.congruence(q, Interval(lo, hi))
    for _ in range(20):
        s = np.where(RNG.uniform(size=lo.shape) < 0.5, lo, hi)
        for j, matrix in enumerate(matrices):
            for k in range(width):
                for a in range(d):
                    for b in range(a + 1):
                        true = sum(
                            Fraction(s[a, p, k]) * matrix[p][w] * Fraction(s[b, w, k])
                            for p in range(size)
                            for w in range(size)
                        )
                        entry = rows[a][b]
                        assert Fraction(entry.lo[j, k]) <= true <= Fraction(entry.hi[j, k])


def test_interval_elimination_agrees_with_eigenvalues():
    for _ in range(200):
        size = int(RNG.integers(1, 5))
        a = RNG.normal(size=(size, size))
        a = a + a.T - RNG.uniform(0, 4) * np.eye(size)
        width = 10.0 ** RNG.integers(-12, 0)
        rows = [
            [Interval(a[i : i + 1, j] - width, a[i : i + 1, j] + width) for j in range(i + 1)]
            for i in range(size)
        ]
        if rounding.negative_definite(rows).all():
            for _ in range(20):
                e = RNG.choice([-width, width], size=(size, size))
                assert np.linalg.eigvalsh(a + np.tril(e) + np.tril(e, -1).T).max() < 1e-12
        else:
            assert np.linalg.eigvalsh(a).max() > -3 * size * width - 1e-9
    nothing = Interval(np.array([np.nan]))
    assert not rounding.negative_definite([[nothing]]).any()


def test_schur_agrees_with_numpy():
    for _ in range(50):
        size, last = 6, int(RNG.integers(0, 7))
        a = RNG.normal(size=(size, size))
        a = a @ a.T + RNG.choice([0, 3]) * np.eye(size)
        a = np.round(a * 64) / 64
        a = (a + a.T) / 2
        matrix = [[Fraction(v) for v in row] for row in a.tolist()]
        found = exact.schur(matrix, last)
        k = size - last
        if found is None:
            assert np.linalg.eigvalsh(a[k:, k:]).min() < 1e-9
            continue
        assert last == 0 or np.linalg.eigvalsh(a[k:, k:]).min() > -1e-9
        want = a[:k, :k] - a[:k, k:] @ np.linalg.solve(a[k:, k:], a[k:, :k]) if last else a
        assert np.allclose(np.array([[float(v) for v in row] for row in found]).reshape(k, k), want)
    assert not exact.positive_definite([[Fraction(0)]])
    assert not exact.positive_definite([[Fraction(1), Fraction(1)], [Fraction(1), Fraction(1)]])
    assert exact.positive_definite([])


@pytest.mark.parametrize("name", [*sorted(SMOOTH), "-3", "-1", "0", "1", "2", "3", "6"])
def test_functions_contain_values_and_derivatives(name):
    mpmath.mp.dps = 40
    if name in SMOOTH:
        phi, (a, b) = SMOOTH[name]
        function = functions.FUNCTIONS[name]
    else:
        power = int(name)
        phi, (a, b), function = (
            (lambda z: z**power),
            ((0.1, 3) if power < 0 else (-3, 3)),
            functions.find("pow", power),
        )
    lo = RNG.uniform(a, b, 60)
    hi = np.minimum(lo + 10.0 ** RNG.uniform(-3, 1, 60), b)
    z = Interval(lo, hi)
    value, first = function.jet(z)
    second = function.second(z)
    assert function.smooth(z).all()
    for k in range(60):
        for share in (0, 0.21, 0.5, 0.83, 1):
            x = mpmath.mpf(float(lo[k] + share * (hi[k] - lo[k])))
            x = min(max(x, mpmath.mpf(float(lo[k]))), mpmath.mpf(float(hi[k])))
            assert contains(value, phi(x), k)
            assert contains(first, mpmath.diff(phi, x), k) or abs(mpmath.diff(phi, x)) < 1e-12
            d2 = mpmath.diff(phi, x, 2)
            assert contains(second, d2, k) or abs(d2) < 1e-10


def test_second_derivatives_are_sharp():
    """The critical points are where they should be: the extremes are attained."""
    for name, extreme in (
        ("tanh", 4 / (3 * np.sqrt(3))),
        ("sigmoid", np.sqrt(3) / 18),
        ("atan", 9 / (8 * np.sqrt(3))),
    ):
        found = functions.FUNCTIONS[name].second(Interval(-5.0, 5.0))
        assert found.hi == pytest.approx(extreme, rel=1e-14)
        assert found.lo == pytest.approx(-extreme, rel=1e-14)


@pytest.mark.parametrize(
    ("name", "lo", "hi"),
    [
        ("log", -0.1, 1.0),
        ("log", 0.0, 1.0),
        ("sqrt", 0.0, 1.0),
        ("tan", 1.5, 1.6),
        ("tan", 0.0, 4.0),
        ("-1", -1.0, 1.0),
        ("-1", 0.0, 1.0),
        ("-2", -1.0, 0.0),
        ("exp", -np.inf, 0.0),
        ("tanh", np.nan, np.nan),
        ("softplus", 0.0, np.inf),
        ("softplus", np.nan, 1.0),
        ("atan", 0.0, np.inf),
    ],
)
def test_where_a_function_is_not_smooth_nothing_is_enclosed(name, lo, hi):
    function = functions.FUNCTIONS.get(name) or functions.find("pow", int(name))
    assert not function.smooth(Interval(lo, hi)).any()
    if np.isfinite(lo) and np.isfinite(hi):
        ends = np.array([[lo], [lo]]), np.array([[hi], [hi]])
        xi = taylor.variables(*taylor.reach(*ends))
        form = xi[0].apply(*((name,) if name in functions.FUNCTIONS else ("pow", int(name))))
        zero = taylor.constant(Interval(0.0), form.span)
        for bad in (form, form + xi[1], zero * form, form.apply("pow", 2)):
            assert not np.isfinite(taylor.gather([bad], np.ones((2, 1))).m).any()


ATOMS = [X, Y, Node("const", value=Fraction(3, 7)), Node("const", value=Fraction(-2))]


def trees() -> st.SearchStrategy[Node]:
    """Random expressions that are smooth on |x|, |y| <= 1.5."""

    def grow(child: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        def safe(name: str, a: Node) -> Node:
            square = Node("pow", (Node("tanh", (a,)),), Fraction(2))
            above = Node("+", (square, Node("const", value=Fraction(1, 2))))
            if name in ("log", "sqrt", "recip"):
                return (
                    Node("pow", (above,), Fraction(-1)) if name == "recip" else Node(name, (above,))
                )
            return Node(name, (Node("sin", (a,)) if name in ("exp", "tan") else a,))

        unary = st.builds(safe, st.sampled_from([*sorted(SMOOTH), "recip"]), child)
        powers = st.builds(
            lambda a, k: Node("pow", (Node("sin", (a,)),), Fraction(k)), child, st.integers(0, 5)
        )
        negative = st.builds(lambda a: Node("neg", (a,)), child)
        pairs = st.builds(
            lambda op, a, b: Node(op, (a, b)), st.sampled_from(["+", "*"]), child, child
        )
        return st.one_of(unary, powers, negative, pairs)

    return st.recursive(st.sampled_from(ATOMS), grow, max_leaves=8)


class Multi:
    """mpmath values with the operations of the grammar."""

    def __init__(self, value):
        self.value = mpmath.mpf(value)

    def __add__(self, other):
        return Multi(self.value + other.value)

    def __mul__(self, other):
        return Multi(self.value * other.value)

    def __neg__(self):
        return Multi(-self.value)

    def apply(self, name, exponent=0):
        return Multi(self.value**exponent if name == "pow" else SMOOTH[name][0](self.value))


def true_value(tree: Node, x: float, y: float) -> mpmath.mpf:
    at = (Multi(x), Multi(y))
    return evaluate(
        tree, at.__getitem__, lambda c: Multi(mpmath.mpf(c.numerator) / c.denominator)
    ).value


def boxes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    lo = rng.uniform(-1.5, 1.4, (2, 4))
    hi = np.minimum(lo + 10.0 ** rng.uniform(-3, 0.3, (2, 4)), 1.5)
    return lo, hi


@settings(max_examples=150, deadline=None, derandomize=True)
@given(trees(), st.integers(0, 10**6))
def test_taylor_forms_contain_samples(tree, seed):
    mpmath.mp.dps = 40
    lo, hi = boxes(seed)
    centre, r = taylor.reach(lo, hi)
    xi = taylor.variables(centre, r)
    form = evaluate(
        tree,
        xi.__getitem__,
        lambda c: taylor.constant(Interval(c) + Interval(np.zeros((1, 4))), xi[0].span),
    )
    found = taylor.gather([form], r)
    for k in np.flatnonzero(np.isfinite(found.m[0])):  # the rest is not enclosed: refused
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1), (0.37, 0.81)):
            x, y = (float(lo[i, k] + s * (hi[i, k] - lo[i, k])) for i, s in ((0, a), (1, b)))
            x, y = min(x, hi[0, k]), min(y, hi[1, k])
            line = mpmath.mpf(float(found.m[0, k]))
            line += sum(
                mpmath.mpf(float(found.lin[i, 0, k]))
                * (mpmath.mpf(v) - mpmath.mpf(float(centre[i, k])))
                for i, v in ((0, x), (1, y))
            )
            true = true_value(tree, x, y)
            assert abs(true - line) <= mpmath.mpf(float(found.rho[0, k])) + mpmath.mpf(
                10
            ) ** -33 * (1 + abs(true))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(trees(), st.integers(0, 10**6))
def test_slopes_contain_samples(tree, seed):
    """For d = 2 the slopes are not unique: h(xi) - h(0) must lie in S xi, and in S_x x where y = 0."""
    mpmath.mp.dps = 40
    lo, hi = boxes(seed)
    lo[1, 0] = hi[1, 0] = 0.0
    xi = slopes.variables(lo, hi)
    form = evaluate(
        tree,
        xi.__getitem__,
        lambda c: slopes.constant(Interval(c) + Interval(np.zeros((1, 4))), xi[0].where),
    )
    at_zero = true_value(tree, 0.0, 0.0)
    for k in range(4):
        assert contains(form.zero, at_zero, k) or np.shape(form.zero.lo) == ()
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1), (0.37, 0.81)):
            x, y = (
                float(min(lo[i, k] + s * (hi[i, k] - lo[i, k]), hi[i, k]))
                for i, s in ((0, a), (1, b))
            )
            true = true_value(tree, x, y)
            assert contains(form.box, true, k)
            assert contains(form.hull, true, k)
            reach = Interval(0.0)
            for column, v in zip(form.cols, (x, y), strict=True):
                if column is not None:
                    reach = reach + Interval(column.lo[0, k], column.hi[0, k]) * v
            assert contains(reach, true - at_zero)


def random_network(inputs: int, widths: list[int], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    sizes = [inputs, *widths]
    weights = tuple(rng.normal(size=(b, a)) for a, b in pairwise(sizes))
    return Network(
        tuple(range(inputs)), weights, tuple(rng.normal(size=(b, 1)) for b in sizes[1:-1])
    )


def network_value(net: Network, x: list[mpmath.mpf]) -> list[mpmath.mpf]:
    h = mpmath.matrix(x)
    for weight, bias in zip(net.weights, net.biases, strict=False):
        h = (mpmath.matrix(weight.tolist()) * h + mpmath.matrix(bias.tolist())).apply(mpmath.tanh)
    return list(mpmath.matrix(net.weights[-1].tolist()) * h)


def slope(net: Network, x: list[mpmath.mpf], i: int, o: int) -> mpmath.mpf:
    """The derivative of output o in input i."""
    return mpmath.diff(lambda t: network_value(net, [*x[:i], t, *x[i + 1 :]])[o], x[i])


@pytest.mark.parametrize("widths", [[6, 2], [5, 4, 3]])
def test_networks_contain_samples(widths):
    mpmath.mp.dps = 40
    net = random_network(2, widths, 5)
    lo, hi = boxes(3)
    centre, r = taylor.reach(lo, hi)
    p, pulled = net.taylor(taylor.stack(taylor.variables(centre, r)), True)
    found, back = taylor.gather([p], r), taylor.gather([pulled], r)
    psi, ranges = net.slopes(slopes.stack(slopes.variables(lo, hi)))
    at_zero = network_value(net, [mpmath.mpf(0)] * 2)
    outputs = widths[-1]
    for k in range(4):
        for share in ((0, 0), (1, 0), (0.3, 0.9), (1, 1)):
            x = [
                mpmath.mpf(float(min(lo[i, k] + s * (hi[i, k] - lo[i, k]), hi[i, k])))
                for i, s in enumerate(share)
            ]
            shift = [v - mpmath.mpf(float(c)) for v, c in zip(x, centre[:, k], strict=True)]
            value = network_value(net, x)
            for o in range(outputs):
                true = value[o] - at_zero[o]
                line = sum(mpmath.mpf(float(found.lin[i, o, k])) * shift[i] for i in range(2))
                assert abs(true - line - mpmath.mpf(float(found.m[o, k]))) <= mpmath.mpf(
                    float(found.rho[o, k])
                )
                reach = sum(
                    (
                        Interval(c.lo[o, k], c.hi[o, k]) * Interval(*(2 * [float(v)]))
                        for c, v in zip(psi.cols, x, strict=True)
                    ),
                    Interval(0.0),
                )
                assert contains(reach, true)
                for i in range(2):
                    partial = slope(net, x, i, o)
                    assert ranges[i].lo[o, k] - 1e-12 <= partial <= ranges[i].hi[o, k] + 1e-12
            for i in range(2):
                q = sum(slope(net, x, i, o) * (value[o] - at_zero[o]) for o in range(outputs))
                line = sum(mpmath.mpf(float(back.lin[j, i, k])) * shift[j] for j in range(2))
                gap = abs(q - line - mpmath.mpf(float(back.m[i, k])))
                assert gap <= mpmath.mpf(float(back.rho[i, k])) + mpmath.mpf(10) ** -12


def test_remainders_shrink_quadratically():
    """First-order forms: halving the box divides the remainder by about four."""
    tree = parse_expression("sin(x)*exp(y) - tanh(x*y)", {"x": X, "y": Y}, {}, ("tau",), "here")
    sizes = []
    for width in (0.1, 0.05):
        centre, r = np.full((2, 1), 0.7), np.full((2, 1), width)
        xi = taylor.variables(centre, r)
        sizes.append(taylor.gather([evaluate(tree, xi.__getitem__, lambda c: None)], r).rho[0, 0])
    assert 3.5 < sizes[0] / sizes[1] < 4.5


def test_the_library_does_what_is_relied_upon():
    """Empty intervals stay empty, and comparisons with them are false."""
    nothing = Interval.empty((3,))
    for result in (
        nothing + 1.0,
        nothing * 0.0,
        -nothing,
        ival.sqr(nothing),
        nothing / 2.0,
        nothing & Interval(0.0, 1.0),
    ):
        assert np.isnan(result.lo).all()
        assert not (result.lo > 0).any()
        assert not (result.hi < 0).any()
