"""Samples that have left their bound stand still, so that nothing infinite is differentiated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from certdde.solvers.problem import Problem, RightSide


@dataclass(frozen=True, slots=True)
class Stopped:
    """Which samples stand still, and from which step on.

    A product of zero with an infinite derivative is NaN, and it reaches the parameters that all samples share. So the
    right-hand side of a sample that stands still is evaluated at its start, where it is known to be finite, and
    multiplied by nothing.

    Attributes
    ----------
    step : Tensor of int, (B,)
        The step of each sample that goes out of bounds; one that no grid has if none does.
    state, before : Tensor, (*batch, n)
        The initial state, and the history just before it.
    """

    step: Tensor
    state: Tensor
    before: Tensor

    @classmethod
    def none(cls, problem: Problem) -> "Stopped":
        """Return that no sample has stopped yet."""
        never = torch.full((problem.size,), torch.iinfo(torch.long).max, device=problem.x0.device)
        before = problem.past((problem.t[:1] - 1e-3).unsqueeze(1)).reshape(problem.x0.shape)
        return cls(never, problem.x0.detach(), before.detach())

    def problem(self, problem: Problem, still: Tensor) -> Problem:
        """Return the problem with x' = 0 for the samples of a mask (B,)."""
        mask = still.reshape(*problem.batch, 1)
        f: RightSide = problem.f

        def rest(t: Tensor, x: Tensor, past: Sequence[Tensor]) -> Tensor:
            there = [torch.where(mask, self.before, y) for y in past]
            return torch.where(mask, 0.0, f(t, torch.where(mask, self.state, x), there))

        return replace(problem, f=rest)


def first_out(bad: Tensor) -> Tensor:
    """Return the first step of each sample that is out of bounds, of a mask (W, B); W if there is none: (B,)."""
    number = torch.arange(bad.shape[0], device=bad.device).unsqueeze(1)
    return torch.where(bad, number, bad.shape[0]).amin(0)


def with_slopes(coefficients: Tensor, first: Tensor, out: Tensor) -> Tensor:
    """Give the step of each sample that goes out the slope that it began with, as a number.

    A time asked for may lie at the beginning of that step; the derivative in this time is then right.
    """
    number = torch.arange(coefficients.shape[0], device=out.device).unsqueeze(1)
    begun = first[:, :, 1].detach().nan_to_num(0.0, 0.0, 0.0)
    slope = coefficients[:, :, 1] + torch.where((number == out).unsqueeze(-1), begun, 0.0)
    return torch.cat([coefficients[:, :, :1], slope.unsqueeze(2), coefficients[:, :, 2:]], dim=2)
