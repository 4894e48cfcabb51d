"""Formulas in LaTeX (amsmath)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from certdde.reports.dialect import GREEK, Dialect, Equation, Line
from certdde.reports.escape import escape_latex

WIDEST = 76  # characters of a displayed line; a wider one is made smaller
_SYMBOLS = {
    "plus": "+",
    "minus": "-",
    "negative": "-",
    "times": r"\,",
    "cdot": r"\cdot",
    "equal": "=",
    "less": "<",
    "at most": r"\le",
    "in": r"\in",
    "comma": r",\;",
    "dots": r"\dots",
    "transpose": r"\top",
    "half": r"\tfrac{1}{2}",
    "differential": r"\mathrm{d}",
    "prime": "'",
    "star": "*",
    "for": r"\quad\text{for}\quad",
}
_TALL = (r"\frac", r"\int", r"\sqrt", r"\left")
_OPERATORS = ("sin", "cos", "tan", "tanh", "exp", "log")


@dataclass(frozen=True, slots=True)
class Latex(Dialect):
    """LaTeX."""

    def escape(self, text: str) -> Markup:
        """Return running text."""
        return escape_latex(text)

    def words(self, text: str) -> str:
        """Return text inside a formula."""
        return rf"\text{{{escape_latex(text)}}}"

    def word(self, text: str) -> str:
        """Return a name."""
        if text in GREEK:
            return "\\" + text
        return text if len(text) == 1 else rf"\mathrm{{{text}}}"

    def number(self, text: str) -> str:
        """Return a number."""
        mantissa, _, exponent = text.partition("e")
        if not exponent:
            return str(escape_latex(mantissa))
        return rf"{escape_latex(mantissa)}\cdot 10^{{{int(exponent)}}}"

    def symbol(self, name: str) -> str:
        """Return a symbol."""
        return _SYMBOLS[name]

    def row(self, *parts: str) -> str:
        """Return the parts one after the other."""
        return " ".join(parts)

    def sub(self, base: str, index: str) -> str:
        """Return base with an index."""
        return f"{base}_{{{index}}}"

    def sup(self, base: str, exponent: str) -> str:
        """Return base with an exponent."""
        return f"{base}^{{{exponent}}}"

    def dot(self, base: str) -> str:
        """Return the derivative in time."""
        return rf"\dot{{{base}}}"

    def vector(self, letter: str) -> str:
        """Return a bold letter."""
        return rf"\mathbf{{{letter}}}"

    def fraction(self, above: str, below: str) -> str:
        """Return above / below."""
        return rf"\frac{{{above}}}{{{below}}}"

    def fence(self, inner: str, left: str = "(", right: str = ")") -> str:
        """Return inner between brackets."""
        if not any(tall in inner for tall in _TALL):
            return rf"\lvert {inner}\rvert" if left == "|" else f"{left}{inner}{right}"
        return rf"\mathopen{{}}\left{left}{inner}\right{right}\mathclose{{}}"

    def root(self, inner: str) -> str:
        """Return the square root."""
        return rf"\sqrt{{{inner}}}"

    def operator(self, name: str) -> str:
        """Return the name of a function."""
        known = {"atan": r"\arctan"} | {f: "\\" + f for f in _OPERATORS}
        return known.get(name, rf"\operatorname{{{name}}}")

    def integral(self, lower: str, upper: str) -> str:
        """Return an integral sign."""
        return rf"\int_{{{lower}}}^{{{upper}}}"

    def matrix(self, rows: Sequence[Sequence[str]]) -> str:
        """Return a matrix."""
        if len(rows) == 1:
            return rows[0][0]
        body = r" \\ ".join(" & ".join(row) for row in rows)
        return rf"\begin{{pmatrix}}{body}\end{{pmatrix}}"

    def inline(self, formula: str) -> Markup:
        """Return a formula in running text."""
        return Markup(f"${formula}$")

    def display(self, equations: Sequence[Equation]) -> Markup:
        """Return an ``align*``."""
        rows = [row for equation in equations for row in self._rows(equation)]
        return Markup("\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}")

    def _rows(self, equation: Equation) -> list[str]:
        first, *rest = equation.lines
        rows = [f"{equation.left} &{_fitting(first)}"]
        return rows + [rf"&\quad {_fitting(line)}" for line in rest]


def _fitting(line: Line) -> str:
    if line.width <= WIDEST:
        return line.text
    return rf"\certddewide{{$\displaystyle {line.text}$}}"
