"""The grammar: equations mean what Python makes of the same text, and everything else is refused in one line."""

import math
import re
import sys
from fractions import Fraction

import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from certdde.errors import ProblemError
from certdde.systems import exact_values
from certdde.systems import expressions as ex
from certdde.systems.grammar import MAX_DEPTH, MAX_LENGTH, Names, left_hand_side, parse_equation
from certdde.systems.torch_functions import apply_function

NAMES = Names(("x", "y"), {"k": Fraction("0.7")}, ("tau", "sigma"))
VALUES = {
    ex.Variable("x"): 0.37,
    ex.Variable("y"): -1.21,
    ex.Variable("x", "tau"): 0.83,
    ex.Variable("y", "tau"): -0.45,
    ex.Variable("x", "sigma"): 1.9,
}
PYTHON = {
    **{name: getattr(math, name) for name in ex.FUNCTIONS if name not in ("sigmoid", "relu")},
    "relu": lambda z: max(z, 0.0),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "x": 0.37,
    "y": -1.21,
    "k": 0.7,
    "xd": 0.83,
    "yd": -0.45,
    "xs": 1.9,
}


def parse(text: str) -> ex.Expression:
    return parse_equation(f"x' = {text}", NAMES)[1]


def by_python(text: str) -> float:
    """What Python makes of the text, which comes from this file."""
    for state in "xy":
        text = text.replace(f"{state}(t - tau)", f"{state}d").replace(f"{state}(t)", state)
    text = text.replace("x(t - sigma)", "xs").replace("^", "**")
    return eval(text, {"__builtins__": {}}, PYTHON)


def value_of(text: str) -> float:
    at = {v: torch.tensor(c, dtype=torch.float64) for v, c in VALUES.items()}
    return float(ex.evaluate(parse(text), at, apply_function))


@pytest.mark.parametrize(
    "text",
    [
        "-x**2",
        "-x^2",
        "2*-x",
        "2 - -x",
        "+x - +y",
        "x/y/k",
        "x/y*k",
        "x - y - k",
        "x - (y - k)",
        "x**-2",
        "x**(2)",
        "x**(-2)",
        "x**+3",
        "-x**-3",
        "(-x)**2",
        "2**3*x",
        "x*y**2*k",
        "-2**2",
        "--x",
        "x(t)*x(t - tau) - y(t - tau)/x(t - sigma)",
        "sin(-x)**2 + cos(x*y)",
        "1.5e-1*x + .25*y + 2.*k + 1E1",
        "tanh(atan(exp(x)))/sigmoid(y) - log(x)*sqrt(x)",
        "((x))",
        "x  *\ty",
    ],
)
def test_precedence_is_that_of_python(text):
    assert value_of(text) == pytest.approx(by_python(text), rel=1e-14)


def texts():
    """Texts of expressions with the grammar's own operators, parentheses only where drawn."""
    atoms = st.sampled_from(
        ["x", "y(t)", "x(t - tau)", "y(t - tau)", "x(t - sigma)", "k", "2", "0.5", "1.25e-1", "3."]
    )

    def grow(inner):
        return st.one_of(
            st.tuples(inner, st.sampled_from([" + ", "-", "*", " / "]), inner).map("".join),
            inner.map(lambda e: f"({e})"),
            inner.map(lambda e: f"-{e}"),
            st.tuples(st.sampled_from(ex.FUNCTIONS), inner).map(lambda p: f"{p[0]}({p[1]})"),
            st.tuples(inner, st.sampled_from(["**", "^"]), st.integers(-3, 4)).map(
                lambda p: f"({p[0]}){p[1]}{p[2]}"
            ),
        )

    return st.recursive(atoms, grow, max_leaves=7)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(text=texts())
