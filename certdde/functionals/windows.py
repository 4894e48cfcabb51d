"""Quadratic functionals with a window of history for each lag (docs/math.md, several delays)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class WindowedFunctional:
    """V = w^T P w + sum_l int_{t-T_l}^t [x^T S_l x + (s - t + T_l) x'^T R_l x'] ds, T_l = k_l tau_{j_l}.

    w = (x, T_1 Omega_{1,0} .. T_1 Omega_{1,N-1}, T_2 Omega_{2,0} ..), the moments of every window.

    Attributes
    ----------
    order : int
        Number of moments N of each window.
    lags : tuple of (int, int)
        (j_l, k_l): the number of the delay and its multiple, in increasing order.
    P : (n (1 + L N), n (1 + L N)) array
    S, R : (L, n, n) arrays
    """

    order: int
    lags: tuple[tuple[int, int], ...]
    P: np.ndarray
    S: np.ndarray
    R: np.ndarray

    @property
    def dimension(self) -> int:
        """Number of states n."""
        return self.P.shape[-1] // (1 + len(self.lags) * self.order)

    def windows(self, delays: Sequence[float]) -> list[float]:
        """Return the lengths T_l for values of the delays."""
        return [k * delays[j] for j, k in self.lags]

    def bessel(self, longest: Sequence[float]) -> np.ndarray:
        """Return P + blkdiag(0, (2k+1) S_l / T_l ..) at the longest delays: w^T . w bounds V from below."""
        n, total = self.dimension, self.P.copy()
        for a, window in enumerate(self.windows(longest)):
            for k in range(self.order):
                place = slice(n * (1 + a * self.order + k), n * (2 + a * self.order + k))
                total[..., place, place] += (2 * k + 1) * self.S[..., a, :, :] / window
        return total

    def on_constant_histories(self, delays: Sequence[float]) -> np.ndarray:
        """Return K with V = x^T K x for the constant history x, at values of the delays."""
        n, windows = self.dimension, self.windows(delays)
        lift = np.zeros((n * (1 + len(self.lags) * self.order), n))
        lift[:n] = np.eye(n)
        for a, window in enumerate(windows if self.order else []):
            lift[n * (1 + a * self.order) : n * (2 + a * self.order)] = window * np.eye(n)
        total: np.ndarray = lift.T @ self.P @ lift
        for a, window in enumerate(windows):
            total = total + window * self.S[..., a, :, :]
        return total

    def on_constant_history(self, x: np.ndarray, delays: Sequence[float]) -> np.ndarray:
        """Return V of the constant history x (n,) at values of the delays."""
        return np.einsum("i,...ij,j->...", x, self.on_constant_histories(delays), x)

    def unscaled(self, unit: float, states: np.ndarray) -> WindowedFunctional:
        """Return V in t and x, from V in s and z: t = unit * s, x = diag(states) z; exact for powers of two."""
        n, back = self.dimension, np.outer(1 / states, 1 / states)
        lift = np.tile(1 / states, len(self.P) // n)
        lift[n:] /= unit
        return WindowedFunctional(
            self.order,
            self.lags,
            self.P * np.outer(lift, lift),
            self.S * back / unit,
            self.R * back,
        )

    def times(self, factor: float) -> WindowedFunctional:
        """Return factor * V."""
        matrices = (factor * m for m in (self.P, self.S, self.R))
        return WindowedFunctional(self.order, self.lags, *matrices)

    def upper_bound(self, rho: float, rho_rate: float, longest: Sequence[float]) -> float:
        """Bound V over histories within rho with rates within rho_rate, delays up to the longest."""
        n, windows = self.dimension, self.windows(longest)
        w = np.full(len(self.P), rho)
        for a, window in enumerate(windows if self.order else []):
            w[n * (1 + a * self.order) : n * (1 + (a + 1) * self.order)] *= window
        total = float(w @ np.abs(self.P) @ w)
        for window, s, r in zip(windows, self.S, self.R, strict=True):
            rates = window**2 / 2 * rho_rate**2 * np.abs(r).sum()
            total += window * rho**2 * np.abs(s).sum() + rates
        return float(total)
