"""Quadratic functionals for a delay of bounded rate (docs/math.md, section "Slow delays")."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

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

    def at(self, alpha: float) -> np.ndarray:
        """Return P0 + alpha P1."""
        return self.P0 + alpha * self.P1

    def bessel(self, alpha: float) -> np.ndarray:
        """Return M with V >= w^T M w at one alpha, affine in it: Bessel's inequality with 1/alpha >= 2 - alpha.

        And 1/(1 - alpha) >= 1 + alpha for the other window.
        """
        n, total = self.dimension, self.at(alpha).copy()
        first, second = (_schur(q, n) for q in (self.Q1, self.Q2))
        blocks = np.eye(len(total)).reshape(-1, n, len(total))
        for k in range(self.order):
            total += (2 * k + 1) * (2 - alpha) * blocks[3 + k].T @ first @ blocks[3 + k]
        if self.order:
            rest = blocks[3 + self.order] - blocks[3]
            total += (1 + alpha) * rest.T @ second @ rest
        return total

    def upper_bound(self, rho: float, rho_rate: float, first: float) -> float:
        """Bound V, for every alpha in [first, 1], over histories within rho with rates within rho_rate in real time."""
        n, rate = self.dimension, self.window * rho_rate
        both = np.concatenate([np.full(n, rho), np.full(n, rate)])
        total = rho**2 * max(np.abs(self.at(alpha)).sum() for alpha in (first, 1.0))
        total += max(both @ np.abs(q) @ both for q in (self.Q1, self.Q2))
        r1, r2, u = (rate**2 * np.abs(r).sum() for r in (self.R1, self.R2, self.U))
        return float(total + (max(r1, r2) + u) / 2)

    def on_constant_histories(self, alpha: float) -> np.ndarray:
        """Return K with V = x^T K x for the constant history x."""
        n = self.dimension
        lift = np.zeros((len(self.P0), n))
        ones = [(0, 1.0), (1, 1.0), (2, 1.0)]
        ones += [(3, alpha), (3 + self.order, 1.0)] if self.order else []
        for k, weight in ones:
            lift[n * k : n * (k + 1)] = weight * np.eye(n)
        windows = alpha * self.Q1[:n, :n] + (1 - alpha) * self.Q2[:n, :n]
        return np.asarray(lift.T @ self.at(alpha) @ lift + windows)

    def unscaled(self, states: np.ndarray) -> SlowFunctional:
        """Return V in x from V in z, x = diag(states) z; exact for powers of two."""
        back = np.outer(1 / states, 1 / states)
        found = {}
        for name, matrix in self.matrices.items():
            times = len(matrix) // len(states)
            found[name] = matrix * np.tile(back, (times, times))
        return replace(self, **found)

    def times(self, factor: float) -> SlowFunctional:
        """Return factor * V."""
        return replace(self, **{name: factor * m for name, m in self.matrices.items()})


def _schur(q: np.ndarray, n: int) -> np.ndarray:
    """Return S with q >= blkdiag(S, 0)."""
    found: np.ndarray = q[:n, :n] - q[:n, n:] @ np.linalg.solve(q[n:, n:], q[n:, :n])
    return found


def sizes(dimension: int, order: int) -> dict[str, int]:
    """Return the size of each matrix."""
    wide = dimension * (3 + 2 * order)
    return dict(zip(NAMES, (wide, wide, *[2 * dimension] * 2, *[dimension] * 3), strict=True))
