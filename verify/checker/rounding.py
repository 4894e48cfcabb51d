"""Bounds of matrix products that are computed in binary64: one lemma, three uses.

Lemma (Higham, Accuracy and Stability, 3.1-3.5). Let X be computed from exact data by additions,
multiplications, absolute values and maxima with 0, at most K roundings on the way from any datum
to the result, in any order of summation, fused or not; let A be the same expression of the
absolute values, without cancellation. Then |fl(X) - X| <= ((1 + u)^K - 1) A and A <= 2 fl(A),
u = 2^-53, apart from underflow. UNIT is 2u, and every K below is taken twice over, so directed
rounding is covered too. An underflow loses at most 2^-1022 (even if results are flushed to zero);
all data are below LIMIT = 2^100 and at most four factors follow, so TINY covers all of them.
NaN and infinities lead to NaN or to an infinite bound, and every comparison with those refuses.
"""

from dataclasses import dataclass
from fractions import Fraction

import ival
import numpy as np
from ival import Interval

from .exact import Matrix

UNIT = 2.0**-52
LIMIT = 2.0**100
TINY = 1e-200

Array = np.ndarray


def dot(a: Array, x: Interval) -> Interval:
    """An enclosure of A x, for a matrix of binary64 (o, i) and intervals (i, B).

    |A x - fl(A mid x)| <= |A| (rad x + theta |mid x|), K = i. What is 0 term by term is 0 exactly.
    """
    centre, radius = x.mid, x.rad
    theta = 2 * (a.shape[1] + 4) * UNIT
    spread = np.abs(a) @ (radius + theta * np.abs(centre))
    bound = spread * (1 + theta) + TINY
    if (spread == 0).any():
        terms = (a != 0).astype(float) @ ((centre != 0) | (radius != 0))
        bound = np.where((spread == 0) & (terms == 0), 0.0, bound)
    return Interval(a @ centre) + Interval(-bound, bound)


@dataclass(frozen=True, slots=True)
class Quadratic:
    """Symmetric matrices (K, F, F), each entry within `radius` of `centre`.

    `error` (F, F) bounds radius + theta |centre| over all K; `moderate`: entries below LIMIT.
    """

    centre: Array
    error: Array
    moderate: bool


def enclose(matrices: list[Matrix], columns: int) -> Quadratic:
    """Rational matrices as binary64 with exact error bounds; theta suits `columns` directions."""
    centre = np.array([[[float(v) for v in row] for row in m] for m in matrices])
    gap = [
        [
            [abs(v - Fraction(c)) for v, c in zip(*rows, strict=True)]
            for rows in zip(m, cm, strict=True)
        ]
        for m, cm in zip(matrices, centre.tolist(), strict=True)
    ]
    radius = Interval(np.array(gap, dtype=object)).hi
    theta = 4 * (centre.shape[1] + columns**2 + 16) * UNIT
    error = (radius + theta * np.abs(centre)).max(axis=0)
    return Quadratic(centre, error, bool(np.abs(centre).max() < LIMIT))


@dataclass(frozen=True, slots=True)
class Affine:
    """Features of a batch of boxes: v in m + sum_k lin_k [-r_k, r_k] + [-rho, rho].

    m, rho: (F, B); lin: (d, F, B); r: (d, B).
    """

    m: Array
    lin: Array
    r: Array
    rho: Array

    def boxes(self, chosen: Array) -> "Affine":
        """The same on some of the boxes."""
        rest = self.r[:, chosen], self.rho[:, chosen]
        return Affine(self.m[:, chosen], self.lin[:, :, chosen], *rest)


def upper(q: Quadratic, v: Affine) -> Array:
    """Upper bounds (K, B) of v^T H v, the form of spec 4 (collapsed leaf); inf where unusable.

    With a = |m| + sum |lin_k| r_k + rho all absolute values add up to a^T |H| a, K <= 2F + d^2 + 2d + 20.
    """
    d = len(v.lin)
    size = np.abs(v.m) + (np.abs(v.lin) * v.r[:, None]).sum(axis=0) + v.rho
    hm = q.centre @ v.m
    hl = [q.centre @ lin for lin in v.lin]
    spread = 2 * np.abs(hm) + np.abs(q.centre) @ v.rho
    total = _inner(v.m, hm)
    for k in range(d):
        rk = v.r[k]
        spread += 2 * np.abs(hl[k]) * rk
        total += 2 * np.abs(_inner(v.lin[k], hm)) * rk
        total += np.maximum(_inner(v.lin[k], hl[k]), 0) * rk * rk
        for l in range(k):
            total += 2 * np.abs(_inner(v.lin[l], hl[k])) * rk * v.r[l]
    total += _inner(v.rho, spread)
    total += 2 * (size * (q.error @ size)).sum(axis=0) + TINY
    usable = q.moderate & (size.max(axis=0) < LIMIT)
    return np.where(usable, total, np.inf)


def _inner(a: Array, b: Array) -> Array:
    """sum_i a_i b_i over the features: (F, B), (K, F, B) -> (K, B)."""
    return np.asarray(np.einsum("fb,kfb->kb", a, b))


def congruence(q: Quadratic, slopes: Interval) -> list[list[Interval]]:
    """Enclosures (K, B) of the entries of Sl^T H Sl, for slopes (d, F, B); K <= 2F + 20."""
    centre, radius = slopes.mid, slopes.rad
    size = np.abs(centre) + radius
    absolute = np.abs(q.centre)
    h = [q.centre @ c for c in centre]
    usable = q.moderate & (size.max(axis=(0, 1)) < LIMIT)
    rows: list[list[Interval]] = [[] for _ in centre]
    for k in range(len(centre)):
        for l in range(k + 1):
            spread = _inner(radius[l], np.abs(h[k]) + absolute @ radius[k]) + _inner(
                radius[k], np.abs(h[l])
            )
            bound = spread + 2 * (size[k] * (q.error @ size[l])).sum(axis=0) + TINY
            bound = np.where(usable, bound, np.inf)
            rows[k].append(Interval(_inner(centre[l], h[k])) + Interval(-bound, bound))
    return rows


def negative_definite(rows: list[list[Interval]]) -> Array:
    """Whether every symmetric matrix in the interval matrix (lower triangle) is negative definite.

    Lemma: elimination on intervals encloses the elimination of each matrix inside, so if all
    pivots of the negated matrix are positive, all of theirs are.
    """
    work = [[-entry for entry in row] for row in rows]
    proved: Array = np.ones(rows[0][0].shape, dtype=bool)
    while work:
        last = work.pop()
        proved = proved & (last[-1].lo > 0)
        for i, row in enumerate(work):
            for j in range(i + 1):
                product = ival.sqr(last[i]) if i == j else last[i] * last[j]
                row[j] = row[j] - product / last[-1]
    return proved
