"""Equations are printed as they were meant: what is printed, read again, has the same values."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from certdde.reports.equations import EquationWriter, pack, system_equations, write_sum
from certdde.reports.latex import Latex
from certdde.reports.mathml import MathML
from certdde.reports.plain import Plain
from certdde.systems import DelaySystem
from certdde.systems.expressions import FUNCTIONS, Variable, evaluate
from certdde.systems.grammar import Names, parse_equation
from certdde.systems.torch_functions import apply_function

NAMES = Names(("x", "y", "k"), {}, ("tau",))
VALUES = {Variable("x"): 0.37, Variable("y"): 1.21, Variable("k"): -0.83}
VALUES |= {Variable(name, "tau"): value + 0.11 for (name, value) in (("x", 0.37), ("y", 1.21))}


class Code(Plain):
    """Plain text that the grammar of problem files reads."""

    def symbol(self, name: str) -> str:
        return {"times": "*", "cdot": "*"}.get(name) or Plain().symbol(name)


def texts() -> st.SearchStrategy[str]:
    leaves = st.sampled_from(
        ["x", "y(t)", "k", "x(t - tau)", "y(t - tau)", "2", "0.5", "1e-3", "7"]
    )

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pair = st.tuples(inner, st.sampled_from("+-*/"), inner).map(
            lambda p: f"({p[0]}){p[1]}({p[2]})"
        )
        bare = st.tuples(inner, st.sampled_from("+-*"), inner).map("".join)
        power = st.tuples(inner, st.integers(-2, 3)).map(lambda p: f"({p[0]})**{p[1]}")
        call = st.tuples(st.sampled_from(FUNCTIONS), inner).map(lambda p: f"{p[0]}({p[1]})")
        return st.one_of(pair, bare, power, call, inner.map(lambda e: f"-({e})"))

    return st.recursive(leaves, grow, max_leaves=8)


def value(text: str) -> float:
    _, expression = parse_equation(f"x' = {text}", NAMES)
    try:
        return float(evaluate(expression, VALUES, apply_function))
    except (OverflowError, ZeroDivisionError):
        return math.nan


@settings(max_examples=60, deadline=None, derandomize=True)
@given(texts())
def test_what_is_printed_is_what_was_meant(text):
    _, expression = parse_equation(f"x' = {text}", NAMES)
    expected = value(text)
    assume(math.isfinite(expected) and abs(expected) < 1e12)
    writer = EquationWriter(Code(), frozenset({"k"}))
    printed = write_sum(Code(), writer.terms(expression))
    assert value(printed) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("-(1 + x)*x(t - tau)", r"- (1 + x (t)) \, x (t - \tau)"),
        ("x - k*y", r"x (t) - k \, y (t)"),
        ("0.5*x/3", r"\frac{0.5 \, x (t)}{3}"),
        ("sin(x)**2", r"(\sin (x (t)))^{2}"),
        ("x**-1", r"x (t)^{-1}"),
        ("(x**2)**3", r"(x (t)^{2})^{3}"),
        ("2*3*x", r"2 \cdot 3 \, x (t)"),
        ("1e-20*x", r"1\cdot 10^{-20} \, x (t)"),
    ],
)
def test_latex(text, latex):
    _, expression = parse_equation(f"x' = {text}", NAMES)
    writer = EquationWriter(Latex(), frozenset({"k"}))
    assert write_sum(Latex(), writer.terms(expression)) == latex


@pytest.mark.parametrize(
    ("name", "latex", "mathml"),
    [
        ("theta", r"\theta", "<mi>θ</mi>"),
        ("x1", "x_{1}", "<msub><mi>x</mi><mrow><mrow><mn>1</mn></mrow></mrow></msub>"),
        ("omega_2", r"\omega_{2}", None),
        ("speed", r"\mathrm{speed}", "<mi>speed</mi>"),
        ("x_dot", r"x_{\text{dot}}", None),
        ("_x", r"\text{\_\allowbreak{}x}", "<mtext>_x</mtext>"),
        ("<b>", r"\text{\textless{}b\textgreater{}}", "<mtext>&lt;b&gt;</mtext>"),
    ],
)
def test_names(name, latex, mathml):
    assert Latex().name(name) == latex
    if mathml:
        assert MathML().name(name) == mathml


def test_long_sums_are_broken_and_lose_no_term():
    text = " + ".join(f"{k}*x*sin(y)" for k in range(1, 20))
    _, expression = parse_equation(f"x' = {text}", NAMES)
    lines = pack(Code(), "equal", EquationWriter(Code(), frozenset()).terms(expression))
    assert len(lines) > 3
    assert all(len(line.text) < 75 for line in lines)
    joined = "".join(line.text for line in lines).removeprefix(" = ")
    assert value(joined) == pytest.approx(value(text))


def test_the_equations_of_a_system_keep_the_names_of_its_parameters():
    system = DelaySystem.from_equations(["x' = -gain*x(t - tau)"], parameters={"gain": 2.0})
    (latex,) = system_equations(Latex(), system)
    assert latex.left == r"\dot{x} (t)"
    assert latex.lines[0].text == r"= - \mathrm{gain} \, x (t - \tau)"
    (plain,) = system_equations(Plain(), system)
    assert plain.left + plain.lines[0].text == "x' = -gain*x(t - tau)"
