"""The matrices H_j of D in normal form, and positivity of the functional (spec 4), all exact."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from . import dominance
from .exact import Matrix, positive_definite, schur
from .refusal import Refused, require
from .system import System

Row = dict[int, Fraction]


def rational(array: np.ndarray) -> Matrix:
    """The exact values of a matrix of binary64."""
    return [[Fraction(item) for item in row] for row in array.tolist()]


@dataclass(slots=True)
class Form:
    """A quadratic form z^T M z under construction."""

    matrix: Matrix

    def add(self, factor: Fraction | int, left: Row, right: Row) -> None:
        """Add factor * (left z)(right z)."""
        for i, a in left.items():
            for j, b in right.items():
                term = factor * a * b / 2
                self.matrix[i][j] += term
                self.matrix[j][i] += term

    def add_all(
        self, weights: Matrix, factor: Fraction | int, left: list[Row], right: list[Row]
    ) -> None:
        """Add factor * left(z)^T weights right(z)."""
        for row, a in zip(weights, left, strict=True):
            for weight, b in zip(row, right, strict=True):
                if weight != 0:
                    self.add(factor * weight, a, b)


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows over z = (v, eta') of everything that D is made of; `q` with the inputs of V0 that its entries belong to.

    v = (xi, the rests that do not vanish, q over `q_states`, p_W(x), p_W(y)), eta' = (eta, Omega).
    """

    size: int
    head: int
    variables: list[Row]
    f: list[Row]
    q: list[tuple[int, Row]]
    w_present: list[Row]
    w_delayed: list[Row]
    moments: list[list[Row]]


def layout(
    system: System,
    q_inputs: tuple[int, ...],
    outputs: int,
    order: int,
    read: tuple[int, ...] = (),
) -> Layout:
    """Number the entries of z, v first; `read` are the moments that belong to xi (at its end)."""
    n, d = system.n, len(system.xi)
    others = [k for k in range(n, n * (order + 1)) if k not in read]
    kept = [i for i in range(n) if system.rest[i] is not None]
    eta = [j for j in range(2 * n) if j not in system.xi]
    sizes = (d + len(read), len(kept), len(q_inputs), outputs, outputs, len(eta), len(others))
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    xi, rest, q, w_present, w_delayed, free, moments = (
        [{start + k: Fraction(1)} for k in range(size)]
        for start, size in zip(starts, sizes, strict=True)
    )
    variable = dict(zip((*system.xi, *eta), (*xi[:d], *free), strict=True))
    moment = dict(zip((*read, *others), (*xi[d:], *moments), strict=True))
    rests = dict(zip(kept, rest, strict=True))
    f = [
        combine([(a, variable[j]) for j, a in row.items()] + [(Fraction(1), rests.get(i, {}))])
        for i, row in enumerate(system.linear)
    ]
    return Layout(
        size=sum(sizes),
        head=starts[5],
        variables=[variable[j] for j in range(2 * n)],
        f=f,
        q=list(zip(q_inputs, q, strict=True)),
        w_present=w_present,
        w_delayed=w_delayed,
        moments=[[moment[n * (k + 1) + i] for i in range(n)] for k in range(order)],
    )


def combine(terms: list[tuple[Fraction, Row]]) -> Row:
    """A linear combination of rows."""
    total: Row = {}
    for factor, row in terms:
        for j, a in row.items():
            total[j] = total.get(j, Fraction(0)) + factor * a
    return total


def rates(x: list[Row], y: list[Row], moments: list[list[Row]]) -> list[list[Row]]:
    """G_k = x - (-1)^k y - sum_{j<k} (2j+1)(1 - (-1)^(k+j)) Omega_j for k = 0..N (MATH 2)."""
    result = []
    for k in range(len(moments) + 1):
        rows = []
        for i, (a, b) in enumerate(zip(x, y, strict=True)):
            terms = [(Fraction(1), a), (Fraction(-((-1) ** k)), b)]
            for j in range(k):
                terms.append((Fraction(-(2 * j + 1) * (1 - (-1) ** (k + j))), moments[j][i]))
            rows.append(combine(terms))
        result.append(rows)
    return result


