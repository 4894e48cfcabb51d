"""The leaf test of spec 8: no root i w on a box of (w, tau), in binary64 with a bound of all errors."""

from dataclasses import dataclass

import ival
import numpy as np
from ival import Interval

from . import taylor
from .refusal import require
from .rounding import LIMIT, TINY, UNIT, Array
from .system import System


@dataclass(frozen=True, slots=True)
class Pencil:
    """M(w, tau) = i w - terms[0] - sum_k terms[k] e^(-i k w tau), k = 1, 2, ..

    `terms` (m + 1, n, n) are the rational matrices rounded to binary64; `theta` covers, relative
    to the same expression of absolute values, that rounding and all that follow (see `regular`).
    """

    terms: Array
    theta: float


@dataclass(frozen=True, slots=True)
class Expansion:
    """On each of B boxes M = centre + s by_w + t by_tau + rest, |s|, |t| <= 1, |rest| <= spread.

    All (B, n, n). `size` bounds the sum of the absolute values of all terms of the first three.
    """

    centre: Array
    by_w: Array
    by_tau: Array
    spread: Array
    size: Array


def pencil(system: System) -> Pencil:
    """The matrices of a linear system, exact but for the last rounding."""
    n = system.n
    count = 1 + max((1, *(j // n for row in system.linear for j in row)))
    rows = [[float(row.get(j, 0)) for j in range(count * n)] for row in system.linear]
    terms = np.array(rows).reshape(n, count, n).swapaxes(0, 1)
    require(bool(np.abs(terms).max() < LIMIT), "system.equations", "has a coefficient out of range")
    return Pencil(terms, (4 * n + 2 * len(terms) + 48) * UNIT)


def regular(p: Pencil, lo: Array, hi: Array) -> Array:
    """Whether M(w, tau) is shown to be regular for all (w, tau) in each of the boxes (2, B).

    Lemma 1: if the Hermitian part of X M Y is positive definite, then Re z*(X M Y)z > 0 for every
    z != 0, so X M Y is regular, and so is M. Nothing is assumed of X and Y.
    Lemma 2: it is, on a box, if every Hermitian matrix within `radius` of `centre` is.
    The products have K <= 2n + m + 14 roundings, at most 2 in modulus over the absolute values.
    """
    m = _expansion(p, lo, hi)
    x, y = _directions(m)
    slack = _product(np.abs(x), m.spread + p.theta * m.size, np.abs(y))
    centre = _hermitian(_product(x, m.centre, y))
    radius = np.abs(_hermitian(_product(x, m.by_w, y)))
    radius = radius + np.abs(_hermitian(_product(x, m.by_tau, y))) + _hermitian(slack) + TINY
    small = (np.abs(x).max(axis=(1, 2)) < 2) & (np.abs(y).max(axis=(1, 2)) < 2)
    return np.asarray(small & _definite(centre, radius, p.theta))


def _expansion(p: Pencil, lo: Array, hi: Array) -> Expansion:
    """Expand about the centres (w, tau) of the boxes, of half-widths (rw, rt).

    Lemma: k (w' tau' - w tau) = d + e with d = k (tau dw + w dtau), |e| <= k rw rt, |d + e| <= p, and
    |e^(-i(d + e)) - 1 + i d| <= |e| + p^2 / 2 (Taylor). If that is no less than 1, e^(-i ..) is only
    known to lie in the unit disc, and 0 stands for it.
    """
    (w, tau), (rw, rt) = taylor.reach(lo, hi)
    eye, zero = np.eye(p.terms.shape[1]), np.zeros((w.size, 1, 1))
    w, tau, rw, rt = (value[:, None, None] for value in (w, tau, rw, rt))
    centre = 1j * w * eye - p.terms[0]
    by_w, by_tau, spread = 1j * rw * eye, 1j * zero * eye, zero * eye
    size = (w + rw) * eye + np.abs(p.terms[0])
    for k, term in enumerate(p.terms[1:], 1):
        angle = Interval(w) * Interval(tau) * float(k)
        cos, sin = ival.cos(angle), ival.sin(angle)
        phase = k * (tau * rw + w * rt + rw * rt)
        error = k * rw * rt + phase * phase / 2 + (cos.rad + sin.rad) * (1 + phase)
        narrow = error < 1
        value = np.where(narrow, cos.mid - 1j * sin.mid, 0)
        centre = centre - term * value
        by_w, by_tau = (
            by_w + 1j * k * tau * rw * (term * value),
            by_tau + 1j * k * w * rt * (term * value),
        )
        spread = spread + np.abs(term) * np.where(narrow, error, 1)
        size = size + np.abs(term) * np.where(narrow, 1 + phase, 1)
    return Expansion(centre, by_w, by_tau, spread, size)


def _directions(m: Expansion) -> tuple[Array, Array]:
    """X and Y: singular vectors of the centre, the rows of X turned; any choice is sound.

    Each row so that the diagonal entry of X M Y stays farthest from 0: across a direction in which
    that entry moves, or towards a corner of the parallelogram that it sweeps.
    """
    u, sigma, y = np.linalg.svd(m.centre)
    x, y = u.conj().swapaxes(1, 2), y.conj().swapaxes(1, 2)
    a, b = (np.einsum("bij,bjk,bki->bi", x, change, y) for change in (m.by_w, m.by_tau))
    corners = [sigma + j * a + k * b for j in (-1, 1) for k in (-1, 1)]
    turn = np.array([1j * a, 1j * b, *corners]).conj()
    turn = turn / np.where(np.abs(turn) > 0, np.abs(turn), 1)
    turn = np.where(turn.real < 0, -turn, turn)
    gain = turn.real * sigma - np.abs((turn * a).real) - np.abs((turn * b).real)
    best = np.take_along_axis(turn, np.argmax(gain, axis=0)[None], axis=0)[0]
    return best[:, :, None] * x, y


def _definite(centre: Array, radius: Array, theta: float) -> Array:
    """Whether every Hermitian matrix within `radius` of `centre` is positive definite.

    Lemma (Gershgorin): h_ii v_i > sum_{j != i} |h_ij| v_j for all i and some v > 0 is diagonal
    dominance of V^-1 H V, so its eigenvalues, which are those of H, are positive.
    """
    off = np.abs(centre) + radius
    low = np.einsum("bii->bi", centre).real - np.einsum("bii->bi", radius)
    off = np.where(np.eye(off.shape[1], dtype=bool), 0.0, off)
    v = 1 / np.sqrt(low)
    for _ in range(4):
        v = v + np.einsum("bij,bj->bi", off, v) / low
    others = np.einsum("bij,bj->bi", off, v)
    return np.asarray(np.all((v > 0) & (low * v > others * (1 + theta)), axis=1))


def _product(x: Array, m: Array, y: Array) -> Array:
    """X M Y, by plain sums of products (einsum: no other algorithm for complex numbers)."""
    return np.asarray(np.einsum("bij,bjk->bik", np.einsum("bij,bjk->bik", x, m), y))


def _hermitian(m: Array) -> Array:
    """(M + M*) / 2."""
    return np.asarray((m + m.conj().swapaxes(1, 2)) / 2)
