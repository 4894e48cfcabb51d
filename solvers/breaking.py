"""Breaking points: where a solution is less smooth than the method needs."""

import itertools

import torch
from torch import Tensor

from certdde.solvers.lags import ConstantLag, TimeLag
from certdde.solvers.problem import Problem


def breaking_points(problem: Problem, order: int) -> Tensor:
    """Return the times at which the solution is less smooth than the method needs, (M, 1 or B), unsorted.

    With constant delays these are the sources plus sums of up to ``order`` delays. The sources are t[0] (there x' jumps, or
    x), jumps of the history, and declared jumps of f or of a delay. What lies beyond the last time is moved there.

    Soundness
    ---------
    A jump in x^(q) inside a step costs O(h^q) once, so sums of more than ``order`` delays do not spoil the order. The points
    are differentiable in the delays and in t[0], which makes derivatives across them exact.

    References
    ----------
    Bellen and Zennaro, Numerical Methods for Delay Differential Equations, Oxford 2003, 2.2 and 4.2.
    """
    end = problem.t[-1]
    values = [problem.flat(lag.value) for lag in problem.lags if isinstance(lag, ConstantLag)]
    values = [value for value in values if bool((value > 0).any())]
    depth = order + int(problem.has_jumps)
    points = []
    for source, first in _sources(problem):
        for level in range(first, depth + 1):
            for pick in itertools.combinations_with_replacement(values, level):
                points.append(source + sum(pick, torch.zeros_like(end)))
    if not points:
        return end.new_empty((0, 1))
    width = problem.size if any(point.shape[0] > 1 for point in points) else 1
    table = torch.stack([point.expand(width) for point in points])
    inside = (table.detach() > problem.t[0].detach()) & (table.detach() < end.detach())
    return torch.where(inside, table, end)[inside.any(1)]


def _sources(problem: Problem) -> list[tuple[Tensor, int]]:
    """Return each source with 0 if it is a breaking point itself, 1 if only its echoes are."""
    t0, end = float(problem.t[0]), float(problem.t[-1])
    sources = [(problem.t[:1], 1)]
    sources += [(problem.t.new_tensor([time]), 1) for time in problem.history.jumps]
    sources += [(problem.t.new_tensor([time]), 0) for time in problem.jumps if t0 < time < end]
    for lag in problem.lags:
        if isinstance(lag, TimeLag) and lag.jumps is not None:
            times = lag.jumps(t0, end).to(problem.t)
            sources += [(problem.flat(row), 0) for row in times]
    return sources
