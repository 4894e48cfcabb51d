"""The system in deviations from its equilibrium, split into linear and nonlinear terms (spec 3)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from .document import Box, Document
from .exact import Exact
from .refusal import Refused, require
from .syntax import MAX_MULTIPLE, Delayed, Node, evaluate, parse_expression

ONE = Fraction(1)
Linear = dict[int, Fraction]


@dataclass(frozen=True, slots=True)
class System:
    """f_i = sum_j linear[i][j] eta_j + rest[i](xi). Variable i < n is x_i, variable n + i is y_i.

    More generally n k + i is x_i(t - k tau), and n (64 j + k) + i is x_i(t - k tau_j) for the delay j = 0, 1, ..
    `xi` are the nonlinear variables in order, `rest[i]` is None where it vanishes identically,
    `domain` is the domain in deviations.
    """

    n: int
    xi: tuple[int, ...]
    linear: tuple[Linear, ...]
    rest: tuple[Node | None, ...]
    domain: Box | None


def build(document: Document, lags: int = 1) -> System:
    """Parse, shift to the equilibrium, check that it is one, split; refuse what does not fit.

    `lags` is the largest k, or 64 j + k, that the kind takes.
    """
    n = len(document.states)
    xi = tuple(i for i in range(n) if i in document.present)
    xi += tuple(n + i for i in range(n) if i in document.delayed)
    parts = [split(tree, frozenset(xi)) for tree in _equations(document)]
    linear = tuple({j: a for j, a in row.items() if a != 0} for row, _ in parts)
    largest = max((j // n for row in linear for j in row), default=0)
    require(largest <= lags, "system.equations", "has a multiple of a delay, unknown to this kind")
    rests = tuple(rest if rest and variables(rest) else None for _, rest in parts)
    domain = _deviations(document)
    needless = not xi and not any(document.parts)
    require(domain is not None or needless, "system.domain", "is needed: not a linear problem")
    return System(n, xi, linear, rests, domain)


def _equations(document: Document) -> Iterator[Node]:
    """The right-hand sides f_i in deviations; f_i(0, 0) = 0 exactly."""
    n = len(document.states)
    present: dict[str, Node] = {}
    delayed: dict[str, Delayed] = {}
    for name, value in document.parameters.items():
        present[name] = Node("const", value=value)
    for i, name in enumerate(document.states):
        present[name] = _shifted(document.equilibrium[i], i)
        delayed[name] = _delayed(document.equilibrium[i], i, n)
    for name, text in zip(document.states, document.equations, strict=True):
        where = f"equation of {name}"
        mark = r"\[ *t *\+ *1 *\]" if document.discrete else "'"
        head = re.match(rf" *{name} *{mark} *=", text)
        if head is None:
            raise Refused(
                where, f"must begin with {name}{'[t+1]' if document.discrete else chr(39)} ="
            )
        brackets = "[]" if document.discrete else "()"
        tree = parse_expression(
            text[head.end() :], present, delayed, document.delays, where, brackets
        )
        if document.discrete:
            tree = _lowered(tree, document.equilibrium[document.states.index(name)])
        at_rest = evaluate(tree, lambda _: Exact(Fraction(0)), Exact)
        require(at_rest.value == 0, where, "is not zero at the equilibrium")
        yield tree


def _lowered(tree: Node, rest: Fraction) -> Node:
    """A tree minus the equilibrium's value: the next deviation."""
    return tree if rest == 0 else Node("+", (tree, Node("const", value=-rest)))


def _shifted(rest: Fraction, j: int) -> Node:
    """Variable j plus the equilibrium's value."""
    variable = Node("var", value=Fraction(j))
    return variable if rest == 0 else Node("+", (Node("const", value=rest), variable))


def _delayed(rest: Fraction, i: int, n: int) -> Delayed:
    """State i at t - k tau_j; distinct (j, k), 1 <= k <= 64, have distinct variables."""
    return lambda j, k: _shifted(rest, n * (MAX_MULTIPLE * j + k) + i)


def _deviations(document: Document) -> Box | None:
    """The domain minus the equilibrium, which must be strictly inside."""
    if document.domain is None:
        return None
    shifted = []
    for (low, high), rest in zip(document.domain, document.equilibrium, strict=True):
        require(low < rest < high, "system.domain", "must hold the equilibrium strictly inside")
        shifted.append((low - rest, high - rest))
    return tuple(shifted)


def variables(node: Node) -> frozenset[int]:
    """The variables that occur in a tree."""
    own = frozenset((int(node.value),) if node.op == "var" else ())
    return own.union(*map(variables, node.args))


def split(node: Node, xi: frozenset[int]) -> tuple[Linear, Node | None]:
    """A tree as linear form in the variables outside xi + rest; None is a rest of zero.

    Sums and negations are distributed, products and quotients by constants too; any other
    occurrence of a variable outside xi is refused.
    """
    if variables(node) <= xi:
        return {}, node
    if node.op == "var":
        return {int(node.value): ONE}, None
    if node.op == "+":
        parts = [split(arg, xi) for arg in node.args]
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
        if not variables(right):
            return _scaled(left, right, xi)
        if not variables(left):
            return _scaled(right, left, xi)
    raise Refused("proof.nonlinear", "lacks a variable that occurs in a nonlinear term")


def _scaled(node: Node, factor: Node, xi: frozenset[int]) -> tuple[Linear, Node | None]:
    """The split of factor * node, for a constant factor."""
    by = evaluate(factor, lambda _: Exact(Fraction(0)), Exact).value
    linear, rest = split(node, xi)
    scaled = None if rest is None else Node("*", (Node("const", value=by), rest))
    return {j: by * a for j, a in linear.items()}, scaled
