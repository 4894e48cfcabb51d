"""The past of a solution: polynomials on the steps of a grid, looked up at many times at once."""

import torch
from torch import Tensor


class Track:
    """Append-only past of one integration, in blocks of steps; old blocks can be dropped.

    A block of R steps has coefficients (R, B, J, n) of theta^j. With gradients, blocks are joined when they are
    looked at; without, they are written into one ring of the size of what is looked back at. This is the one mutable
    object of an integration; nobody outside sees it.
    """

    def __init__(self, *, keep_graph: bool) -> None:
        self._keep_graph = keep_graph
        self._blocks: list[Tensor] = []
        self._buffer: Tensor | None = None
        self._first = 0  # first row of the buffer that is still wanted
        self._rows = 0  # rows of the buffer that are filled

    def append(self, coefficients: Tensor) -> None:
        """Add a block of steps that follows what is there."""
        if self._keep_graph:
            self._blocks.append(coefficients)
            return
        buffer = self._reserve(coefficients)
        buffer[self._rows : self._rows + coefficients.shape[0]] = coefficients
        self._rows += coefficients.shape[0]

    def _reserve(self, block: Tensor) -> Tensor:
        """Make room: move the wanted rows to the front, and into a larger buffer if they fill half of it."""
        more = block.shape[0]
        if self._buffer is not None and self._rows + more <= self._buffer.shape[0]:
            return self._buffer
        kept = self._rows - self._first
        capacity = 0 if self._buffer is None else self._buffer.shape[0]
        size = capacity if 2 * (kept + more) <= capacity else max(2 * (kept + more), 16)
        fresh = block.new_empty((size, *block.shape[1:]))
        if self._buffer is not None:
            fresh[:kept] = self._buffer[self._first : self._rows]
        self._buffer, self._first, self._rows = fresh, 0, kept
        return fresh

    def drop(self, steps: int) -> int:
        """Forget the first steps, all but one, in whole blocks if the graph is kept; return how many."""
        if not self._keep_graph:
            dropped = max(0, min(steps, self._rows - self._first - 1))
            self._first += dropped
            return dropped
        dropped = 0
        while len(self._blocks) > 1 and dropped + self._blocks[0].shape[0] <= steps:
            dropped += self._blocks.pop(0).shape[0]
        return dropped

    def view(self) -> Tensor | None:
        """Return all steps that are there as one block, None if there are none."""
        if not self._keep_graph:
            return None if self._buffer is None else self._buffer[self._first : self._rows]
        if len(self._blocks) > 1:
            return torch.cat(self._blocks)
        return self._blocks[0] if self._blocks else None


def gather(coefficients: Tensor, index: Tensor) -> Tensor:
    """Pick the coefficients of step index[q, b] for sample b: (Q, B, J, n)."""
    rows, batch, degree, n = coefficients.shape
    if index.shape[1] == 1:
        return coefficients.index_select(0, index[:, 0])
    flat = index * batch + torch.arange(batch, device=index.device)
    picked = coefficients.reshape(rows * batch, degree * n).index_select(0, flat.reshape(-1))
    return picked.reshape(index.shape[0], batch, degree, n)


def polynomial(coefficients: Tensor, theta: Tensor, length: Tensor, derivative: int = 0) -> Tensor:
    """Evaluate sum theta^j c_j, or its derivative in time, by Horner's rule: (Q, B, n)."""
    parts = list(coefficients.unbind(2))
    for _ in range(derivative):
        parts = [part * j for j, part in enumerate(parts)][1:] or [torch.zeros_like(parts[0])]
    theta, value = theta.unsqueeze(-1), parts[-1]
    for part in reversed(parts[:-1]):
        value = torch.addcmul(part, value, theta)
    return value if derivative == 0 else value / length.unsqueeze(-1) ** derivative
