"""Sample and hold: the state is read at times at most h apart, and held in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from certdde.studies.regularity.ascent import Family, Value
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.paths import PeriodicPath
from certdde.studies.regularity.words import _dominant

Gaps = Int[np.ndarray, " readings"]


@dataclass(frozen=True, slots=True)
class Samples(Family[np.ndarray]):
    """The k-th gap between readings is (gaps[k] + 1) / m of the longest one: x_{k+1} = M(gap) x_k, exactly.

    M(g) = exp(A g) + int_0^g exp(A s) ds B is n by n, so periodic sampling is decided by its eigenvalues, and a
    sequence of gaps by those of the product.

    Attributes
    ----------
    matrices : Matrices
    steps : int
        m.
    """

    matrices: Matrices
    steps: int = 64

    def _maps(self, scale: float) -> np.ndarray:
        gaps = scale * np.arange(1, self.steps + 1) / self.steps
        return np.array([sum(self.matrices.held(gap)) for gap in gaps])

    def value(self, point: Gaps, scale: float) -> Value:
        """Return log |mu| over the gaps, and the gain of each length of each gap."""
        maps = self._maps(scale)
        states, mu, x, adjoint = _run(maps[point])
        duals = [adjoint]
        for k in point[:0:-1]:
            duals.append(duals[-1] @ maps[k])
        gain = np.einsum("ki,dij,kj->kd", np.array(duals[::-1]), maps, states)
        return Value(float(np.log(abs(mu))), (gain / (mu * (adjoint @ x))).real)

    def starts(self, count: int, generator: np.random.Generator) -> Iterator[Gaps]:
        """Yield the longest gap again and again, then words of one to eight gaps."""
        yield np.array([self.steps - 1])
        for k in range(count - 1):
            yield generator.integers(0, self.steps, 1 + k % 8)

    def moves(self, point: Gaps, gain: np.ndarray) -> Iterator[Gaps]:
        """Yield words with the best gaps: all of them, then each alone, the most promising first."""
        best, rows = gain.argmax(1), np.arange(len(point))
        yield best
        for k in np.argsort(gain[rows, point] - gain[rows, best]):
            if best[k] != point[k]:
                other = point.copy()
                other[k] = best[k]
                yield other

    def length(self, point: Gaps) -> float:
        """Return the number of shortest gaps."""
        return float(np.sum(np.asarray(point) + 1))

    def variants(self, point: Gaps) -> Iterator[Gaps]:
        """Yield words with a gap less, or one more."""
        for j in range(len(point)):
            if len(point) > 1:
                yield np.delete(point, j)
            for gap in (0, self.steps // 2, self.steps - 1):
                yield np.insert(point, j, gap)

    def path(self, point: Gaps, scale: float) -> tuple[PeriodicPath, float]:
        """Return the sawtooth of the time since the last reading."""
        gaps = scale * (np.asarray(point) + 1) / self.steps
        times, zero = np.concatenate([[0.0], np.cumsum(gaps)]), np.zeros(len(gaps))
        return PeriodicPath.of(times[:-1], zero, zero + 1, float(times[-1])), float(times[-1])

    def orbit(self, point: Gaps, scale: float) -> tuple[np.ndarray, np.ndarray, complex]:
        """Return the state at the first reading, which is all that counts."""
        _, mu, x, _ = _run(self._maps(scale)[point])
        return np.array([-scale, 0.0]), np.stack([x, x]), mu


def _run(maps: np.ndarray) -> tuple[np.ndarray, complex, np.ndarray, np.ndarray]:
    """Return the states before each map along the dominant solution, mu, the first state and the left vector."""
    product = np.eye(maps.shape[1])
    for one in maps:
        product = one @ product
    mu, x, adjoint = _dominant(product)
    states = [x]
    for one in maps[:-1]:
        states.append(one @ states[-1])
    return np.array(states), mu, x, adjoint
