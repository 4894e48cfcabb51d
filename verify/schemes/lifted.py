"""The lifted state X = (x[t], .., x[t-k]) of a scheme, and the matrices X -> A_d X, one a delay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certdde.systems.delay_system import DelaySystem


@dataclass(frozen=True, slots=True)
class LiftedScheme:
    """x[t+1] = present x[t] + delayed x[t-d] with (present, delayed) anywhere in the hull of some vertices.

    Attributes
    ----------
    vertices : tuple of (present, delayed)
        (n, n) arrays; one pair for a linear scheme.
    """

    vertices: tuple[tuple[np.ndarray, np.ndarray], ...]

    @classmethod
    def linearised(cls, system: DelaySystem) -> LiftedScheme:
        """Return the linear part at the equilibrium, in float64."""
        present, delayed = (m.numpy() for m in system.jacobians())
        return cls(((present, delayed),))

    @property
    def dimension(self) -> int:
        """Number of states."""
        return len(self.vertices[0][0])

    def matrices(self, delay: int, window: int) -> list[np.ndarray]:
        """Return A for one delay and a lifted state that reaches back ``window`` steps, one a vertex."""
        return [lifted(present, delayed, delay, window) for present, delayed in self.vertices]


def lifted(present: np.ndarray, delayed: np.ndarray, delay: int, window: int) -> np.ndarray:
    """Return the matrix of X -> (present x[t] + delayed x[t-delay], x[t], .., x[t-window+1])."""
    n = len(present)
    matrix = np.zeros((n * (window + 1),) * 2)
    matrix[:n, :n] = present
    matrix[:n, n * delay : n * (delay + 1)] += delayed
    matrix[n:, : n * window] = np.eye(n * window)
    return matrix


def spectral_radius(scheme: LiftedScheme, word: Sequence[int]) -> float:
    """Return the growth a step, in the long run, when these delays are repeated for ever (first vertex)."""
    window = max(word)
    product = np.eye(scheme.dimension * (window + 1))
    for delay in word:
        product = scheme.matrices(delay, window)[0] @ product
    largest = float(np.abs(np.linalg.eigvals(product)).max())
    return float(largest ** (1 / len(word)))