@example(text="-x--y(t)/2*-k")
def test_values_are_those_of_python(text):
    try:
        wanted = by_python(text)
    except (ZeroDivisionError, ValueError, OverflowError):
        return
    assume(not isinstance(wanted, complex) and math.isfinite(wanted))
    assume(1e-9 < abs(wanted) < 1e9)
    try:
        got = value_of(text)
    except (ZeroDivisionError, OverflowError):
        return
    # Sines of large numbers and cancellation amplify the rounding of either side.
    assert got == pytest.approx(wanted, rel=1e-6, abs=1e-7)


def printed(tree: ex.Expression) -> str:
    match tree:
        case ex.Number(value):
            return f"({value.numerator}/{value.denominator})"
        case ex.Variable(name, None):
            return name
        case ex.Variable(name, delay):
            return f"{name}(t - {delay})"
        case ex.Add(a, b):
            return f"({printed(a)} + {printed(b)})"
        case ex.Multiply(a, b):
            return f"({printed(a)} * {printed(b)})"
        case ex.Divide(a, b):
            return f"({printed(a)} / {printed(b)})"
        case ex.Power(a, k):
            return f"({printed(a)})**{k}"
        case ex.Call(f, a):
            return f"{f}({printed(a)})"


def numbers_as_quotients(tree: ex.Expression) -> ex.Expression:
    match tree:
        case ex.Number(value) if value.denominator != 1 or value < 0:
            top = ex.Number(Fraction(abs(value.numerator)))
            top = ex.negate(top) if value < 0 else top
            return ex.Divide(top, ex.Number(Fraction(value.denominator)))
        case ex.Number(value):
            return ex.Divide(ex.Number(value), ex.Number(Fraction(1)))
        case ex.Add(a, b) | ex.Multiply(a, b) | ex.Divide(a, b):
            return type(tree)(numbers_as_quotients(a), numbers_as_quotients(b))
        case ex.Power(a, k):
            return ex.Power(numbers_as_quotients(a), k)
        case ex.Call(f, a):
            return ex.Call(f, numbers_as_quotients(a))
        case _:
            return tree


def trees():
    numbers = st.fractions(-3, 3, max_denominator=8).map(ex.Number)
    leaves = st.one_of(st.sampled_from(list(VALUES)), numbers)

    def grow(inner):
        pair = st.tuples(inner, inner)
        return st.one_of(
            pair.map(lambda p: ex.Add(*p)),
            pair.map(lambda p: ex.Multiply(*p)),
            pair.map(lambda p: ex.Divide(*p)),
            st.tuples(inner, st.integers(-9, 9)).map(lambda p: ex.Power(*p)),
            st.tuples(st.sampled_from(ex.FUNCTIONS), inner).map(lambda p: ex.Call(*p)),
        )

    return st.recursive(leaves, grow, max_leaves=10)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(tree=trees())
