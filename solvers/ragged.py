"""The past of samples that choose their own steps."""

from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.solvers.grid import Grid


@dataclass(frozen=True, slots=True)
class RaggedGrid(Grid):
    """Nodes of each sample in a row, (B, C + 1), inf after the last; ``taken`` counts the steps so far, (B,)."""

    nodes: Tensor
    taken: Tensor

    @property
    def steps(self) -> int:
        """Return C, the room there is."""
        return self.nodes.shape[1] - 1

    @property
    def width(self) -> int:
        """Return B."""
        return self.nodes.shape[0]

    def rows(self, first: int, last: int) -> Tensor:
        """Return nodes first .. last; later ones than those there are equal to the last."""
        final = self.nodes.gather(1, self.taken.unsqueeze(1))
        return torch.minimum(self.nodes[:, first : last + 1], final).T

    def lengths(self, first: int, last: int) -> list[float | None]:
        """Return None for each: the samples do not share their steps."""
        return [None] * (last - first)

    def find(self, times: Tensor, first: int, last: int) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ARG002
        """Search each time in its sample's row."""
        limit = (self.taken - 1).clamp(min=0)
        step = torch.minimum((self.count(times, or_equal=True) - 1).clamp(min=0), limit)
        index = step.T
        start, end = self.nodes.gather(1, index).T, self.nodes.gather(1, index + 1).T
        length = end - start
        length = torch.where(torch.isfinite(length) & (length > 0), length, torch.ones_like(length))
        return step, (times - start) / length, length

    def count(self, times: Tensor, *, or_equal: bool) -> Tensor:
        """Search each time in its sample's row."""
        wanted = times.expand(-1, self.width).T.contiguous()
        return torch.searchsorted(self.nodes, wanted, right=or_equal).T


class Store:
    """Grows with the steps that samples take, each at its own pace; forgets what no delay reaches, if it may."""

    def __init__(self, t0: Tensor, batch: int, degree: int, n: int) -> None:
        self.nodes = t0.new_full((batch, 17), torch.inf)
        self.nodes[:, 0] = t0
        self.coefficients = t0.new_zeros((16, batch, degree, n))
        self.taken = torch.zeros(batch, dtype=torch.long, device=t0.device)
        self._sample = torch.arange(batch, device=t0.device)
        self._room = 16

    def grid(self) -> RaggedGrid:
        """Return the nodes so far."""
        return RaggedGrid(self.nodes, self.taken)

    @property
    def is_full(self) -> bool:
        """Say whether the next step might find no room."""
        return self._room == 0

    def push(self, accepted: Tensor, end: Tensor, coefficients: Tensor) -> None:
        """Add a step (B, J, n) to the accepted samples; the row of the others is written too, and overwritten later."""
        capacity, batch, degree, n = self.coefficients.shape
        place = self.taken * batch + self._sample
        self.coefficients.view(capacity * batch, degree * n).index_copy_(
            0, place, coefficients.reshape(batch, degree * n)
        )
        self.taken = self.taken + accepted.long()
        now = self.nodes.gather(1, self.taken.unsqueeze(1)).squeeze(1)
        self.nodes.scatter_(
            1, self.taken.unsqueeze(1), torch.where(accepted, end, now).unsqueeze(1)
        )
        self._room -= 1

    def make_room(self, oldest: Tensor | None) -> None:
        """Forget the steps that end before ``oldest`` (B,), and take a larger buffer if half of it is still in use."""
        capacity, batch, degree, n = self.coefficients.shape
        drop = torch.zeros_like(self.taken)
        if oldest is not None:
            drop = (self.grid().count(oldest.unsqueeze(0), or_equal=True)[0] - 1).clamp(min=0)
            drop = torch.minimum(drop, (self.taken - 1).clamp(min=0))
        used = int((self.taken - drop).max())
        size = capacity if 2 * used <= capacity else 2 * capacity
        fresh = self.coefficients.new_zeros((size, batch, degree, n))
        nodes = self.nodes.new_full((batch, size + 1), torch.inf)
        rows = torch.arange(used + 1, device=drop.device)
        source = (rows.unsqueeze(1) + drop).clamp(max=capacity)
        fresh[: used + 1] = self.coefficients.gather(
            0, source.clamp(max=capacity - 1)[..., None, None].expand(-1, -1, degree, n)
        )[:size]
        nodes[:, : used + 1] = self.nodes.gather(1, source.T)
        self.coefficients, self.nodes, self.taken = fresh, nodes, self.taken - drop
        beyond = torch.arange(size + 1, device=drop.device) > self.taken.unsqueeze(1)
        self.nodes = self.nodes.masked_fill(beyond, torch.inf)
        self._room = size - used
