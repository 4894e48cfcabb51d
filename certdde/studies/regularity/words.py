"""Measurable delays: readings held for a short step each, so that the solution is known exactly from step to step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

from certdde.studies.regularity.ascent import Family, Value
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.paths import PeriodicPath

Word = Int[np.ndarray, " steps"]


@dataclass(frozen=True, slots=True)
class Words(Family[np.ndarray]):
    """In step k, of length 1/m, the delayed state is that of the time word[k] steps before the step began.

    So tau(t) = (word[k] + s) / m, s in [0, 1) within the step: in [0, 1] for letters 0 .. m - 1. With E, F of
    ``Matrices.held``, x_{k+1} = E x_k + F x_{k - word[k]}: a scheme whose delay varies freely, without any error of
    discretisation. As m grows such delays come near every measurable one.

    The ascent is that of the maximum principle: with x the dominant solution and p that of the adjoint, the gain of a
    letter d in step k is Re p_{k+1} F x_{k-d} / (mu p x), and the letters with the largest gains are changed.

    Attributes
    ----------
    matrices : Matrices
    steps : int
        m.
    """

    matrices: Matrices
    steps: int

    def value(self, point: Word, scale: float) -> Value:
        """Return log |mu| over the word, and the gain of each letter at each step."""
        present, delayed = self.matrices.held(scale / self.steps)
        table = self._table(point, present, delayed)
        mu, x, adjoint = _dominant(table[len(point) :].reshape(-1, table.shape[2]))
        states = table @ x
        dual = np.zeros_like(states)
        dual[len(point) :] = adjoint.reshape(self.steps, -1)
        for k in range(len(point) - 1, -1, -1):
            j = self.steps + k
            dual[j - 1] += dual[j] @ present
            dual[j - 1 - point[k]] += dual[j] @ delayed
        read = (self.steps - 1 + np.arange(len(point)))[:, None] - np.arange(self.steps)
        gain = np.einsum("ki,kdi->kd", dual[self.steps :], (states @ delayed.T)[read])
        return Value(float(np.log(abs(mu))), (gain / (mu * (adjoint @ x))).real)

    def _table(self, word: Word, present: np.ndarray, delayed: np.ndarray) -> np.ndarray:
        """Return x_{1-m} .. x_N as functions of x_{1-m} .. x_0: (m + N, n, m n)."""
        n, m = len(present), self.steps
        table = np.zeros((m + len(word), n, m * n))
        table[:m] = np.eye(m * n).reshape(m, n, m * n)
        for k, letter in enumerate(word, m):
            table[k] = present @ table[k - 1] + delayed @ table[k - 1 - letter]
        return table

    def starts(self, count: int, generator: np.random.Generator) -> Iterator[Word]:
        """Yield switching between the ends, reading without a plan, and holding one reading again and again."""
        m = self.steps
        for k in range(count):
            length = int(generator.integers(max(2, m // 2), 4 * m))
            place = np.arange(length)
            if k % 3 == 0:
                yield np.where(place < generator.integers(1, length), m - 1, 0)
            elif k % 3 == 1:
                yield generator.integers(0, m, length)
            else:
                yield np.minimum(place % int(generator.integers(2, 2 * m)), m - 1)

    def moves(self, point: Word, gain: np.ndarray) -> Iterator[Word]:
        """Yield words with the best letters: at all steps, then at fewer and fewer of those where it pays most."""
        best, rows = gain.argmax(1), np.arange(len(point))
        rise = gain[rows, best] - gain[rows, point]
        order, count = np.argsort(-rise), int((rise > 1e-12).sum())
        while count >= 1:
            other = point.copy()
            other[order[:count]] = best[order[:count]]
            yield other
            count //= 3

    def length(self, point: Word) -> float:
        """Return the number of steps."""
        return float(len(point))

    def variants(self, point: Word) -> Iterator[Word]:
        """Yield words with one step less or more, at each of at most 24 places."""
        for j in np.unique(np.linspace(0, len(point) - 1, 24).astype(int)):
            if len(point) > 2:
                yield np.delete(point, j)
            for rise in (0, 1):
                yield np.insert(point, j + 1, min(int(point[j]) + rise, self.steps - 1))

    def refined(self, point: Word) -> tuple[Words, Word]:
        """Return the family with steps half as long, and the same path in it."""
        return Words(self.matrices, 2 * self.steps), np.stack([2 * point, 2 * point + 1], 1).ravel()

    def path(self, point: Word, scale: float) -> tuple[PeriodicPath, float]:
        """Return the sawtooth with a tooth for each reading, joined where one is held for several steps."""
        step, place = scale / self.steps, np.arange(len(point))
        period = step * len(point)
        return PeriodicPath.of(step * place, step * point, np.ones(len(point)), period), period

    def orbit(self, point: Word, scale: float) -> tuple[np.ndarray, np.ndarray, complex]:
        """Return the dominant solution at the steps of a window [-scale, 0]."""
        present, delayed = self.matrices.held(scale / self.steps)
        table = self._table(point, present, delayed)
        mu, x, _ = _dominant(table[len(point) :].reshape(-1, table.shape[2]))
        times = scale / self.steps * np.arange(1 - self.steps, 1)
        return times, x.reshape(self.steps, -1), mu


def _dominant(
    matrix: Float[np.ndarray, "size size"],
) -> tuple[complex, np.ndarray, np.ndarray]:
    """Return the eigenvalue of the largest modulus, its vector, and its left vector."""
    values, lefts, rights = scipy.linalg.eig(matrix, left=True)
    k = int(np.abs(values).argmax())
    return complex(values[k]), rights[:, k], lefts[:, k].conj()
