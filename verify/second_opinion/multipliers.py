"""v^T H v < 0 on a box, by multipliers where the bound term by term is too weak (collapsed leaf)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import arb, arb_mat

from .balls import square
from .forms import Form, definite, quadratic

ROUNDS = 4


def negative(forms: Sequence[Form], matrix: arb_mat) -> bool:
    """Whether v^T H v < 0 on the box.

    With v = m + L t + e, t_k = r_k u_k: v^T H v <= (1, u)^T A (1, u) for |u_k| <= 1 and
    A = [[s + sum lambda, g^T], [g, M - diag(lambda)]], for any lambda >= 0.
    """
    if quadratic(forms, matrix) < 0:
        return True
    span, middles = forms[0].span, [q.e.mid() for q in forms]
    half = [arb(1), *(abs(t).upper() for t in span)]
    head = arb_mat([[q.c + m, *q.lin] for q, m in zip(forms, middles, strict=True)])
    e = arb_mat([[q.e - m] for q, m in zip(forms, middles, strict=True)])
    image = matrix * head
    core, cross = head.transpose() * image, e.transpose() * image
    rest = 2 * cross[0, 0] + (e.transpose() * (matrix * e))[0, 0]
    for k, t in enumerate(span, 1):
        rest = rest + 2 * cross[0, k] * t
    size = len(half)
    rows = [[core[k, l] * half[k] * half[l] for l in range(k + 1)] for k in range(size)]
    for k in range(1, size):
        rows[k][k] = core[k, k] * square(half[k])
    found = _multipliers(np.array([[float(x.mid()) for x in _full(rows, k)] for k in range(size)]))
    if found is None:
        return False
    rows[0][0] = rows[0][0] + rest
    for k, value in enumerate(found, 1):
        rows[k][k] = rows[k][k] - arb(value)
        rows[0][0] = rows[0][0] + arb(value)
    return definite([[-entry for entry in row] for row in rows])


def _full(rows: list[list[arb]], k: int) -> list[arb]:
    """Return a row of the symmetric matrix of a lower triangle."""
    return [rows[max(k, l)][min(k, l)] for l in range(len(rows))]


def _multipliers(middle: np.ndarray) -> list[float] | None:
    """Return multipliers that are not negative, or None; what they show is shown in balls."""
    g, form = middle[1:, 0], middle[1:, 1:]
    if not np.isfinite(middle).all():
        return None
    diagonal = np.diagonal(form)
    across = np.abs(form).sum(axis=1) - np.abs(diagonal)
    values = np.maximum(diagonal + across, 0) + np.abs(g) + 1e-9 * (1 + across)
    best, least = values, np.inf
    for _ in range(ROUNDS):
        shifted = np.diag(values) - form
        if np.linalg.eigvalsh(shifted)[0] <= 0:
            values = 2 * values
            continue
        u = np.linalg.solve(shifted, g)
        bound = float(g @ u + values.sum())
        if bound < least:
            best, least = values, bound
        values = values * np.clip(np.abs(u), 0.2, 3.0)
    return best.tolist() if bool((best >= 0).all()) else None
