"""The past of a solution: polynomials on intervals, looked up at many times at once."""

import torch
from torch import Tensor

Block = tuple[Tensor, Tensor, Tensor]
"""Start times and lengths of steps (R, 1 or B), coefficients (R, B, J, n)."""


class Track:
    """Append-only past of one integration, in blocks of steps; old blocks can be dropped.

    A block of R steps has start times and lengths (R, Bt) and coefficients (R, B, J, n) of theta^j, where Bt is 1 if all
    samples share their steps and B otherwise. With gradients, blocks are joined when they are looked at; without, they
    are written into one buffer. This is the one mutable object of an integration; nobody outside sees it.
    """

    def __init__(self, *, keep_graph: bool) -> None:
        self._keep_graph = keep_graph
        self._blocks: list[Block] = []
        self._buffer: Block | None = None
        self._first = 0  # first row of the buffer that is still wanted
        self._rows = 0  # rows of the buffer that are filled

    @property
    def is_empty(self) -> bool:
        """Say whether nothing was appended yet."""
        return not self._blocks and self._rows == 0

    def append(self, start: Tensor, length: Tensor, coefficients: Tensor) -> None:
        """Add a block of steps that follows what is there."""
        block = (start, length, coefficients)
        if self._keep_graph:
            self._blocks.append(block)
            return
        for target, source in zip(self._reserve(block), block, strict=True):
            target[self._rows : self._rows + source.shape[0]] = source
        self._rows += start.shape[0]

    def _reserve(self, block: Block) -> Block:
        """Make room for a block: move the wanted rows to the front, and into a larger buffer if they fill half of it."""
        more = block[0].shape[0]
        capacity = 0 if self._buffer is None else self._buffer[0].shape[0]
        if self._buffer is not None and self._rows + more <= capacity:
            return self._buffer
        kept = self._rows - self._first
        size = capacity if 2 * (kept + more) <= capacity else max(2 * (kept + more), 64)
        fresh = tuple(part.new_empty((size, *part.shape[1:])) for part in block)
        if self._buffer is not None:
            for target, source in zip(fresh, self._buffer, strict=True):
                target[:kept] = source[self._first : self._rows]
        self._buffer = (fresh[0], fresh[1], fresh[2])
        self._first, self._rows = 0, kept
        return self._buffer

    def drop(self, steps: int) -> int:
        """Forget the first steps that are still there, all but one, in whole blocks if the graph is kept; return how many."""
        if not self._keep_graph:
            dropped = max(0, min(steps, self._rows - self._first - 1))
            self._first += dropped
            return dropped
        dropped = 0
        while len(self._blocks) > 1 and dropped + self._blocks[0][0].shape[0] <= steps:
            dropped += self._blocks.pop(0)[0].shape[0]
        return dropped

    def view(self) -> Block:
        """Return all steps that are there as one block."""
        if not self._keep_graph:
            if self._buffer is None:
                msg = "the track is empty"
                raise IndexError(msg)
            start, length, coefficients = self._buffer
            return (
                start[self._first : self._rows],
                length[self._first : self._rows],
                coefficients[self._first : self._rows],
            )
        if len(self._blocks) > 1:
            parts = zip(*self._blocks, strict=True)
            return tuple(torch.cat(part) for part in parts)  # type: ignore[return-value]
        return self._blocks[0]


def evaluate(block: Block, s: Tensor, index: Tensor | None = None, derivative: int = 0) -> Tensor:
    """Evaluate the polynomials of a block at times s (Q, Bs), Bs in {1, B}: (Q, B, n).

    A time before the first step or after the last is extrapolated from it. ``index`` may give the steps, if they are known.
    """
    start, length, coefficients = block
    index = locate(start, s) if index is None else index.clamp(0, start.shape[0] - 1)
    theta, size = relative(start, length, index, s)
    return polynomial(gather(coefficients, index), theta, size, derivative)


def locate(start: Tensor, s: Tensor) -> Tensor:
    """Return for each time the last step that starts at it or before, or the first step: (Q, Bs or Bt)."""
    starts, times = start.detach(), s.detach()
    if starts.shape[1] == 1:
        index = torch.searchsorted(starts[:, 0].contiguous(), times.contiguous(), right=True) - 1
    else:
        times = times.expand(-1, starts.shape[1]).T.contiguous()
        index = (torch.searchsorted(starts.T.contiguous(), times, right=True) - 1).T
    return index.clamp_(min=0)


def relative(start: Tensor, length: Tensor, index: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    """Return theta and the step length at each time, (Q, B or 1) each."""
    if start.shape[1] == 1:
        t, h = start[:, 0][index], length[:, 0][index]
    else:
        t, h = start.gather(0, index), length.gather(0, index)
    h = torch.where(h == 0, torch.ones_like(h), h)
    return (s - t) / h, h


def gather(coefficients: Tensor, index: Tensor) -> Tensor:
    """Pick the coefficients of step index[q, b] for sample b: (Q, B, J, n)."""
    rows, batch, degree, n = coefficients.shape
    if index.shape[1] == 1:
        return coefficients.index_select(0, index[:, 0])
    flat = index * batch + torch.arange(batch, device=index.device)
    picked = coefficients.reshape(rows * batch, degree * n).index_select(0, flat.reshape(-1))
    return picked.reshape(index.shape[0], batch, degree, n)


def polynomial(coefficients: Tensor, theta: Tensor, size: Tensor, derivative: int = 0) -> Tensor:
    """Evaluate sum theta^j c_j, or its derivative in time, by Horner's rule: (Q, B, n)."""
    parts = list(coefficients.unbind(2))
    for _ in range(derivative):
        parts = [part * j for j, part in enumerate(parts)][1:] or [torch.zeros_like(parts[0])]
    theta, value = theta.unsqueeze(-1), parts[-1]
    for part in reversed(parts[:-1]):
        value = torch.addcmul(part, value, theta)
    return value if derivative == 0 else value / size.unsqueeze(-1) ** derivative
