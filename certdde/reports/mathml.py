"""Formulas in MathML Core, for HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from certdde.reports.dialect import GREEK, Dialect, Equation
from certdde.reports.escape import escape_html

_SYMBOLS = {
    "plus": "<mo>+</mo>",
    "minus": "<mo>−</mo>",  # noqa: RUF001
    "negative": '<mo form="prefix">−</mo>',  # noqa: RUF001
    "times": '<mspace width="0.17em"></mspace>',
    "cdot": "<mo>·</mo>",
    "equal": "<mo>=</mo>",
    "less": "<mo>&lt;</mo>",
    "at most": "<mo>≤</mo>",
    "in": "<mo>∈</mo>",
    "comma": '<mo>,</mo><mspace width="0.3em"></mspace>',
    "dots": "<mo>…</mo>",
    "transpose": "<mi>⊤</mi>",  # noqa: RUF001
    "half": "<mfrac><mn>1</mn><mn>2</mn></mfrac>",
    "differential": '<mi mathvariant="normal">d</mi>',
    "prime": "<mo>′</mo>",  # noqa: RUF001
    "star": "<mo>*</mo>",
    "for": '<mspace width="1em"></mspace><mtext>for</mtext><mspace width="1em"></mspace>',
}

_TALL = ("<mfrac", "<msqrt", "<msubsup", "<mtable", "<msup")


@dataclass(frozen=True, slots=True)
class MathML(Dialect):
    """MathML Core, which browsers show without help."""

    def escape(self, text: str) -> Markup:
        """Return running text."""
        return escape_html(text)

    def words(self, text: str) -> str:
        """Return text inside a formula."""
        return f"<mtext>{escape_html(text)}</mtext>"

    def word(self, text: str) -> str:
        """Return a name."""
        return f"<mi>{GREEK.get(text) or escape_html(text)}</mi>"

    def number(self, text: str) -> str:
        """Return a number."""
        mantissa, _, exponent = text.partition("e")
        sign = self.symbol("minus") if mantissa.startswith("-") else ""
        value = f"{sign}<mn>{escape_html(mantissa.removeprefix('-'))}</mn>"
        if exponent:
            power = self.sup("<mn>10</mn>", self.number(str(int(exponent))))
            value = f"{value}<mo>·</mo>{power}"
        return f"<mrow>{value}</mrow>"

    def symbol(self, name: str) -> str:
        """Return a symbol."""
        return _SYMBOLS[name]

    def row(self, *parts: str) -> str:
        """Return the parts one after the other."""
        return f"<mrow>{''.join(parts)}</mrow>"

    def sub(self, base: str, index: str) -> str:
        """Return base with an index."""
        return f"<msub>{base}<mrow>{index}</mrow></msub>"

    def sup(self, base: str, exponent: str) -> str:
        """Return base with an exponent."""
        return f"<msup>{base}<mrow>{exponent}</mrow></msup>"

    def dot(self, base: str) -> str:
        """Return the derivative in time."""
        return f'<mover accent="true">{base}<mo>˙</mo></mover>'

    def vector(self, letter: str) -> str:
        """Return a bold letter."""
        return f'<mi mathvariant="normal" class="vector">{escape_html(letter)}</mi>'

    def fraction(self, above: str, below: str) -> str:
        """Return above / below."""
        return f"<mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac>"

    def fence(self, inner: str, left: str = "(", right: str = ")") -> str:
        """Return inner between brackets."""
        tall = any(tag in inner for tag in _TALL)
        fixed = 'lspace="0" rspace="0"' + ("" if tall else ' stretchy="false"')
        opening = f'<mo form="prefix" {fixed}>{left}</mo>'
        return f'<mrow>{opening}{inner}<mo form="postfix" {fixed}>{right}</mo></mrow>'

    def root(self, inner: str) -> str:
        """Return the square root."""
        return f"<msqrt>{inner}</msqrt>"

    def operator(self, name: str) -> str:
        """Return the name of a function."""
        return f"<mi>{ {'atan': 'arctan'}.get(name, name) }</mi>"

    def integral(self, lower: str, upper: str) -> str:
        """Return an integral sign."""
        return f"<msubsup><mo>∫</mo><mrow>{lower}</mrow><mrow>{upper}</mrow></msubsup>"

    def matrix(self, rows: Sequence[Sequence[str]]) -> str:
        """Return a matrix."""
        if len(rows) == 1:
            return rows[0][0]
        cells = ("".join(f"<mtd>{entry}</mtd>" for entry in row) for row in rows)
        return self.fence(f"<mtable>{''.join(f'<mtr>{row}</mtr>' for row in cells)}</mtable>")

    def inline(self, formula: str) -> Markup:
        """Return a formula in running text."""
        return Markup(f"<math><mrow>{formula}</mrow></math>")

    def display(self, equations: Sequence[Equation]) -> Markup:
        """Return a table of two columns in a ``<math>``."""
        rows = [row for equation in equations for row in self._rows(equation)]
        table = "".join(f"<mtr><mtd>{left}</mtd><mtd>{right}</mtd></mtr>" for left, right in rows)
        return Markup(f'<math display="block"><mtable class="equations">{table}</mtable></math>')

    def _rows(self, equation: Equation) -> list[tuple[str, str]]:
        first, *rest = equation.lines
        indent = '<mspace width="1.5em"></mspace>'
        return [(equation.left, first.text)] + [("", f"{indent}{line.text}") for line in rest]
