"""Quadratic functionals for a delay of bounded rate (docs/math.md, section "Slow delays")."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

NAMES = ("P0", "P1", "Q1", "Q2", "R1", "R2", "U")


@dataclass(frozen=True, slots=True)
class SlowFunctional:
    """V in the time t / h, in which the delay is alpha = tau / h and x' = h f.

    V = w^T (P0 + alpha P1) w + int_{t-alpha}^t [ q1 + (s - t + 1) x'^T R1 x' + (s - t + alpha) x'^T U x' ] ds
    + int_{t-1}^{t-alpha} [ q2 + (s - t + 1) x'^T R2 x' ] ds, where q1 and q2 are (x, x')^T Q (x, x') and
    w = (x, x(t - alpha), x(t - 1), alpha v_0 .. alpha v_{N-1}, Omega_0 .. Omega_{N-1}) with the moments v of
    [t - alpha, t] and Omega of [t - 1, t].

    Attributes
    ----------
    order : int
        Number of moments N of each window.
    window : float
        h.
    P0, P1 : (n (3 + 2 N), n (3 + 2 N)) arrays
    Q1, Q2 : (2 n, 2 n) arrays
    R1, R2, U : (n, n) arrays
    """

    order: int
    window: float
    P0: np.ndarray
    P1: np.ndarray
    Q1: np.ndarray
    Q2: np.ndarray
    R1: np.ndarray
    R2: np.ndarray
    U: np.ndarray

    @property
    def dimension(self) -> int:
        """Number of states n."""
        return len(self.U)

    @property
    def matrices(self) -> dict[str, np.ndarray]:
        """All matrices by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name in NAMES}


def sizes(dimension: int, order: int) -> dict[str, int]:
    """Return the size of each matrix."""
    wide = dimension * (3 + 2 * order)
    return dict(zip(NAMES, (wide, wide, *[2 * dimension] * 2, *[dimension] * 3), strict=True))
