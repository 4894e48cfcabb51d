"""The inequality for a delay of bounded rate: dV/dt <= D, a polynomial in alpha = tau/h, affine in the rate.

Time is t / h (docs/math.md, section "Slow delays"). Every form is a list of terms: a matrix of the functional, two row
matrices L and M over the features, a factor; it stands for factor * L^T X M. The value at a functional and the
coefficients of the unknowns both come from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.polynomial import Polynomial

Rows = np.ndarray
Moments = tuple[Rows, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """factor * left^T X right, X the matrix ``name`` of the functional."""

    name: str
    left: Rows
    right: Rows
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class SlowRows:
    """Row matrices (n, M) that pick, out of a vector of features, all that D is made of.

    Attributes
    ----------
    x, y, z : arrays
        x(t), x(t - alpha), x(t - 1).
    dy, dz : arrays
        The derivatives of x at t - alpha and t - 1.
    f : array
        The derivative of x at t: h f.
    first, second : tuple of arrays
        Moments of [t - alpha, t] and of [t - 1, t - alpha].
    """

    x: Rows
    y: Rows
    z: Rows
    dy: Rows
    dz: Rows
    f: Rows
    first: Moments
    second: Moments

    @property
    def order(self) -> int:
        """Number of moments N of a window."""
        return len(self.first)


def linear_rows(present: np.ndarray, delayed: np.ndarray, order: int, window: float) -> SlowRows:
    """Return the rows for x' = present x + delayed y: features (x, y, z, dy, dz, first, second)."""
    n = len(present)
    blocks = np.eye(n * (5 + 2 * order)).reshape(5 + 2 * order, n, -1)
    x, y, z, dy, dz = blocks[:5]
    f = window * (present @ x + delayed @ y)
    return SlowRows(x, y, z, dy, dz, f, tuple(blocks[5 : 5 + order]), tuple(blocks[5 + order :]))


def degree(order: int) -> int:
    """Return the degree of D in alpha."""
    return max(2 * order, 1)


def slope_degree(order: int) -> int:
    """Return the degree in alpha of the slope of D in the rate, as :func:`slope_terms` has it."""
    return 2 if order else 1


def dissipation_terms(
    rows: SlowRows, alpha: float, rate: float, weights: tuple[float, float]
) -> list[Term]:
    """Return the terms of D at one alpha and one rate.

    ``weights`` stand for 1/alpha and 1/(1 - alpha): any numbers that are not above them.
    """
    r, slow, (near, far) = rows, 1 - rate, weights
    w = np.concatenate([r.x, r.y, r.z, *(alpha * v for v in r.first), *whole(rows, alpha)])
    now, past, end = (np.concatenate(pair) for pair in ((r.x, r.f), (r.y, r.dy), (r.z, r.dz)))
    change = changes(rows, alpha, rate)
    terms = [
        Term("P0", w, change, 2),
        Term("P1", w, change, 2 * alpha),
        Term("P1", w, w, rate),
        Term("Q1", now, now),
        Term("Q1", past, past, -slow),
        Term("Q2", past, past, slow),
        Term("Q2", end, end, -1),
        Term("R1", r.f, r.f),
        Term("R1", r.dy, r.dy, -slow * (1 - alpha)),
        Term("R2", r.dy, r.dy, slow * (1 - alpha)),
        Term("U", r.f, r.f, alpha),
    ]
    for k, g in enumerate(moment_rates(r.x, r.y, r.first)):
        terms.append(Term("R1", g, g, -(2 * k + 1) * near))
        terms.append(Term("U", g, g, -(2 * k + 1) * near * slow))
    for k, g in enumerate(moment_rates(r.y, r.z, r.second)):
        terms.append(Term("R2", g, g, -(2 * k + 1) * far))
    return terms


def whole(rows: SlowRows, alpha: float) -> list[Rows]:
    """Return the rows of the moments of [t - 1, t], from those of its two parts."""
    found = []
    for k in range(rows.order):
        total = np.zeros_like(rows.x)
        for m in range(k + 1):
            inner = _product(_legendre(k)(1 - alpha + alpha * _U), m)
            outer = _product(_legendre(k)((1 - alpha) * _U), m)
            total = total + alpha * inner * rows.first[m] + (1 - alpha) * outer * rows.second[m]
        found.append(total)
    return found


def changes(rows: SlowRows, alpha: float, rate: float) -> Rows:
    """Return the rows of the derivative of w."""
    still = moment_rates(rows.x, rows.z, whole(rows, alpha))[: rows.order]
    moving = moving_rates(rows.x, rows.y, rows.first, rate)
    return np.concatenate([rows.f, (1 - rate) * rows.dy, rows.dz, *moving, *still])