def test_what_is_printed_is_read_back(tree):
    assert parse(printed(tree)) == numbers_as_quotients(tree)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ends too early"),
        ("x +", "ends too early"),
        ("x y", "cannot read"),
        ("2x", "cannot read"),
        ("x**y", "cannot read"),
        ("x**2.0", "cannot read"),
        ("x**2**3", "cannot read"),
        ("x**(1/2)", "cannot read"),
        ("x**65", "the exponent 65 is too large"),
        ("x**" + "9" * 50, "too large"),
        ("z", "unknown name 'z'"),
        ("kk*x", "did you mean k?"),
        ("z(t)", "unknown state 'z'"),
        ("z(t - tau)", "unknown state 'z'"),
        ("k(t - tau)", "unknown state 'k'"),
        ("x(t - tua)", "did you mean tau?"),
        ("x(t - t)", "cannot read"),
        ("x(t + tau)", "cannot read"),
        ("x(t - 0*tau)", "taken 0 times"),
        ("x(t - 65*tau)", "taken 65 times"),
        ("x(t - 99999999999*tau)", "whole number from 1 to 64"),
        ("x(t - 2*tua)", "did you mean tau?"),
        ("z(t - 2*tau)", "unknown state 'z'"),
        ("x(t - tau*2)", "as in x(t - 2*tau)"),
        ("x(t - 1.5*tau)", "as in x(t - 2*tau)"),
        ("x(t - 2)", "as in x(t - 2*tau)"),
        ("x(t - 2*3*tau)", "as in x(t - 2*tau)"),
        ("x(t - tau - sigma)", "as in x(t - 2*tau)"),
        ("x(tau)", "unknown"),
        ("t*x", "cannot read"),
        ("sinn(x)", "did you mean sin?"),
        ("sin(x, y)", "sin takes one argument"),
        ("sin x", "cannot read"),
        ("sin", "unknown name 'sin'"),
        ("1e400*x", "out of range"),
        ("1e-400*x", "out of range"),
        ("1e00000000999999999*x", "out of range"),
        ("0." + "0" * 500 + "1*x", "out of range"),
        ("x; y", "cannot read"),
        ("x = y", "cannot read"),
        ("__import__('os')", "cannot read"),
        ("x\n+ é", "cannot read"),
        ("(" * 300 + "x" + ")" * 300, f"at most {MAX_DEPTH} levels"),
        ("x" + "+x" * (MAX_LENGTH // 2), "characters"),
        ("-" * 2000 + "x", "nested too deeply"),
        ("x" + "*x" * 1500, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(text, said):
    with pytest.raises(ProblemError) as caught:
        parse_equation(f"x' = {text}", NAMES, "system.equations[0]")
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert message.startswith("system.equations[0]: ")
    assert caught.value.wanted


def test_multiples_of_a_delay():
    assert parse("x(t - 1*tau)") == ex.Variable("x", "tau") == parse("x(t - tau)")
    assert parse("x( t-64 * sigma )") == ex.Variable("x", "sigma", 64)
    assert str(parse("x(t - 3*tau)")) == "x(t - 3*tau)"
    split = exact_values.linear_split(parse("2*x(t - 2*tau) - x(t - tau) + x(t - 2*tau)"))
    assert split.coefficients == {ex.Variable("x", "tau", 2): 3, ex.Variable("x", "tau"): -1}


def test_depth_is_limited_whatever_the_interpreter_allows():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        with pytest.raises(ProblemError, match="nested too deeply"):
            parse("x" + "+x" * 500)
    finally:
        sys.setrecursionlimit(limit)
    assert len(ex.variables(parse("x" + "+x*y" * 150))) == 2


@settings(max_examples=150, deadline=None, derandomize=True)
@given(text=st.text(alphabet="xyk0129.e+-*/^()t auin's=,\n\x00é\U0001d54f", max_size=25))
def test_noise_gives_an_expression_or_one_line(text):
    known = {ex.Variable(s, d) for s in "xy" for d in (None, "tau", "sigma")}
    said = ""
    try:
        state, tree = parse_equation(f"x' = {text}", NAMES)
    except ProblemError as error:
        state, tree, said = "x", ex.ZERO, str(error)
    assert "\n" not in said
    assert state == "x"
    assert ex.variables(tree) <= known


@pytest.mark.parametrize("text", ["0e999999999", "0.00e-999999999", "1e0000000002", "00.5"])
def test_numbers_written_oddly_are_read_exactly_and_at_once(text):
    assert parse(text) == ex.Number(
        Fraction(0) if set(text.partition("e")[0]) <= set("0.") else Fraction(text)
    )


@pytest.mark.parametrize("text", ["x = 1", "= 1", "x'' = 1", "1' = 2", "x y' = 1", "x", ""])
def test_a_left_hand_side_is_a_primed_name(text):
    with pytest.raises(ProblemError, match="cannot read the left-hand side"):
        left_hand_side(text, "here")


def test_left_hand_sides():
    assert left_hand_side(" x_1 ' = 2", "here") == "x_1"
    assert parse_equation("x'=-x", NAMES)[0] == "x"


def test_every_error_names_its_place_and_a_remedy():
    with pytest.raises(ProblemError) as caught:
        parse_equation("x' = -q*x", NAMES, "system.equations[3]")
    assert re.fullmatch(r"system\.equations\[3\]: unknown name 'q'; .+", str(caught.value))
