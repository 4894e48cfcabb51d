"""Expressions: evaluation, splitting into linear part and remainder, exact values."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.systems import exact_values
from certdde.systems import expressions as ex
from certdde.systems.grammar import Names, parse_equation
from certdde.systems.torch_functions import apply_function

NAMES = Names(("x", "y"), {"k": Fraction(1, 3)}, ("tau",))
VARIABLES = [
    ex.Variable("x"),
    ex.Variable("y"),
    ex.Variable("x", "tau"),
    ex.Variable("y", "tau"),
]
LAWS = settings(max_examples=150, deadline=None, derandomize=True)


def parse(text: str) -> ex.Expression:
    return parse_equation(f"x' = {text}", NAMES)[1]


def trees(functions=ex.FUNCTIONS):
    numbers = st.fractions(-3, 3, max_denominator=8).map(ex.Number)
    leaves = st.one_of(st.sampled_from(VARIABLES), numbers)

    def grow(inner):
        pairs = st.tuples(inner, inner)
        return st.one_of(
            pairs.map(lambda p: ex.Add(*p)),
            pairs.map(lambda p: ex.Multiply(*p)),
            pairs.map(lambda p: ex.Divide(*p)),
            st.tuples(inner, st.integers(-3, 4)).map(lambda p: ex.Power(*p)),
            st.tuples(st.sampled_from(functions), inner).map(lambda p: ex.Call(*p)),
        )

    return st.recursive(leaves, grow, max_leaves=8)


def exact(expression, values):
    """Evaluate in exact rationals, without the module's own rules; functions are not allowed."""
    match expression:
        case ex.Number(value):
            return value
        case ex.Variable():
            return values[expression]
        case ex.Add(a, b):
            return exact(a, values) + exact(b, values)
        case ex.Multiply(a, b):
            return exact(a, values) * exact(b, values)
        case ex.Divide(a, b):
            return exact(a, values) / exact(b, values)
        case ex.Power(a, k):
            return exact(a, values) ** k
    raise TypeError(expression)


points = st.fixed_dictionaries(
    {v: st.fractions(-2, 2, max_denominator=16) for v in VARIABLES},
)


@LAWS
@given(tree=trees(functions=("sin",)).filter(lambda e: "Call" not in repr(e)), at=points)
def test_a_linear_split_adds_up_to_the_expression(tree, at):
    split = exact_values.linear_split(tree)
    try:
        wanted = exact(tree, at)
    except ZeroDivisionError:
        return
    linear = sum((c * at[v] for v, c in split.coefficients.items()), Fraction(0))
    assert linear + exact(split.remainder, at) == wanted


@LAWS
@given(tree=trees())
def test_a_linear_split_names_every_variable_that_is_not_linear(tree):
    split = exact_values.linear_split(tree)
    assert ex.variables(split.remainder) <= ex.variables(tree)
    assert all(split.coefficients.values())
    again = exact_values.linear_split(split.remainder)
    assert not again.coefficients


@LAWS
@given(tree=trees(), at=points)
def test_folding_changes_no_value(tree, at):
    assert exact_values.rational(exact_values.fold(tree), at) == exact_values.rational(tree, at)
    assert (
        exact_values.linear_split(exact_values.fold(tree)).coefficients
        == exact_values.linear_split(tree).coefficients
    )


@LAWS
@given(tree=trees(functions=("sin",)).filter(lambda e: "Call" not in repr(e)), at=points)
def test_rational_is_exact_where_there_is_a_value(tree, at):
    try:
        wanted = exact(tree, at)
    except ZeroDivisionError:
        wanted = None
    assert exact_values.rational(tree, at) == wanted


@LAWS
@given(tree=trees(), at=points)
def test_substitution_is_evaluation_at_the_values(tree, at):
    replaced = ex.substitute(tree, {v: ex.Number(c) for v, c in at.items()})
    assert not ex.variables(replaced)
    assert exact_values.rational(replaced) == exact_values.rational(tree, at)


@pytest.mark.parametrize(
    ("text", "linear", "nonlinear"),
    [
        ("x", {"x": 1}, ""),
        ("-x(t - tau)/2 + k*(x - 3*y)", {"x(t - tau)": "-1/2", "x": "1/3", "y": -1}, ""),
        ("x + y - x", {"y": 1}, ""),
        ("(1 + x)*y(t - tau)", {}, "x, y(t - tau)"),
        ("x + x**2", {"x": 1}, "x"),
        ("sin(0)*x + exp(0)*y", {"y": 1}, ""),
        ("x/exp(0)", {"x": 1}, ""),
        ("2*sin(x) - 2*x", {"x": -2}, "x"),
        ("1 - cos(y)", {}, "y"),
        ("x*0", {}, ""),
        ("x**1", {}, "x"),
    ],
)
def test_linear_splits_by_hand(text, linear, nonlinear):
    split = exact_values.linear_split(parse(text))
    assert {str(v): c for v, c in split.coefficients.items()} == {
        v: Fraction(c) for v, c in linear.items()
    }
    assert ", ".join(sorted(map(str, ex.variables(split.remainder)))) == nonlinear


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1 + 0.2", Fraction(3, 10)),
        ("1e-2*3", Fraction(3, 100)),
        (".5 + 1.", Fraction(3, 2)),
        ("2**-3", Fraction(1, 8)),
        ("sqrt(4/9)", Fraction(2, 3)),
        ("sqrt(2)", None),
        ("sqrt(0 - 4)", None),
        ("log(1)", 0),
        ("log(2)", None),
        ("cos(0) + exp(0) + sigmoid(0)", Fraction(5, 2)),
        ("sin(0) + tan(0) + tanh(0) + atan(0)", 0),
        ("sin(1)", None),
        ("1/(1 - 1)", None),
        ("0**-1", None),
        ("0**0", 1),
        ("k + k + k", 1),
        ("0*sin(1)", None),
        ("((((2**64)**64)**64)**64)**64", None),
    ],
)
def test_exact_values_by_hand(text, value):
    assert exact_values.rational(parse(text)) == value


def test_a_square_is_seen_as_one():
    seen = []

    class Spy(float):
        def __pow__(self, exponent):
            seen.append(exponent)
            return float(self) ** exponent

    expression = parse("x*x")
    assert ex.evaluate(expression, {ex.Variable("x"): Spy(3.0)}, apply_function) == 9.0
    assert seen == [2]


def test_an_expression_without_variables_is_a_float():
    value = ex.evaluate(parse("sin(0) + 2**3 - k"), {}, apply_function)
    assert isinstance(value, float)
    assert value == pytest.approx(8 - 1 / 3, rel=1e-15)


@LAWS
@given(tree=trees())
def test_tensors_and_floats_give_the_same(tree):
    generator = torch.Generator().manual_seed(0)
    at = {v: torch.rand(3, generator=generator, dtype=torch.float64) + 0.1 for v in VARIABLES}
    try:
        value = ex.evaluate(exact_values.fold(tree), at, apply_function)
        single = [
            ex.evaluate(
                exact_values.fold(tree), {v: float(t[i]) for v, t in at.items()}, apply_function
            )
            for i in range(3)
        ]
    except (ZeroDivisionError, OverflowError):
        return
    if any(isinstance(s, complex) for s in single):
        return
    value = torch.as_tensor(value, dtype=torch.float64).expand(3)
    for got, wanted in zip(value.tolist(), single, strict=True):
        if math.isfinite(wanted) and abs(wanted) < 1e6:
            assert got == pytest.approx(wanted, rel=1e-6, abs=1e-9)
