"""The grammar of spec 3: from an equation's text to a tree."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .document import decimal
from .exact import Exact
from .feedforward import Feedforward
from .refusal import Refused, require
from .tree import FUNCTIONS, Node, evaluate

MAX_LENGTH = 10_000
MAX_DEPTH = 100
MAX_POWER = 64
MAX_MULTIPLE = 64
_TOKEN = re.compile(
    r" *(?:((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_.])"
    r"|([A-Za-z_][A-Za-z0-9_]*)|(\*\*|[-+*/^(),\[\]]))"
)
Delayed = Callable[[int, int], Node]  # a state at t - k tau_j, of j and k


def parse_expression(
    text: str,
    present: Mapping[str, Node],
    delayed: Mapping[str, Delayed],
    delays: Sequence[str],
    where: str,
    brackets: str = "()",
    networks: Mapping[str, tuple[Feedforward, int]] | None = None,
) -> Node:
    """The tree of `text`; `present` maps states and parameters, `delayed` the delayed states, `networks` their calls.

    `brackets` are those of the times: `x(t - tau)`, or `x[t - tau]` in discrete time.
    """
    require(len(text) <= MAX_LENGTH, where, "is too long")
    tokens, position = [], 0
    stripped = text.rstrip(" ")
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise Refused(where, f"cannot be read from character {position}")
        tokens.append(match.group().strip())
        position = match.end()
    parser = _Parser(tokens, present, delayed, delays, where, brackets, networks or {})
    tree = parser.expression()
    require(not tokens, where, "continues after the expression")
    return tree


@dataclass(slots=True)
class _Parser:
    """Recursive descent, one method per rule of the grammar; `tokens` is consumed."""

    tokens: list[str]
    present: Mapping[str, Node]
    delayed: Mapping[str, Delayed]
    delays: Sequence[str]
    where: str
    brackets: str
    networks: Mapping[str, tuple[Feedforward, int]]
    depth: int = 0

    def take(self, *allowed: str) -> str:
        """The next token if it is one of `allowed` (any, if none is given), else ''."""
        fits = self.tokens and (not allowed or self.tokens[0] in allowed)
        return self.tokens.pop(0) if fits else ""

    def expect(self, token: str) -> None:
        require(self.take(token) == token, self.where, f"lacks a {token!r}")

    def expression(self) -> Node:
        self.depth += 1
        require(self.depth <= MAX_DEPTH + 1, self.where, "is nested too deep")
        terms = [self.term()]
        while sign := self.take("+", "-"):
            term = self.term()
            terms.append(term if sign == "+" else Node("neg", (term,)))
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Node("+", tuple(terms))

    def term(self) -> Node:
        result, count = self.factor(), 1
        while sign := self.take("*", "/"):
            right = self.factor()
            right = right if sign == "*" else Node("pow", (right,), Fraction(-1))
            result, count = Node("*", (result, right)), count + 1
        require(count <= MAX_DEPTH, self.where, "has a product of too many factors")
        return result

    def factor(self) -> Node:
        negative = False
        while sign := self.take("+", "-"):
            negative ^= sign == "-"
        return Node("neg", (self.power(),)) if negative else self.power()

    def power(self) -> Node:
        base = self.atom()
        if not self.take("**", "^"):
            return base
        opened, sign, text = self.take("("), self.take("+", "-"), self.take()
        whole = re.fullmatch("[0-9]{1,2}", text) is not None and int(text) <= MAX_POWER
        require(whole, self.where, f"has an exponent that is not an integer up to {MAX_POWER}")
        if opened:
            self.expect(")")
        require(self.take("**", "^") == "", self.where, "has a power of a power")
        return Node("pow", (base,), Fraction(-int(text) if sign == "-" else int(text)))

    def atom(self) -> Node:
        token = self.take()
        if token == "(":
            return self.closed()
        if token in FUNCTIONS:
            self.expect("(")
            return Node(token, (self.closed(),))
        if token == "clip":
            return self.clipped()
        if token in self.networks:
            network, index = self.networks[token]
            found = self.listed()
            require(
                len(found) == network.widths[0],
                self.where,
                f"has a wrong number of inputs of {token}",
            )
            return Node("net", found, Fraction(index), network)
        if token in self.present:
            return self.state(token)
        require(re.match(r"[0-9.]", token) is not None, self.where, f"has a stray {token!r}")
        return Node("const", value=decimal(token))

    def closed(self) -> Node:
        result = self.expression()
        self.expect(")")
        return result

    def listed(self) -> tuple[Node, ...]:
        """Expressions in parentheses, with commas between them."""
        self.expect("(")
        found = [self.expression()]
        while self.take(","):
            found.append(self.expression())
        self.expect(")")
        return tuple(found)

    def clipped(self) -> Node:
        """clip(z, a, b) = b - relu(b - a - relu(z - a)) for numbers a < b."""
        found = self.listed()
        require(len(found) == 3, self.where, "has a clip that is not clip(z, a, b)")
        low, high = (evaluate(end, _no_variable, Exact).value for end in found[1:])
        require(low < high, self.where, "has a clip with ends that are not in order")
        shifted = Node("+", (found[0], Node("const", value=-low)))
        above = Node("neg", (Node("relu", (shifted,)),))
        left = Node("relu", (Node("+", (Node("const", value=high - low), above)),))
        return Node("+", (Node("const", value=high), Node("neg", (left,))))

    def state(self, name: str) -> Node:
        """`name`, `name(t)` or `name(t - k * delay)`; only a state may have an argument."""
        opening, closing = self.brackets[0], self.brackets[1]
        if name not in self.delayed or not self.take(opening):
            return self.present[name]
        self.expect("t")
        if not self.take("-"):
            self.expect(closing)
            return self.present[name]
        multiple, delay = self.multiple(), self.take(*self.delays)
        require(delay != "", self.where, "lacks the name of a delay")
        self.expect(closing)
        return self.delayed[name](self.delays.index(delay), multiple)

    def multiple(self) -> int:
        """The k of `k * delay`, an integer from 1 to 64; 1 if there is none."""
        if not self.tokens or re.match(r"[0-9.]", self.tokens[0]) is None:
            return 1
        text = self.take()
        whole = re.fullmatch("[0-9]{1,2}", text) is not None and 1 <= int(text) <= MAX_MULTIPLE
        require(whole, self.where, f"has a multiple that is not an integer up to {MAX_MULTIPLE}")
        self.expect("*")
        return int(text)


def _no_variable(_: int) -> Exact:
    raise Refused("system.equations", "has a clip whose ends are no numbers")
