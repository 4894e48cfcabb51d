"""Constants that are known in intervals: parameters, and an equilibrium that is no decimal (spec, "Intervals")."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np
from ival import Interval

from . import slopes
from .document import Box, Document
from .exact import Exact
from .feedforward import Feedforward
from .forest import outward
from .functions import bounded
from .network_values import through
from .refusal import Refused, require
from .slopes import Slope
from .tree import Node, evaluate

MAX_TERMS = 20_000
ZERO, ONE = Fraction(0), Fraction(1)
Monomial = frozenset[tuple[object, int]]  # atoms and their exponents


def constants(document: Document) -> tuple[tuple[int, ...], Box]:
    """The constants sigma that are axes, as variables of `System`, and their intervals.

    Parameter k, in order of name, is the variable -1 - k; then x*_i of state i, an axis if its value now or delayed
    is nonlinear.
    """
    ranges = [document.unknown[name] for name in sorted(document.unknown)]
    found = list(range(-1, -1 - len(ranges), -1))
    for i, span in enumerate(document.enclosure or ()):
        if i in document.present | document.delayed:
            found.append(resting(document, i))
            ranges.append(span)
    return tuple(found), tuple(ranges)


def resting(document: Document, i: int) -> int:
    """The variable x*_i."""
    return -1 - len(document.unknown) - i


def settled(node: Node) -> Node:
    """A tree minus its value at zero deviation."""
    return Node("+", (node, Node("neg", (_at_zero(node),))))


def _at_zero(node: Node) -> Node:
    if node.op == "var" and node.value >= 0:
        return Node("const", value=ZERO)
    return replace(node, args=tuple(map(_at_zero, node.args)))


def check_equilibrium(trees: Sequence[Node], document: Document) -> None:
    """Show f = 0 at the equilibrium that is known, for all parameters; or at exactly one point of its box."""
    if document.enclosure is not None:
        _check_unique(trees, document, document.enclosure)
        return
    for name, tree in zip(document.states, trees, strict=True):
        where = f"equation of {name}"
        if not document.unknown:
            at_rest = evaluate(tree, lambda _: Exact(ZERO), Exact)
            require(at_rest.value == 0, where, "is not zero at the equilibrium")
            continue
        formal = evaluate(tree, _atom, lambda v: Formal({frozenset(): v} if v else {}))
        require(not formal.terms, where, "is not zero at the equilibrium for all parameters")
        value = evaluate(tree, partial(_point, document, None), partial(_number, ()))
        require(bool(bounded(value.box).all()), where, "is not smooth for all parameters")


@dataclass(frozen=True, slots=True)
class Formal:
    """A polynomial with rational coefficients in atoms: parameters, and functions of such polynomials.

    Lemma: where every function is smooth, equal polynomials have equal values, whatever the parameters are.
    """

    terms: dict[Monomial, Fraction]

    def __add__(self, other: "Formal") -> "Formal":
        return _collected([*self.terms.items(), *other.terms.items()])

    def __neg__(self) -> "Formal":
        return Formal({m: -c for m, c in self.terms.items()})

    def __mul__(self, other: "Formal") -> "Formal":
        few = len(self.terms) * len(other.terms) <= MAX_TERMS
        require(few, "system.equations", "are too long at the equilibrium")
        pairs = [(a, b) for a in self.terms.items() for b in other.terms.items()]
        return _collected([(_joined(a, b), Exact(p * q).value) for (a, p), (b, q) in pairs])

    @property
    def constant(self) -> Fraction | None:
        """The value, if there is no atom."""
        return None if set(self.terms) - {frozenset()} else self.terms.get(frozenset(), ZERO)

    def through(self, network: Feedforward, parts: Sequence["Formal"], index: int) -> "Formal":
        """An output of a network: a known value, or a new atom."""
        known = [part.constant for part in parts]
        if all(value is not None for value in known):
            value = through(network, [Exact(v) for v in known if v is not None], index).value
            return Formal({frozenset(): value} if value else {})
        inputs = tuple(frozenset(part.terms.items()) for part in parts)
        return Formal({frozenset([((network, index, inputs), 1)]): ONE})

    def apply(self, name: str, exponent: int = 0) -> "Formal":
        """A known value, a power, or a new atom."""
        if not set(self.terms) - {frozenset()}:
            value = Exact(self.terms.get(frozenset(), ZERO)).apply(name, exponent).value
            return Formal({frozenset(): value} if value else {})
        if name == "pow" and exponent >= 0:
            result = Formal({frozenset(): ONE})
            for _ in range(exponent):
                result = result * self
            return result
        if name == "pow" and len(self.terms) == 1:
            [(monomial, c)] = self.terms.items()
            turned = frozenset((atom, k * exponent) for atom, k in monomial)
            return Formal({turned: Exact(c).apply(name, exponent).value})
        power = -exponent if name == "pow" else 1
        return Formal({frozenset([((name, frozenset(self.terms.items())), power)]): ONE})


def _collected(terms: Sequence[tuple[Monomial, Fraction]]) -> Formal:
    total: dict[Monomial, Fraction] = {}
    for monomial, c in terms:
        total[monomial] = total.get(monomial, ZERO) + c
    return Formal({m: c for m, c in total.items() if c != 0})


def _joined(a: Monomial, b: Monomial) -> Monomial:
    powers = dict(a)
    for atom, k in b:
        powers[atom] = powers.get(atom, 0) + k
    return frozenset((atom, k) for atom, k in powers.items() if k != 0)


def _atom(j: int) -> Formal:
    return Formal({} if j >= 0 else {frozenset([(j, 1)]): ONE})


def _check_unique(trees: Sequence[Node], document: Document, box: Box) -> None:
    """Show that f has exactly one zero in the box, for every value of the parameters.

    Lemma (Krawczyk). Let u, v be in the box m +- r; f(v) - f(u) = S (v - u) with S in the enclosure. If
    |C f(m)| + |I - C S| r < r then no S is singular, so there is one zero at most; and u - C f(u), which is
    m - C f(m) + (I - C S)(u - m), maps the box into itself, so it has a fixed point (Brouwer), a zero since C is
    regular.
    """
    n, where = len(box), "system.equilibrium"
    ends = outward(box, where)
    low, high = (end.reshape(n, 1, 1) for end in ends)
    middle = 0.5 * (low + high)
    reach, width = (Interval(low, high) - middle).mag, (Interval(high) - low).hi
    span = tuple(Interval(-w, w) for w in width)
    unit = Interval(np.ones((1, 1)))
    whole: list[Slope] = []
    for i, (a, b) in enumerate(zip(low, high, strict=True)):
        cols, x = tuple(unit if k == i else None for k in range(n)), Interval(a, b)
        whole.append(Slope(x, x, x, cols, span))
    points = [slopes.constant(Interval(m), ()) for m in middle]
    values = [evaluate(t, partial(_point, document, points), partial(_number, ())) for t in trees]
    found = [evaluate(t, partial(_point, document, whole), partial(_number, span)) for t in trees]
    zero = unit * 0.0
    f = [zero + value.box for value in values]
    s = [[zero if c is None else zero + c for c in value.cols] for value in found]
    smooth = [bounded(x) for x in (*f, *(x for row in s for x in row), *(v.hull for v in found))]
    require(bool(np.all([x.all() for x in smooth])), where, "has no smooth f on its box")
    try:
        c = np.linalg.inv(np.array([[x.mid.item() for x in row] for row in s]))
    except np.linalg.LinAlgError:
        raise Refused(where, "may not be the only one in its box") from None
    for i, (lower, upper) in enumerate(box):
        total = abs(sum((f[k] * float(c[i, k]) for k in range(n)), zero))
        for j in range(n):
            error = sum((s[k][j] * float(-c[i, k]) for k in range(n)), zero) + float(i == j)
            total = total + abs(error) * Interval(reach[j])
        bound, at = float(total.hi.item()), Fraction(float(middle[i].item()))
        shown = np.isfinite(bound) and Fraction(bound) < min(at - lower, upper - at)
        require(bool(shown), where, "is not shown to be exactly one in its box")


def _point(document: Document, states: list[Slope] | None, j: int) -> Slope:
    """Variable j where x is in user's coordinates, or x* where no states are given."""
    if j >= 0:
        n = len(document.states)
        return slopes.constant(Interval(0.0), ()) if states is None else states[j % n]
    k, where = -1 - j, () if states is None else states[0].where
    if k >= len(document.unknown):
        return slopes.constant(Interval(0.0), where)
    low, high = document.unknown[sorted(document.unknown)[k]]
    return slopes.constant(Interval(low, high), where)


def _number(where: tuple[Interval, ...], value: Fraction) -> Slope:
    return slopes.constant(Interval(value), where)