def tangents(breaks: list[Fraction]) -> list[Fraction]:
    """kappa_j: linear on each piece and nowhere above 1/tau.

    Lemma: 1/tau is convex, so it lies above its tangent l at the middle c of a piece [s, t], and
    above 1/t if s = 0; the interpolation of values <= l at both ends is <= l.
    """
    kappa: list[Fraction | None] = [None] * len(breaks)
    for j, (s, t) in enumerate(pairwise(breaks)):
        c = (s + t) / 2
        ends = (2 / c - s / c**2, 2 / c - t / c**2) if s > 0 else (1 / t, 1 / t)
        before = kappa[j]
        kappa[j] = ends[0] if before is None else min(before, ends[0])
        kappa[j + 1] = ends[1]
    found = [k for k in kappa if k is not None and k >= 0]
    require(len(found) == len(breaks) >= 2, "breaks", "give no bound of 1/tau")
    return found


def matrices(
    lay: Layout, n: int, p: Matrix, s: Matrix, r: Matrix, breaks: list[Fraction]
) -> list[Matrix]:
    """H_j at every break: D = H0 + tau H1 - kappa H2 with the three parts as in spec 4."""
    constant, tau, kappa = (
        Form([[Fraction(0)] * lay.size for _ in range(lay.size)]) for _ in "012"
    )
    x, y = lay.variables[:n], lay.variables[n:]
    g = rates(x, y, lay.moments)
    for a, w in enumerate([x, *lay.moments]):
        for b, dw in enumerate([lay.f, *g[:-1]]):
            block = [row[b * n : (b + 1) * n] for row in p[a * n : (a + 1) * n]]
            (tau if a else constant).add_all(block, 2, w, dw)
    for i, q in lay.q:
        constant.add(2, q, lay.f[i])
    constant.add_all(s, 1, x, x)
    constant.add_all(s, -1, y, y)
    for px, py in zip(lay.w_present, lay.w_delayed, strict=True):
        constant.add(1, px, px)
        constant.add(-1, py, py)
    tau.add_all(r, 1, lay.f, lay.f)
    for k, gk in enumerate(g):
        kappa.add_all(r, 2 * k + 1, gk, gk)
    span = range(lay.size)
    parts = (constant.matrix, tau.matrix, kappa.matrix)
    return [
        [[parts[0][i][j] + t * parts[1][i][j] - c * parts[2][i][j] for j in span] for i in span]
        for t, c in zip(breaks, tangents(breaks), strict=True)
    ]


def reduced(matrix: Matrix, head: int, where: str) -> Matrix:
    """Ht = A - B Q^-1 B^T with Q negative definite.

    Lemma: the maximum over eta' of (v, eta')^T H (v, eta') is then v^T Ht v.
    """
    opposite = [[-item for item in row] for row in matrix]
    if head == 0 and dominance.positive_definite(opposite):  # faster where there is nothing to keep
        return []
    negated = schur(opposite, len(matrix) - head)
    if negated is None:
        raise Refused(where, "Q is not negative definite")
    return [[-item for item in row] for row in negated]


def bessel(p: Matrix, s: Matrix, r: Matrix, end: Fraction, n: int) -> Matrix:
    """P plus Bessel's bound of the S term; P, S, R symmetric, S and R positive definite.

    Lemma (Bessel): int_{t-tau}^t x^T S x ds >= sum (2k+1)/tau (tau Omega_k)^T S (tau Omega_k).
    """
    for name, matrix in (("P", p), ("S", s), ("R", r)):
        require([list(c) for c in zip(*matrix, strict=True)] == matrix, name, "is not symmetric")
    require(positive_definite(s), "S", "is not positive definite")
    require(positive_definite(r), "R", "is not positive definite")
    total = [list(row) for row in p]
    for k in range(len(p) // n - 1):
        for i in range(n):
            for j in range(n):
                total[n * (k + 1) + i][n * (k + 1) + j] += (2 * k + 1) * s[i][j] / end
    return total
