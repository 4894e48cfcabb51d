"""The ball arithmetic contains what it should: functions, forms and slopes against 40 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from flint import arb, arb_mat, ctx

from certdde.verify.checker.syntax import parse_expression
from certdde.verify.checker.tree import FUNCTIONS as NAMES
from certdde.verify.checker.tree import Node, evaluate
from certdde.verify.second_opinion import balls
from certdde.verify.second_opinion.forms import Form, Slope, quadratic, star

MP = mpmath.mp.clone()
MP.dps = 40
EXACT = {name: getattr(MP, name) for name in NAMES if name not in ("sigmoid", "relu")}
EXACT["sigmoid"] = lambda z: 1 / (1 + MP.exp(-z))
EXACT["softplus"] = lambda z: MP.log1p(MP.exp(z))  # of networks


@pytest.fixture(autouse=True)
def bits():
    with ctx.workprec(128):
        yield


def holds(enclosure: arb, value: mpmath.mpf) -> bool:
    """Whether a ball holds a number known to 40 digits (so up to 1e-30 of its size)."""
    slack = MP.mpf(10) ** -30 * (1 + abs(value))
    low, high = (
        MP.mpf(end.str(45, radius=False)) for end in (enclosure.lower(), enclosure.upper())
    )
    return low - slack <= value <= high + slack


def interval(low: float, high: float) -> arb:
    return arb(low).union(arb(high))


@pytest.mark.parametrize("name", [*sorted(EXACT), "pow"])
def test_ranges_of_functions(name):
    rng = np.random.default_rng(len(name))
    for k in range(60):
        a, b = np.sort(rng.uniform(-7, 7, 2))
        power = int(rng.integers(-4, 7))
        b = b if k % 3 else a + 0.01 * (b - a)
        phi = balls.find(name, power)
        f = EXACT.get(name) or (lambda z, power=power: z**power)
        z = interval(a, b)
        found = [phi.value(z), phi.first(z), phi.second(z)]
        for t in np.linspace(a, b, 9):
            if not found[2].is_finite():
                continue
            point = MP.mpf(float(t))
            for order, ball in enumerate(found):
                assert holds(ball, MP.diff(f, point, order) if order else f(point)) or order, (
                    name,
                    a,
                    b,
                )
                if order:
                    assert holds(ball + interval(-1e-9, 1e-9), MP.diff(f, point, order)), (
                        name,
                        a,
                        b,
                        order,
                    )


def test_what_is_not_smooth_is_nan():
    for name, z in (
        ("log", (-1, 1)), ("sqrt", (0, 1)), ("tan", (1.5, 1.6)), ("tan", (-9, 9)), ("log", (0, 0)),
    ):  # fmt: skip
        assert not balls.find(name, 0).second(interval(*z)).is_finite()
    assert not balls.find("pow", -1).second(interval(-1, 1)).is_finite()
    assert not balls.find("tanh", 0).second(arb.nan()).is_finite()
    assert not Form.variables([-1.0], [1.0])[0].apply("pow", -2).e.is_finite()
    assert not Slope.variables([0.5], [1.0])[0].apply("log").cols[0].is_finite()


def test_squares_hold_zero():
    for low, high in ((-1.0, 2.0), (0.0, 1.0), (-3.0, 0.0), (-1e-300, 1e-300)):
        assert balls.square(interval(low, high)).contains(0)
        assert balls.power(interval(low, high), 4).contains(0)


EXPRESSIONS = [
    "x*y", "x**3 - 2*x*y + y", "sin(x)*cos(y)", "exp(x)/(3 + y)", "tanh(2*x - y)**2", "log(2 + x)*sqrt(2 + y)",
    "sigmoid(x*y) - 1/2", "atan(x + 3*y)", "tan(x/2)", "(1 + x**2)**-2*y",
]  # fmt: skip


def tree(text: str) -> Node:
    from fractions import Fraction

    names = {name: Node("var", value=Fraction(k)) for k, name in enumerate("xy")}
    return parse_expression(text, names, {}, ("tau",), "test")


class Number:
    """A number of 40 digits with the operations of the grammar."""

    def __init__(self, value) -> None:
        self.value = MP.mpf(value)

    def __add__(self, other):
        return Number(self.value + other.value)

    def __mul__(self, other):
        return Number(self.value * other.value)

    def __neg__(self):
        return Number(-self.value)

    def apply(self, name, exponent=0):
        return Number(self.value**exponent if name == "pow" else EXACT[name](self.value))


def exact(node: Node, point) -> mpmath.mpf:
    def constant(v):
        return Number(MP.mpf(v.numerator) / v.denominator)

    return evaluate(node, lambda i: Number(float(point[i])), constant).value


def constants(first):
    return lambda v: first.constant(balls.ball(v))


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_forms_and_slopes_contain_samples(text):
    rng = np.random.default_rng(0)
    node = tree(text)
    at_zero = exact(node, (0, 0))
    for k in range(12):
        low = rng.uniform(-1, 0.8, 2)
        high = np.minimum(low + rng.uniform(0, 1, 2) * (0.5 if k % 2 else 0.01), 1.0)
        low, high = low.tolist(), high.tolist()
        x = Form.variables(low, high)
        form = evaluate(node, x.__getitem__, constants(x[0]))
        s = Slope.variables(low, high)
        slope = evaluate(node, s.__getitem__, constants(s[0]))
        for point in rng.uniform(low, high, (5, 2)).tolist():
            value = exact(node, point)
            moved = [
                arb(p) - (arb(a) + arb(b)) / 2 for p, a, b in zip(point, low, high, strict=True)
            ]
            linear = sum((a * m for a, m in zip(form.lin, moved, strict=True)), form.c)
            assert holds(linear + form.e, value)
            assert holds(slope.box, value)
            assert holds(slope.zero, at_zero)
            rise = sum((a * arb(p) for a, p in zip(slope.cols, point, strict=True)), arb(0))
            assert holds(rise, value - at_zero)


def test_quadratic_forms_contain_samples():
    rng = np.random.default_rng(3)
    for _ in range(20):
        h = rng.normal(size=(3, 3))
        h = h + h.T
        low = rng.uniform(-1, 0.5, 2)
        high = low + rng.uniform(0, 0.5, 2)
        x, y = Form.variables(low.tolist(), high.tolist())
        bound = quadratic([x, y, (x * y).apply("tanh")], arb_mat(h.tolist()))
        for a, b in rng.uniform(low, high, (10, 2)):
            v = np.array([a, b, np.tanh(a * b)])
            assert float(bound.lower()) - 1e-12 <= v @ h @ v <= float(bound.upper()) + 1e-12


def test_star_refuses_what_is_not_definite():
    rows = [(arb(1), arb(0)), (arb(0), arb(1))]
    assert star(rows, arb_mat([[-2, 1], [1, -2]]))
    assert not star(rows, arb_mat([[-1, 1], [1, -1]]))
    assert not star(rows, arb_mat([[-2, 3], [3, -2]]))
    wide = [(arb(1, 2), arb(0)), (arb(0), arb(1))]
    assert not star(wide, arb_mat([[-2, 1], [1, -2]]))
    nan = [(arb.nan(), arb(0)), (arb(0), arb(1))]
    assert not star(nan, arb_mat([[-2, 1], [1, -2]]))
