"""Sample and hold: x' = A x + B x(t_k), so x(t_k + s) = M(s) x(t_k) (docs/math.md, section "Sample and hold")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import comb, factorial

import numpy as np
from scipy.linalg import expm

SHORT = 8  # terms of the series on a piece, as in the checker


@dataclass(frozen=True, slots=True)
class HeldSystem:
    """The matrices A (``present``) and B (``held``), both (n, n).

    Examples
    --------
    >>> scalar = HeldSystem(np.zeros((1, 1)), -np.ones((1, 1)))
    >>> scalar.maps(np.array([0.5, 2.0])).tolist()
    [[[0.5]], [[-1.0]]]
    """

    present: np.ndarray
    held: np.ndarray

    @property
    def dimension(self) -> int:
        """Number of states, n."""
        return len(self.present)

    def means(self, steps: np.ndarray) -> np.ndarray:
        """Return F(s) = int_0^1 exp(A s v) dv for steps (k,), (k, n, n)."""
        n, count = self.dimension, len(steps)
        both = np.zeros((count, 2 * n, 2 * n))
        both[:, :n, :n] = steps[:, None, None] * self.present
        both[:, :n, n:] = np.eye(n)
        return np.asarray(expm(both)[:, :n, n:])

    def rates(self, steps: np.ndarray) -> np.ndarray:
        """Return K(s) = (M(s) - I) / s = F(s)(A + B), at s = 0 too, (k, n, n)."""
        return self.means(steps) @ (self.present + self.held)

    def maps(self, steps: np.ndarray) -> np.ndarray:
        """Return M(s), (k, n, n)."""
        return np.eye(self.dimension) + steps[:, None, None] * self.rates(steps)

    def product(self, steps: Sequence[float]) -> np.ndarray:
        """Return the map over several steps, the first one first."""
        maps = self.maps(np.asarray(steps, dtype=np.float64))
        return np.asarray(reduce(lambda total, one: one @ total, maps, np.eye(self.dimension)))

    def controls(self, low: float, high: float) -> tuple[np.ndarray, float]:
        """Return matrices X_i whose hull holds X(u) on the piece [low, high] up to a distance, and that distance.

        X(u) = M(low + u); on a piece that begins at 0 it is I + w K(u), w the width. As in the checker, in float64.
        """
        a, w, eye = self.present, high - low, np.eye(self.dimension)
        start = self.maps(np.array([low]))[0]
        slope = a @ start + self.held
        power, powers = w * eye, [start]
        for j in range(SHORT):
            powers.append(power @ slope)
            power = power @ a * (w / (j + 2))
        if low == 0:
            powers = [powers[0] + powers[1], *powers[2:]]
        d = len(powers) - 1
        weights = [[comb(i, j) / comb(d, j) for j in range(d + 1)] for i in range(d + 1)]
        return np.tensordot(np.array(weights), np.array(powers), 1), self._tail(w, slope)

    def _tail(self, w: float, slope: np.ndarray) -> float:
        """Bound what the series leaves out."""
        size = float(np.abs(self.present).sum(-1).max())
        ratio = size * w / (SHORT + 2)
        if not ratio < 1:
            return np.inf
        first = size**SHORT * w ** (SHORT + 1) / factorial(SHORT + 1)
        return float(first / (1 - ratio) * np.abs(slope).sum(-1).max())

    def scaled(self, states: np.ndarray, time: float) -> HeldSystem:
        """Return the system in z, x = diag(states) z, with time in units of ``time``."""
        factor = time * np.outer(1 / states, states)
        return HeldSystem(factor * self.present, factor * self.held)
