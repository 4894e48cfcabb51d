"""The system in deviations from its equilibrium, split into linear and nonlinear terms (spec 3)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from .document import Box, Document
from .exact import Exact
from .feedforward import calls
from .refusal import Refused, require
from .syntax import MAX_MULTIPLE, Delayed, parse_expression
from .tree import Node, evaluate
from .unknowns import check_equilibrium, constants, resting, settled

ONE = Fraction(1)
Linear = dict[int, Fraction]


@dataclass(frozen=True, slots=True)
class System:
    """f_i = sum_j linear[i][j] eta_j + rest[i](xi). Variable i < n is x_i, variable n + i is y_i.

    More generally n k + i is x_i(t - k tau), and n (64 j + k) + i is x_i(t - k tau_j) for the delay j = 0, 1, ..
    `xi` are the nonlinear variables in order, `rest[i]` is None where it vanishes identically. Variable -1 - k is the
    unknown constant sigma_k (see `unknowns`): `constants` are those that are axes after xi, in the intervals `spans`.
    `domain` is the domain in deviations, `ends` are its two ends for each state: each an interval, as is `domain`
    the largest, if the equilibrium is known in a box only.
    """

    n: int
    xi: tuple[int, ...]
    linear: tuple[Linear, ...]
    rest: tuple[Node | None, ...]
    domain: Box | None
    ends: tuple[Box, ...] = ()
    constants: tuple[int, ...] = ()
    spans: Box = ()


def build(document: Document, lags: int = 1) -> System:
    """Parse, shift to the equilibrium, check that it is one, split; refuse what does not fit.

    `lags` is the largest k, or 64 j + k, that the kind takes; if that is more than 1, a nonlinear delayed
    state is so at every lag at which it occurs.
    """
    n = len(document.states)
    trees = list(_equations(document))
    occurring = sorted(frozenset().union(*map(variables, trees))) if lags > 1 else range(2 * n)
    xi = tuple(i for i in range(n) if i in document.present)
    xi += tuple(j for j in occurring if j >= n and j % n in document.delayed)
    check_equilibrium(trees, document)
    sigma, spans = constants(document)
    boxed = document.enclosure is not None
    parts = [split(tree, frozenset((*xi, *sigma)), boxed) for tree in trees]
    linear = tuple({j: a for j, a in row.items() if a != 0} for row, _ in parts)
    largest = max((j // n for row in (*linear, xi) for j in row), default=0)
    require(largest <= lags, "system.equations", "has a multiple of a delay, unknown to this kind")
    rests = tuple(rest if rest and depends(rest) else None for _, rest in parts)
    if boxed:
        rests = tuple(rest and settled(rest) for rest in rests)
    ends = _deviations(document)
    domain = None if ends is None else tuple((low[0], high[1]) for low, high in ends)
    needless = not xi and not any(document.parts)
    require(domain is not None or needless, "system.domain", "is needed: not a linear problem")
    return System(
        n, xi, linear, rests, domain, ends or (), sigma if xi else (), spans if xi else ()
    )


def _equations(document: Document) -> Iterator[Node]:
    """The right-hand sides f_i in deviations."""
    n = len(document.states)
    present: dict[str, Node] = {}
    delayed: dict[str, Delayed] = {}
    for name, value in document.parameters.items():
        present[name] = Node("const", value=value)
    for k, name in enumerate(sorted(document.unknown)):
        present[name] = Node("var", value=Fraction(-1 - k))
    for i, name in enumerate(document.states):
        rest = Node("const", value=document.equilibrium[i])
        if document.enclosure is not None:
            rest = Node("var", value=Fraction(resting(document, i)))
        present[name] = _shifted(rest, i)
        delayed[name] = _delayed(rest, i, n)
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
            text[head.end() :],
            present,
            delayed,
            document.delays,
            where,
            brackets,
            calls(document.networks),
        )
        if document.discrete:
            tree = _lowered(tree, document.equilibrium[document.states.index(name)])
        yield tree


def _lowered(tree: Node, rest: Fraction) -> Node:
    """A tree minus the equilibrium's value: the next deviation."""
    return tree if rest == 0 else Node("+", (tree, Node("const", value=-rest)))


def _shifted(rest: Node, j: int) -> Node:
    """Variable j plus the equilibrium's value."""
    variable = Node("var", value=Fraction(j))
    return variable if rest == Node("const") else Node("+", (rest, variable))


def _delayed(rest: Node, i: int, n: int) -> Delayed:
    """State i at t - k tau_j; distinct (j, k), 1 <= k <= 64, have distinct variables."""
    return lambda j, k: _shifted(rest, n * (MAX_MULTIPLE * j + k) + i)


def _deviations(document: Document) -> tuple[Box, ...] | None:
    """Both ends of the domain minus the equilibrium, which must be strictly inside: each an interval."""
    if document.domain is None:
        return None
    shifted = []
    boxes = document.enclosure or tuple((rest, rest) for rest in document.equilibrium)
    for (low, high), (a, b) in zip(document.domain, boxes, strict=True):
        inside = low < a and b < high
        require(inside, "system.domain", "must hold the equilibrium strictly inside")
        shifted.append(((low - b, low - a), (high - b, high - a)))
    return tuple(shifted)


def variables(node: Node) -> frozenset[int]:
    """The variables that occur in a tree."""
    own = frozenset((int(node.value),) if node.op == "var" else ())
    return own.union(*map(variables, node.args))


def depends(node: Node) -> bool:
    """Whether a state occurs in a tree: its value is no constant by its form."""
    return max(variables(node), default=-1) >= 0


def split(node: Node, xi: frozenset[int], boxed: bool = False) -> tuple[Linear, Node | None]:
    """A tree as linear form in the variables outside xi + rest; None is a rest of zero.

    Sums and negations are distributed, products and quotients by constants too; any other
    occurrence of a variable outside xi is refused. If `boxed`, terms that are constants are left out: what is
    meant is the change of the tree from zero deviation.
    """
    if boxed and not depends(node):
        return {}, None
    if variables(node) <= xi:
        return {}, node
    if node.op == "var":
        return {int(node.value): ONE}, None
    if node.op == "+":
        parts = [split(arg, xi, boxed) for arg in node.args]
        rests = tuple(rest for _, rest in parts if rest is not None)
        total: Linear = {}
        for linear, _ in parts:
            for j, a in linear.items():
                total[j] = total.get(j, Fraction(0)) + a
        return total, Node("+", rests) if rests else None
    if node.op == "neg":
        return _scaled(node.args[0], Node("const", value=-ONE), xi, boxed)
    if node.op == "*":
        left, right = node.args
        if not variables(right):
            return _scaled(left, right, xi, boxed)
        if not variables(left):
            return _scaled(right, left, xi, boxed)
    raise Refused("proof.nonlinear", "lacks a variable that occurs in a nonlinear term")


def _scaled(
    node: Node, factor: Node, xi: frozenset[int], boxed: bool
) -> tuple[Linear, Node | None]:
    """The split of factor * node, for a constant factor."""
    by = evaluate(factor, lambda _: Exact(Fraction(0)), Exact).value
    linear, rest = split(node, xi, boxed)
    scaled = None if rest is None else Node("*", (Node("const", value=by), rest))
    return {j: by * a for j, a in linear.items()}, scaled