def moving_rates(x: Rows, y: Rows, moments: Sequence[Rows], rate: float) -> list[Rows]:
    """Return the derivative of alpha v_k: x - (1 - rate) (-1)^k y - int L_k'(u) (1 - rate (1 - u)) phi(u) du."""
    found = []
    for k in range(len(moments)):
        inside = _legendre(k).deriv() * (1 - rate + rate * _U)
        total = x - (1 - rate) * (-1) ** k * y
        for m in range(k + 1):
            total = total - _product(inside, m) * moments[m]
        found.append(total)
    return found


def moment_rates(x: Rows, y: Rows, moments: Sequence[Rows]) -> list[Rows]:
    """Return G_0 .. G_N of a window with the ends x and y, N = len(moments)."""
    found = []
    for k in range(len(moments) + 1):
        total = x - (-1) ** k * y
        for j in range(k):
            total = total - (2 * j + 1) * (1 - (-1) ** (k + j)) * moments[j]
        found.append(total)
    return found


def slope_terms(dimension: int, order: int, alpha: float, weight: float) -> list[Term]:
    """Return the terms of a lower bound of the slope of dV/dt in the rate, over (x, y, z, dy, first, whole).

    It has to be positive where the rate has no lower bound. ``weight`` is not above 1/alpha.
    """
    blocks = np.eye(dimension * (4 + 2 * order)).reshape(4 + 2 * order, dimension, -1)
    x, y, z, dy = blocks[:4]
    first, zero = blocks[4 : 4 + order], np.zeros_like(x)
    w = np.concatenate([x, y, z, *(alpha * v for v in first), *blocks[4 + order :]])
    pairs = zip(moving_rates(x, y, first, 1.0), moving_rates(x, y, first, 0.0), strict=True)
    turn = np.concatenate([zero, -dy, zero, *(a - b for a, b in pairs), *[zero] * order])
    past = np.concatenate([y, dy])
    terms = [
        Term("P0", w, turn, 2),
        Term("P1", w, turn, 2 * alpha),
        Term("P1", w, w),
        Term("Q1", past, past),
        Term("Q2", past, past, -1),
        Term("R1", dy, dy, 1 - alpha),
        Term("R2", dy, dy, -(1 - alpha)),
    ]
    rates = moment_rates(x, y, list(first))
    return terms + [Term("U", g, g, (2 * k + 1) * weight) for k, g in enumerate(rates)]


def positivity_terms(dimension: int, order: int, alpha: float) -> list[Term]:
    """Return the terms of the lower bound of V over w, affine in alpha.

    S1 and S2 are matrices with Q1 >= blkdiag(S1, 0), Q2 >= blkdiag(S2, 0): Bessel's inequality with
    1/alpha >= 2 - alpha and 1/(1 - alpha) >= 1 + alpha.
    """
    w = np.eye(dimension * (3 + 2 * order))
    blocks = w.reshape(3 + 2 * order, dimension, -1)
    terms = [Term("P0", w, w), Term("P1", w, w, alpha)]
    for k in range(order):
        moment = blocks[3 + k]
        terms.append(Term("S1", moment, moment, (2 * k + 1) * (2 - alpha)))
    if order:
        rest = blocks[3 + order] - blocks[3]
        terms.append(Term("S2", rest, rest, 1 + alpha))
    return terms


def value(terms: Iterable[Term], matrices: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the symmetric matrix of a form at given matrices."""
    total = sum(t.factor * t.left.T @ matrices[t.name] @ t.right for t in terms)
    return np.asarray((total + total.T) / 2)


def coefficients(terms: Iterable[Term], counts: Mapping[str, slice], total: int) -> np.ndarray:
    """Return the matrices (total, M, M) of a form that is linear in the upper triangles of its matrices.

    ``counts`` says where the unknowns of each matrix are, row by row of its upper triangle.
    """
    found: np.ndarray | None = None
    for t in terms:
        if found is None:
            found = np.zeros((total, t.left.shape[1], t.left.shape[1]))
        i, j = np.triu_indices(len(t.left))
        pairs = np.einsum("kp,kq->kpq", t.left[i], t.right[j])
        off = (i != j)[:, None, None]
        pairs = pairs + off * np.einsum("kp,kq->kpq", t.left[j], t.right[i])
        found[counts[t.name]] += t.factor / 2 * (pairs + pairs.swapaxes(1, 2))
    if found is None:
        raise ValueError("no terms")
    return found


_U = Polynomial([0.0, 1.0])


def _legendre(k: int) -> Polynomial:
    """Return the shifted Legendre polynomial L_k."""
    return Polynomial([(-1.0) ** (k + i) * comb(k, i) * comb(k + i, i) for i in range(k + 1)])


def _product(p: Polynomial | float, m: int) -> float:
    """Return (2m + 1) int_0^1 p L_m."""
    integral = (p * _legendre(m)).integ()
    return float((2 * m + 1) * (integral(1.0) - integral(0.0)))
