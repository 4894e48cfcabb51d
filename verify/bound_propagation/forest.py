"""A partition of a box as a forest of bisections (docs/certificate-format.md, section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

OUTSIDE, COLLAPSED, STAR = 253, 254, 255


@dataclass(frozen=True, slots=True)
class Forest:
    """The grid of roots, the sizes of the blocks, and one byte a node in level order within a block."""

    grid: tuple[int, ...]
    blocks: tuple[int, ...]
    codes: np.ndarray

    @property
    def leaves(self) -> int:
        """Number of boxes."""
        return int((self.codes >= OUTSIDE).sum())

    @property
    def stars(self) -> int:
        """Number of boxes closed by the star test."""
        return int((self.codes == STAR).sum())

    @property
    def outside(self) -> int:
        """Number of boxes that hold no point of the level set."""
        return int((self.codes == OUTSIDE).sum())

    def boxes(
        self, lower: torch.Tensor, upper: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
        """Return the ends of all leaves, (k, d) each, and their codes."""
        roots = root_cells(lower, upper, self.grid)
        low, high, kinds, start, position = [], [], [], 0, 0
        for count in self.blocks:
            level = (roots[0][start : start + count], roots[1][start : start + count])
            start += count
            while len(level[0]):
                codes = self.codes[position : position + len(level[0])]
                position += len(codes)
                leaf = torch.as_tensor(codes >= OUTSIDE)
                low.append(level[0][leaf])
                high.append(level[1][leaf])
                kinds.append(codes[codes >= OUTSIDE])
                level = bisect(
                    level[0][~leaf], level[1][~leaf], torch.as_tensor(codes.astype(np.int64))[~leaf]
                )
        return torch.cat(low), torch.cat(high), np.concatenate(kinds)


def root_cells(
    lower: torch.Tensor, upper: torch.Tensor, grid: tuple[int, ...]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the cells of the root grid in C order, ends (k, d); the edges follow the certificate format to the bit."""
    edges = []
    for low, high, count in zip(lower.tolist(), upper.tolist(), grid, strict=True):
        edge = torch.tensor(
            [low + (high - low) * (k / count) for k in range(count + 1)], dtype=torch.float64
        )
        edge[0], edge[-1] = low, high
        edges.append(edge)
    low = torch.cartesian_prod(*(e[:-1] for e in edges)).reshape(-1, len(grid))
    high = torch.cartesian_prod(*(e[1:] for e in edges)).reshape(-1, len(grid))
    return low, high


def bisect(
    lower: torch.Tensor, upper: torch.Tensor, axis: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Split each box (k, d) along its axis; children follow each other, the lower half first."""
    index = torch.arange(len(lower))
    middle = 0.5 * (lower[index, axis] + upper[index, axis])
    first, second = upper.clone(), lower.clone()
    first[index, axis], second[index, axis] = middle, middle
    return torch.stack([lower, second], 1).reshape(-1, lower.shape[1]), torch.stack(
        [first, upper], 1
    ).reshape(-1, lower.shape[1])
