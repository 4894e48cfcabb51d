"""Grids on which the delay of each sample is a whole number of its own steps."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from certdde.solvers.grid import Grid
from certdde.solvers.lags import ConstantLag
from certdde.solvers.problem import Problem


@dataclass(frozen=True, slots=True)
class AlignedGrid(Grid):
    """Even nodes t0 + k tau_b / parts_b of each sample, up to the last time, where its later steps have length zero.

    Every multiple of the delay is a node, so all breaking points are; a delayed time lies at the same place of its
    step as the time itself does, and finding it takes one division. The nodes move with the delay and with t0.

    Attributes
    ----------
    start, end : Tensor, ()
    length : Tensor, (B,)
        The steps.
    parts : Tensor of int, (B,)
        Steps in a delay.
    count_of_steps, first_short : int
        The steps of the sample that takes most; the last step of the one that takes least.
    """

    start: Tensor
    end: Tensor
    length: Tensor
    parts: Tensor
    count_of_steps: int
    first_short: int

    @property
    def steps(self) -> int:
        """Return the steps of the sample that takes most."""
        return self.count_of_steps

    @property
    def width(self) -> int:
        """Return B."""
        return self.length.shape[0]

    @property
    def _slack(self) -> float:
        """Return how far from a node a time may be, in steps, to be taken for it."""
        return 1e-9 if self.length.dtype == torch.float64 else 1e-5

    def select(self, samples: Tensor) -> "AlignedGrid":
        """Return the grid of some samples only."""
        return replace(self, length=self.length[samples], parts=self.parts[samples])

    def rows(self, first: int, last: int) -> Tensor:
        """Return nodes first .. last."""
        number = torch.arange(first, last + 1, dtype=self.start.dtype, device=self.start.device)
        nodes = torch.addcmul(self.start, number.unsqueeze(1), self.length)
        inner = number.unsqueeze(1) < self.whole() + 0.5
        return torch.where(inner, nodes, self.end)

    def lengths(self, first: int, last: int) -> list[float | None]:
        """Return None for each: the samples do not share their steps."""
        return [None] * (last - first)

    def find(self, times: Tensor, first: int, last: int) -> tuple[Tensor, Tensor, Tensor]:
        """Divide. The last step of a sample is shorter; its polynomial is that of the shorter step."""
        position = (times - self.start) / self.length
        step = (position.detach() + self._slack).floor().clamp(first, last - 1)
        length = self.length.unsqueeze(0)
        theta = position - step
        if last > self.first_short:
            whole = self.whole()
            step = torch.minimum(step, whole).clamp(min=first)
            part = torch.where(
                step == whole,
                (self.end - self.start) / self.length - whole,
                torch.ones_like(position),
            )
            theta, length = (position - step) / part, length * part
        return step.long().expand(times.shape[0], self.width), theta, length

    def whole(self) -> Tensor:
        """Return the number of whole steps of each sample before its last."""
        return (((self.end - self.start) / self.length).detach() - self._slack).floor().clamp(min=0)

    def count(self, times: Tensor, *, or_equal: bool) -> Tensor:
        """Count by division."""
        position = ((times - self.start) / self.length).detach()
        number = (
            (position + self._slack).floor() + 1 if or_equal else (position - self._slack).ceil()
        )
        return number.clamp(0, self.steps + 1).long()


def aligned_grid(problem: Problem, step: float) -> AlignedGrid | None:
    """Return an aligned grid with steps of at most the given length, where that is possible and worth it.

    It is if there is one positive constant delay per sample and nothing else that breaks the solution, and if no
    delay is so short that its sample would need half as many steps again.
    """
    lags = problem.lags
    if (
        len(lags) != 1
        or not isinstance(lags[0], ConstantLag)
        or problem.declares_jumps
        or problem.history.jumps
    ):
        return None
    tau = problem.flat(lags[0].value)
    if tau.shape[0] == 1 or lags[0].some_zero:
        return None
    parts = torch.ceil(tau.detach() / step * (1 - 1e-9)).clamp(min=1)
    length = tau / parts
    span = (problem.t[-1] - problem.t[0]).detach()
    if float((span / length.detach()).max()) > 1.5 * float(span) / step + 1:
        return None
    grid = AlignedGrid(problem.t[0], problem.t[-1], length, parts, 0, 0)
    whole = grid.whole()
    return replace(grid, count_of_steps=int(whole.max()) + 1, first_short=int(whole.min()))
