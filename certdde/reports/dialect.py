"""What a formula is made of, whatever language it is written in."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html.entities import name2codepoint

from markupsafe import Markup

_SMALL = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
)
# Those that do not look like a letter of ours; LaTeX has no command for the others.
_CAPITAL = (
    "Gamma",
    "Delta",
    "Theta",
    "Lambda",
    "Xi",
    "Pi",
    "Sigma",
    "Upsilon",
    "Phi",
    "Psi",
    "Omega",
)


GREEK = {name: chr(name2codepoint[name]) for name in (*_SMALL, *_CAPITAL)}
_INDEXED = re.compile(r"([A-Za-z]+?)_?([0-9]+)|([A-Za-z]+)_([A-Za-z0-9_]*[A-Za-z0-9])")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a displayed equation, and about how many characters wide it is."""

    text: str
    width: int


@dataclass(frozen=True, slots=True)
class Equation:
    """left relation lines; the lines after the first go on below it."""

    left: str
    lines: tuple[Line, ...]


class Dialect(ABC):
    """A language for formulas: LaTeX, MathML or plain text.

    Implementations owe: whatever comes from a user goes through ``escape``, ``name`` or ``number``; each method
    returns a formula of the language, which the others take; ``inline`` and ``display`` return running text.
    """

    @property
    def typesets(self) -> bool:
        """Whether formulas are typeset; if not, a user's equations are shown as they were written."""
        return True

    @abstractmethod
    def escape(self, text: str) -> Markup:
        """Return running text."""

    @abstractmethod
    def words(self, text: str) -> str:
        """Return text inside a formula."""

    @abstractmethod
    def word(self, text: str) -> str:
        """Return a name of letters, upright if there are several; greek by its English name."""

    @abstractmethod
    def number(self, text: str) -> str:
        """Return a number, given as Python writes it."""

    @abstractmethod
    def symbol(self, name: str) -> str:
        """Return one of the operators and relations, by name."""

    @abstractmethod
    def row(self, *parts: str) -> str:
        """Return the parts one after the other."""

    @abstractmethod
    def sub(self, base: str, index: str) -> str:
        """Return base with an index."""

    @abstractmethod
    def sup(self, base: str, exponent: str) -> str:
        """Return base with an exponent."""

    @abstractmethod
    def dot(self, base: str) -> str:
        """Return the derivative in time."""

    @abstractmethod
    def vector(self, letter: str) -> str:
        """Return a bold letter."""

    @abstractmethod
    def fraction(self, above: str, below: str) -> str:
        """Return above / below."""

    @abstractmethod
    def fence(self, inner: str, left: str = "(", right: str = ")") -> str:
        """Return inner between ( ), [ ] or | |."""

    @abstractmethod
    def root(self, inner: str) -> str:
        """Return the square root."""

    @abstractmethod
    def operator(self, name: str) -> str:
        """Return the name of a function."""

    @abstractmethod
    def integral(self, lower: str, upper: str) -> str:
        """Return an integral sign with its ends."""

    @abstractmethod
    def matrix(self, rows: Sequence[Sequence[str]]) -> str:
        """Return a matrix; one of one entry is that entry."""

    @abstractmethod
    def inline(self, formula: str) -> Markup:
        """Return a formula in running text."""

    @abstractmethod
    def display(self, equations: Sequence[Equation]) -> Markup:
        """Return equations on lines of their own, aligned at their relations."""

    def name(self, name: str, *, dotted: bool = False) -> str:
        """Return a name from a user's file: theta becomes a letter, x1 gets an index, other names stay text.

        ``dotted``: its derivative in time.
        """
        mark = self.dot if dotted else str
        if name in GREEK or (name.isascii() and name.isalpha()):
            return mark(self.word(name))
        match = _INDEXED.fullmatch(name)
        if match is None:
            return mark(self.words(name))
        base, digits, left, right = match.groups()
        if digits:
            return self.sub(mark(self.word(base)), self.number(digits))
        return self.sub(mark(self.word(left)), self.words(right.replace("_", ", ")))

    def call(self, function: str, argument: str) -> str:
        """Return function(argument)."""
        return self.row(function, self.fence(argument))

    def join(self, parts: Sequence[str], separator: str = "comma") -> str:
        """Return the parts with a symbol between them."""
        pieces = [p for part in parts for p in (self.symbol(separator), part)]
        return self.row(*pieces[1:])


Fragment = str | Callable[[Dialect], str]


def typeset(dialect: Dialect, *fragments: Fragment) -> Markup:
    """Return running text: strings are escaped, functions of the dialect are formulas."""
    pieces = [
        dialect.escape(f) if isinstance(f, str) else dialect.inline(f(dialect)) for f in fragments
    ]
    return Markup("").join(pieces)
