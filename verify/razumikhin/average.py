"""Delay-dependent Razumikhin conditions of a linear system, as matrices (docs/math.md, Razumikhin).

Over the vector z = (x, y, u, v), with u the mean of x and v that of x(. - tau) over [t - tau, t]. Time is measured in
the longest delay, so h = 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Bounds of (x - u, y - u, x - v, y - v, u - v) at theta = tau/h = 0 and 1, squared.
GAPS = np.array([[0.0, 0.0, 1.0, 1.0, 1.0], [0.25, 0.25, 2.25, 0.5625, 1.0]])
MULTIPLIERS = 10


@dataclass(frozen=True, slots=True)
class Unknowns:
    """P, Q (.., n, n) and N (.., n, 4n); leading dimensions are a batch."""

    P: np.ndarray
    Q: np.ndarray
    N: np.ndarray

    @classmethod
    def units(cls, n: int) -> Unknowns:
        """Return the values at the unit vectors of (P, Q, N): symmetric, symmetric, any."""
        rows, cols = np.triu_indices(n)
        symmetric = np.zeros((len(rows), n, n))
        index = np.arange(len(rows))
        symmetric[index, rows, cols] = symmetric[index, cols, rows] = 1.0
        free = np.eye(4 * n * n).reshape(-1, n, 4 * n)
        none, wide = np.zeros_like(symmetric), np.zeros((len(rows), n, 4 * n))
        rest = np.zeros((len(free), n, n))
        return cls(
            np.concatenate([symmetric, none, rest]),
            np.concatenate([none, symmetric, rest]),
            np.concatenate([wide, wide, free]),
        )

    def combined(self, x: np.ndarray) -> Unknowns:
        """Return the value at a vector."""
        return Unknowns(*(np.tensordot(x, m, 1) for m in (self.P, self.Q, self.N)))


def conditions(
    present: np.ndarray, delayed: np.ndarray, q: float, at: Unknowns, multipliers: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return D at theta = 0 and 1, (.., 4n, 4n), and E, (.., 2n, 2n): all three must be negative.

    Parameters
    ----------
    present, delayed : (n, n) arrays
        h A and h B.
    q : float
    at : Unknowns
    multipliers : (.., 10) array
        b_y, b_u, b_v; r_1 .. r_5; b_1, b_2. The result is linear in ``at``, and with b_1 + b_2 = 1 affine in
        these.
    """
    n = len(present)
    x, y, u, v = np.eye(4 * n).reshape(4, n, 4 * n)
    rate, mean = present @ x + delayed @ y, present @ u + delayed @ v
    by, bu, bv, *r, b1, b2 = (multipliers[..., k, None, None] for k in range(MULTIPLIERS))
    now = x.T @ at.P @ x
    base = _twice(x.T @ at.P @ rate) - by * (y.T @ at.P @ y)
    base = base - bu * (u.T @ at.P @ u) - bv * (v.T @ at.P @ v)
    for weight, gap in zip(r, (x - u, y - u, x - v, y - v, u - v), strict=True):
        base = base - weight * (gap.T @ at.Q @ gap)
    ends = []
    for theta, gaps in enumerate(GAPS):
        total = by + bu + bv + sum(w * c for w, c in zip(r, gaps, strict=True))
        ends.append(base + q * total * now + _twice(at.N.swapaxes(-1, -2) @ (y - x + theta * mean)))
    first, second = np.eye(2 * n).reshape(2, n, 2 * n)
    f = present @ first + delayed @ second
    rates = f.T @ at.Q @ f - b1 * (first.T @ at.P @ first) - b2 * (second.T @ at.P @ second)
    return ends[0], ends[1], rates


def _twice(matrix: np.ndarray) -> np.ndarray:
    return matrix + matrix.swapaxes(-1, -2)
