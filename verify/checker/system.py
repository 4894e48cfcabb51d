"""The system in deviations from its equilibrium, split into linear and nonlinear terms (spec 3)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from .document import Box, Document
from .exact import Exact
from .refusal import Refused, require
from .syntax import Node, evaluate, parse_expression

ONE = Fraction(1)
Linear = dict[int, Fraction]


@dataclass(frozen=True, slots=True)
class System:
    """f_i = sum_j linear[i][j] eta_j + rest[i](xi). Variable i < n is x_i, variable n + i is y_i.

    `xi` are the nonlinear variables in order, `rest[i]` is None where it vanishes identically,
    `domain` is the domain in deviations.
    """

    n: int
    xi: tuple[int, ...]
    linear: tuple[Linear, ...]
    rest: tuple[Node | None, ...]
    domain: Box | None


def build(document: Document) -> System:
    """Parse, shift to the equilibrium, check that it is one, split; refuse what does not fit."""
    n = len(document.states)
    xi = tuple(i for i in range(n) if i in document.present)
    xi += tuple(n + i for i in range(n) if i in document.delayed)
    split = [_split(tree, frozenset(xi)) for tree in _equations(document)]
    rests = tuple(rest if rest and _variables(rest) else None for _, rest in split)
    domain = _deviations(document)
    needless = not xi and not any(document.parts)
    require(domain is not None or needless, "system.domain", "is needed: not a linear problem")
    return System(n, xi, tuple(linear for linear, _ in split), rests, domain)


def _equations(document: Document) -> Iterator[Node]:
    """The right-hand sides f_i in deviations; f_i(0, 0) = 0 exactly."""
    n = len(document.states)
    present: dict[str, Node] = {}
    delayed: dict[str, Node] = {}
    for name, value in document.parameters.items():
        present[name] = Node("const", value=value)
    for i, name in enumerate(document.states):
        rest = Node("const", value=document.equilibrium[i])
        for table, j in ((present, i), (delayed, n + i)):
            variable = Node("var", value=Fraction(j))
            table[name] = Node("+", (rest, variable)) if rest.value != 0 else variable
    for name, text in zip(document.states, document.equations, strict=True):
        where = f"equation of {name}"
        head = re.match(rf" *{name} *' *=", text)
        if head is None:
            raise Refused(where, f"must begin with {name}' =")
        tree = parse_expression(text[head.end() :], present, delayed, document.delay, where)
        at_rest = evaluate(tree, lambda _: Exact(Fraction(0)), Exact)
        require(at_rest.value == 0, where, "is not zero at the equilibrium")
        yield tree


def _deviations(document: Document) -> Box | None:
    """The domain minus the equilibrium, which must be strictly inside."""
    if document.domain is None:
        return None
    shifted = []
    for (low, high), rest in zip(document.domain, document.equilibrium, strict=True):
        require(low < rest < high, "system.domain", "must hold the equilibrium strictly inside")
        shifted.append((low - rest, high - rest))
    return tuple(shifted)


def _variables(node: Node) -> frozenset[int]:
    """The variables that occur in a tree."""
    own = frozenset((int(node.value),) if node.op == "var" else ())
    return own.union(*map(_variables, node.args))


def _split(node: Node, xi: frozenset[int]) -> tuple[Linear, Node | None]:
    """A tree as linear form in the variables outside xi + rest; None is a rest of zero.

    Sums and negations are distributed, products and quotients by constants too; any other
    occurrence of a variable outside xi is refused.
    """
    if _variables(node) <= xi:
        return {}, node
    if node.op == "var":
        return {int(node.value): ONE}, None
    if node.op == "+":
        parts = [_split(arg, xi) for arg in node.args]
        rests = tuple(rest for _, rest in parts if rest is not None)
        total: Linear = {}
        for linear, _ in parts:
            for j, a in linear.items():
                total[j] = total.get(j, Fraction(0)) + a
        return total, Node("+", rests) if rests else None
    if node.op == "neg":
        return _scaled(node.args[0], Node("const", value=-ONE), xi)
    if node.op == "*":
        left, right = node.args
        if not _variables(right):
            return _scaled(left, right, xi)
        if not _variables(left):
            return _scaled(right, left, xi)
    raise Refused("proof.nonlinear", "lacks a variable that occurs in a nonlinear term")


def _scaled(node: Node, factor: Node, xi: frozenset[int]) -> tuple[Linear, Node | None]:
    """The split of factor * node, for a constant factor."""
    by = evaluate(factor, lambda _: Exact(Fraction(0)), Exact).value
    linear, rest = _split(node, xi)
    scaled = None if rest is None else Node("*", (Node("const", value=by), rest))
    return {j: by * a for j, a in linear.items()}, scaled
