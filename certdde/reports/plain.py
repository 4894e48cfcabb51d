"""Formulas as plain text, for Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from certdde.reports.dialect import Dialect, Equation
from certdde.reports.escape import escape_markdown, fenced, printable

_SYMBOLS = {
    "plus": " + ",
    "minus": " - ",
    "negative": "-",
    "times": " ",
    "cdot": " * ",
    "equal": " = ",
    "less": " < ",
    "at most": " <= ",
    "in": " in ",
    "comma": ", ",
    "dots": "..",
    "transpose": "T",
    "half": "1/2",
    "differential": "d",
    "prime": "'",
    "star": "*",
    "for": "  for  ",
}


@dataclass(frozen=True, slots=True)
class Plain(Dialect):
    """The notation of the project's documentation."""

    @property
    def typesets(self) -> bool:
        """Return False."""
        return False

    def escape(self, text: str) -> Markup:
        """Return running text of Markdown."""
        return escape_markdown(text)

    def words(self, text: str) -> str:
        """Return text inside a formula."""
        return printable(text)

    def word(self, text: str) -> str:
        """Return a name."""
        return printable(text)

    def name(self, name: str, *, dotted: bool = False) -> str:
        """Return a name as the user wrote it."""
        return printable(name) + ("'" if dotted else "")

    def number(self, text: str) -> str:
        """Return a number."""
        return printable(text)

    def symbol(self, name: str) -> str:
        """Return a symbol."""
        return _SYMBOLS[name]

    def row(self, *parts: str) -> str:
        """Return the parts one after the other."""
        return "".join(parts)

    def sub(self, base: str, index: str) -> str:
        """Return base with an index."""
        return f"{base}_{index}" if index.isalnum() else f"{base}_{{{index}}}"

    def sup(self, base: str, exponent: str) -> str:
        """Return base with an exponent."""
        return f"{base}^{exponent}" if exponent.isalnum() else f"{base}^({exponent})"

    def dot(self, base: str) -> str:
        """Return the derivative in time."""
        return f"{base}'"

    def vector(self, letter: str) -> str:
        """Return a letter."""
        return letter

    def fraction(self, above: str, below: str) -> str:
        """Return above / below."""
        return "/".join(part if _is_one(part) else f"({part})" for part in (above, below))

    def fence(self, inner: str, left: str = "(", right: str = ")") -> str:
        """Return inner between brackets."""
        return f"{left}{inner}{right}"

    def root(self, inner: str) -> str:
        """Return the square root."""
        return f"sqrt({inner})"

    def operator(self, name: str) -> str:
        """Return the name of a function."""
        return name

    def integral(self, lower: str, upper: str) -> str:
        """Return an integral sign."""
        return f"int_{{{lower}}}^{{{upper}}} "

    def matrix(self, rows: Sequence[Sequence[str]]) -> str:
        """Return a matrix as lists of rows."""
        if len(rows) == 1:
            return rows[0][0]
        return f"[{', '.join('[' + ', '.join(row) + ']' for row in rows)}]"

    def inline(self, formula: str) -> Markup:
        """Return a formula in running text."""
        return escape_markdown(formula)

    def display(self, equations: Sequence[Equation]) -> Markup:
        """Return a code block."""
        lines = []
        for equation in equations:
            first, *rest = equation.lines
            lines += [
                f"{equation.left}{first.text}",
                *(f"    {line.text.strip()}" for line in rest),
            ]
        return fenced("\n".join(lines))


def _is_one(text: str) -> bool:
    return all(c.isalnum() or c in "._" for c in text)
