"""Slopes of f on the domain, f(v) = F v with F in a polytope, and its vertices (spec, "Nonlinear systems")."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np
from ival import Interval

from . import slopes
from .document import Box
from .exact import Exact
from .forest import edges, outward, roots
from .functions import bounded, nonzero, only
from .refusal import Refused, require
from .system import Linear, System, split, variables
from .tree import Node, evaluate

PIECES = 4096  # in all, of the box over which the slopes of one term are enclosed
VERTICES = 256
Range = tuple[Fraction, Fraction]
Ranges = dict[int, Range]
Term = tuple[Fraction, Node]  # a factor, and what it multiplies


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope on the variable `column`, anywhere in `ends`; uses: equations and the factors that it has there."""

    column: int
    ends: Range
    uses: list[tuple[int, Fraction]]


def vertices(system: System) -> list[tuple[Linear, ...]]:
    """The matrices at the ends of all slopes, a row a state: f = F v, F in their convex hull.

    v are all variables of `System`: x and every delayed value. A linear f is its own vertex.
    """
    rows, found = polytope(system)
    ends, matrices = [sorted(set(slope.ends)) for slope in found], []
    count = 2 ** sum(len(pair) == 2 for pair in ends)
    require(count <= VERTICES, "system.equations", f"have more than {VERTICES} vertices of slopes")
    for values in product(*ends):
        matrix = [dict(row) for row in rows]
        for slope, value in zip(found, values, strict=True):
            for i, factor in slope.uses:
                _add(matrix[i], slope.column, factor * value)
        matrices.append(tuple(matrix))
    return matrices


def polytope(system: System) -> tuple[list[Linear], list[Slope]]:
    """F, a row a state, but for the slopes of the nonlinear terms; and these.

    Lemma: f_i = A_i v + sum_g a_ig h_g with the same functions h_g for all i. On each piece of a cover of the domain
    h_g(v) = h_g(0) + S_g v with S_g in the enclosure there, so in the hull over all pieces; a_i h(0) sums to
    f_i(0) = 0. So F = A + sum_g a_g S_g^T, affine in the slopes, each of which has its own interval.
    """
    rows, uses = [dict(row) for row in system.linear], dict[Node, list[tuple[int, Fraction]]]()
    for i, rest in enumerate(system.rest):
        linear, nonlinear = terms(rest) if rest is not None else ([], [])
        for j, a in linear:
            _add(rows[i], j, a)
        for factor, core in nonlinear:
            uses.setdefault(core, []).append((i, factor))
    found = []
    for core, where in uses.items():
        if system.domain is None:
            raise Refused("system.domain", "is needed: not a linear problem")
        xi, place = sorted(variables(core)), f"equation {where[0][0]}"
        ranges = hull(core, xi, system.n, system.domain, place)
        found += [Slope(j, ends, where) for j, ends in ranges.items()]
    return rows, found


def _add(row: Linear, j: int, value: Fraction) -> None:
    row[j] = row.get(j, Fraction(0)) + value


def hull(
    tree: Node, xi: Sequence[int], n: int, domain: Box, place: str, *, quotients: bool = True
) -> Ranges:
    """Ranges over the domain of the slopes of a tree on the variables xi; refused where it is not smooth.

    Lemma: the slope of a function of one variable is (h(v) - h(0)) / v where v is not 0 (`quotients`).
    """
    require(min(xi) >= 0, place, "has an unknown constant")
    lo, hi = outward(tuple(domain[j % n] for j in xi), "system.domain")
    count = max(k for k in range(1, PIECES + 1) if k ** len(lo) <= PIECES)
    axes = [edges(a, b, count) for a, b in zip(lo.tolist(), hi.tolist(), strict=True)]
    box = slopes.variables(*roots(axes, 0, count ** len(lo)))
    at, where = dict(zip(xi, box, strict=True)), box[0].where
    value = evaluate(tree, at.__getitem__, lambda v: slopes.constant(Interval(v), where))
    smooth, found = bounded(value.box) & bounded(value.hull), {}
    first = box[0].box
    away = nonzero(first) & (quotients and len(xi) == 1)
    quotient = (value.box - value.zero) / first
    ends = np.where(away, quotient.lo, -np.inf), np.where(away, quotient.hi, np.inf)
    for j, column in zip(xi, value.cols, strict=True):
        slope = first * 0.0 if column is None else column & Interval(*ends)
        slope = only(slope, smooth)
        right = bool(bounded(slope).all())
        require(right, place, "has no bounded slopes on the domain")
        if column is not None:
            found[j] = Fraction(slope.lo.min().item()), Fraction(slope.hi.max().item())
    return found


def terms(tree: Node) -> tuple[list[tuple[int, Fraction]], list[Term]]:
    """Linear terms, and other terms; they add up to a tree but for a constant.

    No two of the others have a variable in common: those that do are one term.
    """
    linear: list[tuple[int, Fraction]] = []
    groups: list[tuple[frozenset[int], list[Node]]] = []
    for part in _summands(tree):
        try:
            linear += split(part, frozenset())[0].items()
        except Refused:
            own, parts, apart = variables(part), [part], []
            for others, kept in groups:
                if own & others:
                    own, parts = own | others, kept + parts
                else:
                    apart.append((others, kept))
            groups = [*apart, (own, parts)]
    return linear, [_factored(_sum(parts)) for _, parts in groups]


def _sum(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Node("+", tuple(parts))


def _factored(node: Node) -> Term:
    """The exact constant factors of a term, and what they multiply."""
    if node.op == "neg":
        factor, core = _factored(node.args[0])
        return -factor, core
    constants = [arg for arg in node.args if node.op == "*" and not variables(arg)]
    if len(constants) == 1:
        left, right = node.args
        try:
            by = evaluate(constants[0], lambda _: Exact(Fraction(0)), Exact).value
        except Refused:  # no number that is known exactly: a part of the term
            return Fraction(1), node
        factor, core = _factored(right if constants[0] is left else left)
        return by * factor, core
    return Fraction(1), node


def _summands(node: Node) -> list[Node]:
    """The terms of a sum, through negations and products with constants."""
    if node.op in ("+", "neg"):
        found = [part for arg in node.args for part in _summands(arg)]
        return found if node.op == "+" else [Node("neg", (part,)) for part in found]
    if node.op == "*" and not all(map(variables, node.args)):
        left, right = node.args
        if variables(left):
            return [Node("*", (part, right)) for part in _summands(left)]
        return [Node("*", (left, part)) for part in _summands(right)]
    return [node]
