"""Exact positivity in FLINT's rationals, by LDL^T."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import arb_mat, fmpq, fmpq_mat

Rows = Sequence[Sequence[Fraction]]


def matrix(rows: Rows) -> fmpq_mat:
    """Return a matrix of rationals."""
    return fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows])


def definite(m: fmpq_mat) -> bool:
    """Whether a rational matrix is symmetric with only positive pivots, from the first row on."""
    n = m.nrows()
    work = [[m[i, j] for j in range(n)] for i in range(n)]
    if any(work[i][j] != work[j][i] for i in range(n) for j in range(i)):
        return False
    for p in range(n):
        if not work[p][p] > 0:
            return False
        for i in range(p + 1, n):
            factor = work[i][p] / work[p][p]
            for j in range(p + 1, n):
                work[i][j] -= factor * work[p][j]
    return True


def block(m: fmpq_mat, rows: range, columns: range) -> fmpq_mat:
    """Return a block; it must not be empty."""
    return fmpq_mat([[m[i, j] for j in columns] for i in rows])


def complement(m: fmpq_mat, head: int) -> fmpq_mat | None:
    """Return A - B Q^-1 B^T of [[A, B], [B^T, Q]], A of size ``head``; None unless Q is positive definite."""
    size = m.nrows()
    if head == size:
        return m
    last = block(m, range(head, size), range(head, size))
    if not definite(last):
        return None
    if head == 0:
        return fmpq_mat(0, 0)
    cross = block(m, range(head), range(head, size))
    return block(m, range(head), range(head)) - cross * last.solve(cross.transpose())


def negated(m: fmpq_mat) -> fmpq_mat:
    """Return -m."""
    return m * fmpq(-1)


def balls(m: fmpq_mat) -> arb_mat:
    """Return the matrix in balls of the working precision."""
    return arb_mat(m)


def beyond(m: fmpq_mat, radii: Sequence[Fraction], level: Fraction) -> bool:
    """Whether x^T M x > level wherever |x_i| >= r_i for some i: the least is r_i^2 / (M^-1)_ii."""
    inverse = m.inv()
    for i, r in enumerate(radii):
        square = fmpq(r.numerator, r.denominator) ** 2
        if not (r > 0 and square > fmpq(level.numerator, level.denominator) * inverse[i, i]):
            return False
    return True
