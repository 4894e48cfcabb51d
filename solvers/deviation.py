"""Deviated arguments t - tau at the stages of a grid, and the plan of windows that follows from them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.solvers.aligned import AlignedGrid
from certdde.solvers.grid import Grid, SnappedGrid
from certdde.solvers.lags import ConstantLag, Lag, StateLag, TimeLag
from certdde.solvers.problem import Problem

CHUNK = 512
"""Steps planned at once: bounds the memory of the plan."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """t - tau of one delay on some steps.

    Attributes
    ----------
    s : Tensor, (W, stages, 1 or B)
    middle : Tensor, (W, 1, 1 or B)
        The same at the middle of each step.
    zero : Tensor of bool, (W, stages, 1 or B), or None
        The delay is exactly 0; None if it is nowhere.
    """

    s: Tensor
    middle: Tensor
    zero: Tensor | None

    def before(self, problem: Problem) -> Tensor:
        """Say which stages look into the history, (W, stages, 1 or B).

        Where t - tau is t[0] to rounding, the middle of the step decides: both ends of a step that a breaking point
        bounds are taken from the same side of it.
        """
        s, t0 = self.s.detach(), problem.t[0].detach()
        rounding = 64 * torch.finfo(s.dtype).eps * (2 + t0.abs() + problem.t[-1].detach().abs())
        return torch.where((s - t0).abs() <= rounding, self.middle.detach() < t0, s < t0)


@dataclass(frozen=True, slots=True)
class Window:
    """Steps first .. last - 1, which look back no further forward than the start of the first.

    ``overlaps`` marks a single step that looks into itself. ``sides`` holds for each delay whether some step looks
    into the history, and whether some step looks past it. ``needed`` is the first step that is looked at from now on.
    """

    first: int
    last: int
    overlaps: bool
    sides: tuple[tuple[bool, bool], ...]
    needed: int


def stage_times(nodes: Tensor, c: tuple[float, ...]) -> Tensor:
    """Return t + c h for the steps between the nodes: (W, stages, 1 or B)."""
    start, end = nodes[:-1], nodes[1:]
    length = end - start
    return torch.stack(
        [start if v == 0 else end if v == 1 else torch.add(start, length, alpha=v) for v in c],
        dim=1,
    )


def deviation(
    problem: Problem,
    lag: ConstantLag | TimeLag,
    nodes: Tensor,
    times: Tensor,
    samples: Tensor | None = None,
) -> Deviation:
    """Compute the deviated arguments of one delay at the stage times of the steps between the nodes.

    ``samples`` picks those of a constant delay that belong to the columns of the nodes.
    """
    middle = (nodes[:-1] + nodes[1:]).detach() / 2
    if isinstance(lag, ConstantLag):
        tau = problem.flat(lag.value)
        tau = tau if samples is None or tau.shape[0] == 1 else tau[samples]
        zero = (tau == 0).expand(*times.shape[:2], -1) if lag.some_zero else None
        return Deviation(times - tau, (middle - tau).unsqueeze(1), zero)
    tau = _on_times(
        problem, lag, times if lag.jumps is None else inward(times, middle.unsqueeze(1))
    )
    here = middle - _on_times(problem, lag, middle.unsqueeze(1)).squeeze(1)
    zero = tau.detach() == 0 if lag.lower <= 0 else None
    return Deviation(times - tau, here.unsqueeze(1), zero)


def inward(times: Tensor, middle: Tensor) -> Tensor:
    """Move times towards the middle of their step by a few roundings."""
    size = 64 * torch.finfo(times.dtype).eps * (1 + times.detach().abs())
    away = middle - times.detach()
    return times + torch.minimum(torch.maximum(away, -size), size)


def _on_times(problem: Problem, lag: TimeLag, times: Tensor) -> Tensor:
    """Evaluate tau(t) on times (N, stages, 1 or B)."""
    steps, stages, width = times.shape
    shape = problem.batch if width > 1 else (1,) * len(problem.batch)
    tau = lag.function(times.reshape(steps * stages, *shape)).to(times)
    if tau.ndim <= 1 or tau[0].numel() == 1:
        return tau.reshape(-1, 1).expand(steps * stages, 1).reshape(steps, stages, 1)
    return tau.expand(steps * stages, *problem.batch).reshape(steps, stages, problem.size)


def plan(problem: Problem, grid: Grid, c: tuple[float, ...], longest: int) -> tuple[Window, ...]:
    """Cut the grid into windows of at most ``longest`` steps; each looks only at what was computed before it."""
    if isinstance(grid, AlignedGrid):
        longest = min(longest, int(grid.parts.min()))
    ready: list[int] = []
    oldest: list[int] = []
    sides: list[tuple[list[bool], list[bool]]] = [([], []) for _ in problem.lags]
    with torch.no_grad():
        samples = _decisive(problem, grid)
        grid = grid if samples is None else grid.select(samples)
        for first in range(0, grid.steps, CHUNK):
            nodes = grid.rows(first, min(first + CHUNK, grid.steps))
            reach = [_reach(problem, lag, nodes, c, samples) for lag in problem.lags]
            ready += _extreme(
                [grid.count(latest, or_equal=False).amax(1) for latest, *_ in reach],
                nodes,
                largest=True,
            )
            past = [grid.count(earliest, or_equal=True).amin(1) - 1 for _, earliest, *_ in reach]
            oldest += _extreme(past, nodes, largest=False)
            for (old, new), (*_, before, after) in zip(sides, reach, strict=True):
                old += before.tolist()
                new += after.tolist()
    needed, least = [], grid.steps
    for row in reversed(oldest):
        least = min(least, row)
        needed.append(max(least, 0))
    return _cut(ready, needed[::-1], sides, longest)


def _decisive(problem: Problem, grid: Grid) -> Tensor | None:
    """Return the samples that can decide the plan, None for all.

    On even nodes, each moved by half a step at most, these are the samples whose delay is within two steps of the least
    positive or of the greatest; on aligned nodes those with the least or greatest number of steps in a delay, and the
    one that looks furthest back when it is done.
    """
    if isinstance(grid, AlignedGrid):
        first_done = (grid.whole() - grid.parts).argmin()
        return torch.stack([grid.parts.argmin(), grid.parts.argmax(), first_done])
    if not isinstance(grid, SnappedGrid) or not all(
        isinstance(lag, ConstantLag) for lag in problem.lags
    ):
        return None
    chosen = torch.zeros(grid.width, dtype=torch.bool, device=problem.x0.device)
    for lag in problem.lags:
        tau = problem.flat(lag.value)  # type: ignore[union-attr]
        least = torch.where(tau > 0, tau, torch.inf).min()
        chosen = chosen | (tau <= least + 2.5 * grid.step) | (tau >= tau.max() - 2.5 * grid.step)
    return chosen.nonzero().squeeze(1)


def _extreme(rows: list[Tensor], nodes: Tensor, *, largest: bool) -> list[int]:
    if not rows:
        return [0 if largest else 1 << 62] * (nodes.shape[0] - 1)
    table = torch.stack(rows)
    return (table.amax(0) if largest else table.amin(0)).tolist()


def _cut(
    ready: list[int], needed: list[int], sides: list[tuple[list[bool], list[bool]]], longest: int
) -> tuple[Window, ...]:
    windows, first, steps = [], 0, len(ready)
    while first < steps:
        overlaps, last = ready[first] > first, first + 1
        while not overlaps and last < steps and last - first < longest and ready[last] <= first:
            last += 1
        looks = tuple((any(old[first:last]), any(new[first:last])) for old, new in sides)
        windows.append(Window(first, last, overlaps, looks, needed[first]))
        first = last
    return tuple(windows)


def _reach(
    problem: Problem, lag: Lag, nodes: Tensor, c: tuple[float, ...], samples: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the latest and earliest time that each step looks at, and whether a sample looks before t[0], or after."""
    slack = 1e-6 * (nodes[1:] - nodes[:-1])
    if isinstance(lag, StateLag):
        yes = torch.ones(nodes.shape[0] - 1, dtype=torch.bool)
        return nodes[1:] - lag.lower - slack, nodes[:-1] - lag.upper - slack, yes, yes
    if isinstance(lag, ConstantLag):
        part = deviation(problem, lag, nodes, torch.stack([nodes[:-1], nodes[1:]], dim=1), samples)
    else:
        part = deviation(problem, lag, nodes, stage_times(nodes, c))
    low, high, before = part.s, part.s, part.before(problem)
    if part.zero is not None:  # a zero delay looks at the stage itself, not at the past
        low = torch.where(part.zero, torch.full_like(low, -torch.inf), low)
        high = torch.where(part.zero, torch.full_like(high, torch.inf), high)
    return (
        low.amax(1) - slack,
        high.amin(1) - slack,
        before.flatten(1).any(1),
        (~before).flatten(1).any(1),
    )
