"""Lifted quadratic functions of kind "scheme": the exact inequalities of their nodes (spec, kind "scheme")."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import lcm

import numpy as np

from .dominance import Whole, definite
from .leaves import Count
from .polytope import VERTICES, Range, hull
from .refusal import Refused, require
from .system import Linear, System, split, variables
from .tree import Node

ZERO = Fraction(0)
Rows = list[list[Range]]


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes with forms V_v(X) = unit X^T forms[v] X, X = (x_t, .., x_{t-window}), and an edge a node and delay.

    `steps[v][j]` is the node that `delays[j]` leads to from v.
    """

    where: str
    window: int
    delays: tuple[int, ...]
    forms: list[Whole]
    unit: Fraction
    steps: list[list[int]]


def integral(array: np.ndarray) -> tuple[list[Whole], Fraction]:
    """Matrices of binary64 (N, m, m) as integers and their common unit, a power of two: exact."""
    ratios = [
        [value.as_integer_ratio() for value in row]
        for row in array.reshape(len(array), -1).tolist()
    ]
    common = max((bottom for row in ratios for _, bottom in row), default=1)
    flat = [[top * (common // bottom) for top, bottom in row] for row in ratios]
    forms = [np.array(row, dtype=object).reshape(array.shape[1:]) for row in flat]
    return forms, Fraction(1, common)


def slope_rows(system: System) -> Rows:
    """Intervals (n, 2n) that hold the slopes of g: g(x, y) = S (x, y), for all x, y in the domain.

    Lemma: on each piece of the domain the rest of g_i is S_i xi with S_i in the enclosure there; the hull over all
    pieces, which cover the domain, holds them all. The rest of g_i vanishes at 0, for g_i does.
    """
    n = system.n
    rows = [[(row.get(j, ZERO),) * 2 for j in range(2 * n)] for row in system.linear]
    if system.domain is None or not system.xi:
        return rows
    for i, whole in enumerate(system.rest):
        linear, rest = _parts(whole)
        found = {j: (a, a) for j, a in linear.items()}
        if rest is not None:
            place = f"equation {i}"
            found |= hull(rest, system.xi, n, system.domain, place, quotients=False)
        for j, (low, high) in found.items():
            rows[i][j] = (rows[i][j][0] + low, rows[i][j][1] + high)
    return rows


def _parts(tree: Node | None) -> tuple[Linear, Node | None]:
    """The tree split once more, so that a variable that is nonlinear in another equation only is exact here."""
    if tree is None:
        return {}, None
    kept = variables(tree)
    for j in sorted(kept):
        try:
            split(tree, kept - {j})
        except Refused:
            continue
        kept = kept - {j}
    linear, rest = split(tree, kept)
    return linear, rest if rest is not None and kept else None


def corners(rows: Rows) -> list[tuple[Whole, int]]:
    """The vertices of the slopes, each (n, 2n) integers over a positive denominator."""
    ends = [(low,) if low == high else (low, high) for row in rows for low, high in row]
    count = 2 ** sum(len(pair) == 2 for pair in ends)
    require(count <= VERTICES, "system.equations", f"have more than {VERTICES} vertices of slopes")
    found = []
    for values in product(*ends):
        common = lcm(*(value.denominator for value in values))
        whole = [value.numerator * (common // value.denominator) for value in values]
        found.append((np.array(whole, dtype=object).reshape(len(rows), -1), common))
    return found


def decrease(p: Whole, after: Whole, delay: int, g: tuple[Whole, int]) -> Whole:
    """d^2 (P - A^T P+ A) for X -> A X = (g / d (x_t, x_{t-delay}), x_t, .., x_{t-window+1}).

    With the rows G of the first block, A = (G; S) for the shift S, and P+ in blocks a, b, b^T, c:
    A^T P+ A = G^T a G + G^T b S + S^T b^T G + S^T c S.
    """
    rows, scale = g
    n, m = len(rows), len(p)
    first = np.zeros((n, m), dtype=object)
    first[:, :n] += rows[:, :n]
    first[:, delay * n : (delay + 1) * n] += rows[:, n:]
    mixed = np.zeros((m, m), dtype=object)
    mixed[:, : m - n] = first.T.dot(after[:n, n:])
    image = first.T.dot(after[:n, :n]).dot(first) + scale * (mixed + mixed.T)
    image[: m - n, : m - n] += scale**2 * after[n:, n:]
    return np.asarray(scale**2 * p - image)


def check_graph(graph: Graph, vertices: list[tuple[Whole, int]], count: Count) -> None:
    """Every V_v is positive definite, and decreases along every edge, at every vertex of the slopes.

    Lemma: P - A^T P+ A is concave in A (P+ > 0), so what is definite at the vertices is so for all slopes; there are
    finitely many inequalities, so V decreases by a factor below 1 at each step, whatever the delays.
    """
    for v, form in enumerate(graph.forms):
        here = f"{graph.where}, node {v}"
        require(definite(form), here, "is not shown to be positive definite")
        for delay, after in zip(graph.delays, graph.steps[v], strict=True):
            for g in vertices:
                falls = definite(decrease(form, graph.forms[after], delay, g))
                require(falls, here, f"does not decrease at the delay {delay}")
        count(len(graph.delays))


def check_level(graph: Graph, level: Fraction, radii: Sequence[Fraction]) -> None:
    """Lemma: X^T P X <= c implies |x_i| < r_i if r_i^2 P - c e_i e_i^T is positive definite (i: a state, now)."""
    for v, form in enumerate(graph.forms):
        for i, r in enumerate(radii):
            bound, weight = r * r * graph.unit, level
            common = lcm(bound.denominator, weight.denominator)
            square = form * int(bound * common)
            square[i, i] -= int(weight * common)
            here = f"{graph.where}, node {v}"
            require(definite(square), here, "has a level set that leaves the domain")


def check_radius(graph: Graph, level: Fraction, rho: Fraction) -> None:
    """Lemma: |X_i| <= rho for all i implies X^T P X <= rho^2 sum |P_ij|."""
    total = sum(abs(value) for row in graph.forms[0].tolist() for value in row)
    right = rho * rho * graph.unit * total <= level
    require(right, "region.radius", f"is not inside the level set of {graph.where}")
