"""V of constant histories as a linear function of the unknown functional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import expit

from certdde.verify.sos.space import Space

POINTS = 512


@dataclass(frozen=True, slots=True)
class History:
    """Constant histories, and the rows r with V = r . u, an array (points, count) for each of some delays.

    The last delay is the longest.
    """

    points: np.ndarray
    rows: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, space: Space, breaks: Sequence[float], count: int = POINTS) -> History:
        """Spread points evenly over the domain (a lattice), with the delays that matter."""
        n = space.model.dimension
        box = np.array([[float(end) for end in pair] for pair in space.model.box[:n]])
        steps = np.array([0.5 ** ((k + 1) / (n + 1)) for k in range(n)])
        unit = (0.5 + np.outer(np.arange(count), steps)) % 1.0
        points = box[:, 0] + (box[:, 1] - box[:, 0]) * unit
        delays = sorted({*breaks, *((a + b) / 2 for a, b in pairwise(breaks))})
        return cls(points, tuple(_rows(space, points, tau) for tau in delays))

    def mean(self) -> np.ndarray:
        """Return r with r . u = the mean of V for the longest delay."""
        return np.asarray(self.rows[-1].mean(0))

    def loss(self, u: np.ndarray, width: float) -> float:
        """Return the mean of a smooth step of V from below 1 to above, the largest V of all delays."""
        return float(expit((self._largest(u)[0] - 1) / width).mean())

    def pull(self, u: np.ndarray, width: float) -> np.ndarray:
        """Return the gradient of the loss."""
        values, which = self._largest(u)
        step = expit((values - 1) / width)
        weights = step * (1 - step) / width / len(self.points)
        rows = np.stack(self.rows)[which, np.arange(len(self.points))]
        return np.asarray(weights @ rows)

    def _largest(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = np.stack([rows @ u for rows in self.rows])
        return values.max(0), values.argmax(0)


def _rows(space: Space, points: np.ndarray, tau: float) -> np.ndarray:
    """Return V of constant histories, entry by entry: Omega_0 is the state, the other moments vanish."""
    n = space.model.dimension
    w = np.zeros((len(points), space.components))
    w[:, :n] = points
    if space.model.order:
        w[:, n : 2 * n] = tau * points
    result = np.zeros((len(points), space.count))
    for k, (name, key) in enumerate(space.keys):
        if name in ("P", "S"):
            x, by = (w, 1.0) if name == "P" else (points, tau)
            i, j = key
            result[:, k] = by * (1 if i == j else 2) * x[:, i] * x[:, j]
        elif name in ("p", "q"):
            x, by = (w, 1.0) if name == "p" else (points, tau)
            result[:, k] = by * np.prod(x ** np.array(key), axis=1)
    return result
