"""Multipliers: D < 0 on a box where the bound term by term is too weak (spec 4, collapsed leaf)."""

import numpy as np
from ival import Interval

from .rounding import LIMIT, TINY, Affine, Array, Quadratic, congruence, negative_definite

ROUNDS = 4


def below(q: Quadratic, v: Affine) -> Array:
    """Whether v^T H v < 0 on each box, for every H.

    Lemma: on the box v = m + L R u + e with |u_k| <= 1, R = diag(r), so v^T H v <= s + 2 g^T u + u^T M u, where
    M = R L^T H L R, g = R L^T H m and s = m^T H m + (all terms in e). For any lambda >= 0 that is at most
    (1, u)^T [[s + sum lambda, g^T], [g, M - diag(lambda)]] (1, u), negative if the matrix is negative definite.
    """
    d = len(v.lin)
    rows = congruence(q, Interval(np.concatenate([v.m[None], v.lin])))
    scale = [Interval(np.ones_like(v.r[0])), *(Interval(r) for r in v.r)]
    rows = [[rows[k][l] * (scale[k] * scale[l]) for l in range(k + 1)] for k in range(d + 1)]
    lam = multipliers(rows)
    top = rows[0][0] + Interval(remainder(q, v))
    for k in range(1, d + 1):
        rows[k][k] = rows[k][k] - Interval(lam[..., k - 1])
        top = top + Interval(lam[..., k - 1])
    rows[0][0] = top
    usable = np.isfinite(lam).all(axis=-1) & (lam >= 0).all(axis=-1)
    return np.asarray(np.all(usable & negative_definite(rows), axis=0))


def remainder(q: Quadratic, v: Affine) -> Array:
    """An upper bound (K, B) of the terms in e: 2 |e^T H (m + L t)| + |e^T H e|; inf where `rounding.upper` has none."""
    size = np.abs(v.m) + (np.abs(v.lin) * v.r[:, None]).sum(axis=0) + v.rho
    spread = 2 * np.abs(q.centre @ v.m) + np.abs(q.centre) @ v.rho
    for lin, r in zip(v.lin, v.r, strict=True):
        spread = spread + 2 * np.abs(q.centre @ lin) * r
    total = np.einsum("fb,kfb->kb", v.rho, spread)
    total = total + 2 * (size * (q.error @ size)).sum(axis=0) + TINY
    return np.where(q.moderate & (size.max(axis=0) < LIMIT), total, np.inf)


def multipliers(rows: list[list[Interval]]) -> Array:
    """Multipliers (K, B, d), in binary64; nothing is believed of them but that they are not negative.

    At the best ones |u_k| = 1 wherever lambda_k > 0: each is multiplied by |u_k| a few times.
    """
    d = len(rows) - 1
    middle = [[entry.mid for entry in row] for row in rows]
    g = np.stack([middle[k][0] for k in range(1, d + 1)], axis=-1)
    form = np.empty((*g.shape, d))
    for k in range(d):
        for l in range(k + 1):
            form[..., k, l] = form[..., l, k] = middle[k + 1][l + 1]
    form, g = np.nan_to_num(form, posinf=0, neginf=0), np.nan_to_num(g, posinf=0, neginf=0)
    diagonal = np.einsum("...kk->...k", form)
    across = np.abs(form).sum(axis=-1) - np.abs(diagonal)
    lam = np.maximum(diagonal + across, 0) + np.abs(g) + 1e-9 * (1 + across)
    best, least = lam.copy(), np.full(g.shape[:-1], np.inf)
    for _ in range(ROUNDS):
        values, vectors = np.linalg.eigh(lam[..., None] * np.eye(d) - form)
        turned = np.einsum("...ij,...i->...j", vectors, g)
        fine = values[..., 0] > 0
        inverse = 1 / np.where(fine[..., None], values, 1)
        u = np.einsum("...ij,...j->...i", vectors, turned * inverse)
        bound = np.where(fine, (g * u).sum(axis=-1) + lam.sum(axis=-1), np.inf)
        better = bound < least
        best, least = np.where(better[..., None], lam, best), np.where(better, bound, least)
        lam = lam * np.where(fine[..., None], np.clip(np.abs(u), 0.2, 3.0), 2.0)
    return np.asarray(best)
