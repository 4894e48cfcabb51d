"""The unknowns (P, S, R) of a quadratic functional as one vector, and matrices that are linear in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from certdde.functionals import Functional

Assemble = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Symmetric P of size n (N + 1), S and R of size n, as the vector of their upper triangles."""

    dimension: int
    order: int

    def sizes(self) -> tuple[int, int, int]:
        """Return the sizes of P, S, R."""
        return self.dimension * (self.order + 1), self.dimension, self.dimension

    @property
    def count(self) -> int:
        """Length of the vector."""
        return sum(k * (k + 1) // 2 for k in self.sizes())

    def matrices(self, vector: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return P, S, R."""
        result, start = [], 0
        for size in self.sizes():
            rows, cols = np.triu_indices(size)
            matrix = np.zeros((size, size))
            matrix[rows, cols] = matrix[cols, rows] = vector[start : start + len(rows)]
            start += len(rows)
            result.append(torch.as_tensor(matrix))
        return result[0], result[1], result[2]

    def functional(self, vector: np.ndarray) -> Functional:
        """Return the quadratic functional."""
        return Functional(self.order, *self.matrices(vector))

    def vector(self, functional: Functional) -> np.ndarray:
        """Return the vector of a functional's quadratic data."""
        parts = (functional.P, functional.S, functional.R)
        return np.concatenate([m.numpy()[np.triu_indices(m.shape[0])] for m in parts])

    def basis(self, assemble: Assemble) -> np.ndarray:
        """Return B, (count, ...), with assemble(P, S, R) = sum_i vector_i B_i.

        ``assemble`` is linear and takes batches (count, k, k) of P, S, R.
        """
        return assemble(*_units(self.sizes())).numpy()


def _units(sizes: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
    """Return for each matrix the batch of its values at the unit vectors, (count, k, k)."""
    triangles = [np.triu_indices(size) for size in sizes]
    count, start, batches = sum(len(rows) for rows, _ in triangles), 0, []
    for size, (rows, cols) in zip(sizes, triangles, strict=True):
        batch, index = np.zeros((count, size, size)), start + np.arange(len(rows))
        batch[index, rows, cols] = batch[index, cols, rows] = 1.0
        start += len(rows)
        batches.append(torch.as_tensor(batch))
    return tuple(batches)
