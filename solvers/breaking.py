"""Breaking points: where a solution is less smooth than the method needs."""

from collections.abc import Callable

import torch
from torch import Tensor

from certdde.solvers.lags import ConstantLag, TimeLag
from certdde.solvers.problem import Problem

SCAN = 1024
"""Intervals in which a delay that varies in time is searched for the echoes of a breaking point."""
MOST = 256
"""Points followed; those of the lowest levels come first, and matter most."""

Point = tuple[Tensor, int]
"""Times of shape (1,) or (B,), and the first constant delay that may still be added: sums are made in one order."""


def breaking_points(problem: Problem, order: int) -> Tensor:
    """Return the times at which the solution is less smooth than the method needs, (M, 1 or B), unsorted.

    The sources are t[0] (there x' jumps, or x), jumps of the history, and declared jumps of f or of a delay. An echo
    of a point u is a t with t - tau(t) = u: u + tau if tau is constant, found by bisection if it varies in time.
    Echoes through a delay that depends on the state are not followed. What lies beyond the last time is moved there.

    Soundness
    ---------
    A jump in x^(q) inside a step costs O(h^q) once, and an echo is smoother by one order, so echoes of more than
    ``order`` generations do not spoil the order. The points are differentiable in constant delays and t[0] (to any
    order) and in the parameters of tau(t) (to first order), which makes derivatives across them exact.

    References
    ----------
    Bellen and Zennaro, Numerical Methods for Delay Differential Equations, Oxford 2003, 2.2 and 4.2.
    """
    end = problem.t[-1]
    level, points = _sources(problem)
    for _ in range(order + int(problem.has_jumps)):
        level = [echo for point in level for echo in _echoes(problem, point)]
        points += [time for time, _ in level]
        if not level or len(points) > MOST:
            break
    if not points:
        return end.new_empty((0, 1))
    width = problem.size if any(point.shape[0] > 1 for point in points) else 1
    table = torch.stack([point.expand(width) for point in points[:MOST]])
    inside = (table.detach() > problem.t[0].detach()) & (table.detach() < end.detach())
    return torch.where(inside, table, end)[inside.any(1)]


def _sources(problem: Problem) -> tuple[list[Point], list[Tensor]]:
    """Return the points that echo, and those among them that are no first time and lie after it."""
    t0, end = problem.t[0].item(), problem.t[-1].item()
    inner = [problem.t.new_tensor([time]) for time in problem.jumps if t0 < time < end]
    for lag in problem.lags:
        if isinstance(lag, TimeLag) and lag.jumps is not None:
            times = lag.jumps(t0, end).to(problem.t)
            inner += [problem.flat(row) for row in times]
    outer = [problem.t[:1], *(problem.t.new_tensor([time]) for time in problem.history.jumps)]
    return [(time, 0) for time in outer + inner], inner


def _echoes(problem: Problem, point: Point) -> list[Point]:
    time, least = point
    if not bool((time < problem.t[-1]).any()):
        return []
    echoes: list[Point] = []
    for index, lag in enumerate(problem.lags):
        if isinstance(lag, ConstantLag) and index >= least and not lag.all_zero:
            echoes.append((time + problem.flat(lag.value), index))
        elif isinstance(lag, TimeLag) and not lag.rough:
            echoes += [(row, 0) for row in _crossings(problem, lag, time)]
    return echoes


def _crossings(problem: Problem, lag: TimeLag, source: Tensor) -> list[Tensor]:
    """Find t with t - tau(t) = source: rows of (1,) or (B,), inf where a sample has fewer."""

    def deviated(times: Tensor) -> Tensor:
        shape = problem.batch if times.shape[1] > 1 else (1,) * len(problem.batch)
        tau = lag.function(times.reshape(times.shape[0], *shape)).to(times)
        narrow = tau.ndim <= 1 or tau[0].numel() == 1
        tau = (
            tau.reshape(-1, 1)
            if narrow
            else tau.expand(times.shape[0], *problem.batch).reshape(times.shape[0], -1)
        )
        return times - tau

    with torch.no_grad():
        scan = torch.lerp(
            problem.t[0], problem.t[-1], torch.linspace(0, 1, SCAN + 1).to(problem.t)
        ).unsqueeze(1)
        sign = deviated(scan) >= source
        change = sign[1:] != sign[:-1]
        rank = change.cumsum(0)
        count = min(int(rank[-1].max()), 8)
        rows = []
        for number in range(1, count + 1):
            hit = change & (rank == number)
            cell = hit.int().argmax(0)
            low, high = scan[cell, 0], scan[cell + 1, 0]
            rising = sign[cell + 1, torch.arange(sign.shape[1], device=cell.device)]
            root = _bisect(deviated, source, low, high, rising)
            rows.append(torch.where(hit.any(0), root, torch.inf))
    return [_differentiable(deviated, source, row) for row in rows]


def _bisect(
    deviated: Callable[[Tensor], Tensor], source: Tensor, low: Tensor, high: Tensor, rising: Tensor
) -> Tensor:
    for _ in range(60):
        middle = (low + high) / 2
        above = (deviated(middle.unsqueeze(0))[0] >= source) == rising
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return high


def _differentiable(deviated: Callable[[Tensor], Tensor], source: Tensor, root: Tensor) -> Tensor:
    """Attach the derivative of the root by one Newton step, whose value is left out."""
    finite = torch.isfinite(root)
    at = torch.where(finite, root, torch.zeros_like(root))
    rest = deviated(at.unsqueeze(0))[0] - source
    if not (torch.is_grad_enabled() and rest.requires_grad):
        return root
    with torch.no_grad():
        eps = 1e-6
        rate = (deviated((at + eps).unsqueeze(0)) - deviated((at - eps).unsqueeze(0)))[0] / (
            2 * eps
        )
        rate = torch.where(rate.abs() < 1e-6, torch.ones_like(rate), rate)
    step = (rest - rest.detach()) / rate
    return torch.where(finite, root - step, root)
