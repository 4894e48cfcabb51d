"""Positive definiteness of larger symmetric matrices, shown in whole numbers (spec, kind "scheme")."""

from math import isqrt, lcm

import numpy as np

from .exact import Matrix

Whole = np.ndarray  # of dtype object, holding Python integers: exact, of any size
BITS = 60
TRIES = 3


def positive_definite(matrix: Matrix) -> bool:
    """Whether a rational matrix is symmetric and shown to be positive definite; False proves nothing."""
    return definite(whole(matrix))


def whole(matrix: Matrix) -> Whole:
    """A rational matrix times the common denominator of its entries: a positive multiple of it."""
    common = lcm(*(value.denominator for row in matrix for value in row))
    rows = [[value.numerator * (common // value.denominator) for value in row] for row in matrix]
    return np.array(rows, dtype=object).reshape(len(matrix), len(matrix))


def definite(m: Whole, tries: int = TRIES) -> bool:
    """Whether a matrix of integers is symmetric and shown to be positive definite.

    Lemma: let G = X M X^T for any X, computed exactly. If G is positive definite then z^T G z > 0 for z != 0, so
    X^T z != 0: the square X is regular, and M is positive definite. G is if it is dominant, or by the same lemma.
    """
    entries, n = m.tolist(), len(m)
    symmetric = all(entries[i][j] == entries[j][i] for i in range(n) for j in range(i))
    if n == 0 or not symmetric or not all(entries[i][i] > 0 for i in range(n)):
        return False
    x = _whitening(m)
    if x is None:
        return False
    g = x.dot(m).dot(x.T)
    return dominant(g) or (tries > 1 and definite(g, tries - 1))


def dominant(g: Whole) -> bool:
    """Lemma (Gershgorin): a symmetric matrix with g_ii > sum_{j != i} |g_ij| for all i is positive definite."""
    return all(2 * row[i] > sum(abs(value) for value in row) for i, row in enumerate(g.tolist()))


def _whitening(m: Whole) -> Whole | None:
    """About the inverse of the Cholesky factor of M, rounded to integers; any X is sound.

    Columns are scaled first (r_i about the root of m_ii), so that floating numbers suffice whatever the units.
    """
    n = len(m)
    r = [isqrt(m[i, i]) for i in range(n)]
    scaled = [[m[i, j] / (r[i] * r[j]) for j in range(n)] for i in range(n)]
    try:
        factor = np.linalg.cholesky(np.array(scaled, dtype=np.float64))
        inverse = np.linalg.solve(factor, np.eye(n))
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(inverse).all():
        return None
    top, one = max(r), 2**BITS
    rows = [[int(value * one) * top // r[j] for j, value in enumerate(row)] for row in inverse]
    return np.array(rows, dtype=object)
