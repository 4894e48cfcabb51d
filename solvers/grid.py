"""Time grids: nodes that pass through the breaking points and move with the delays."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from certdde.solvers.problem import Problem


class Grid(ABC):
    """Nodes t_0 .. t_N of every sample.

    Implementations owe: ``rows(i, j)`` are nodes i .. j, non-decreasing, (j - i + 1, 1 or B), width 1 only if these
    nodes are plain numbers shared by all samples or all of width 1; ``count(times)`` is the number of nodes before
    each time.
    """

    @property
    @abstractmethod
    def steps(self) -> int:
        """Return N."""

    def select(self, samples: Tensor) -> "Grid":  # noqa: ARG002
        """Return the grid of some samples only."""
        return self

    @property
    @abstractmethod
    def width(self) -> int:
        """Return 1 if all samples share all nodes, B otherwise."""

    @abstractmethod
    def rows(self, first: int, last: int) -> Tensor:
        """Return nodes first .. last."""

    @abstractmethod
    def lengths(self, first: int, last: int) -> list[float | None]:
        """Return the lengths of steps first .. last - 1, None for those that are no plain numbers, shared by all."""

    @abstractmethod
    def find(self, times: Tensor, first: int, last: int) -> tuple[Tensor, Tensor, Tensor]:
        """Find the steps that times (Q, 1 or B) lie in, of first .. last - 1: step, theta and length, (Q, 1 or B).

        A time outside these steps gets the nearest of them, and a theta outside [0, 1].
        """

    @abstractmethod
    def count(self, times: Tensor, *, or_equal: bool) -> Tensor:
        """Count for times (Q, 1 or B) the nodes before them (or equal): (Q, 1 or B)."""


@dataclass(frozen=True, slots=True)
class FullGrid(Grid):
    """All nodes written out, (N + 1, 1 or B); ``columns`` holds them detached and transposed, for searching."""

    nodes: Tensor
    columns: Tensor
    numbers: tuple[float | None, ...]

    @classmethod
    def of(cls, nodes: Tensor, moving: Tensor | None = None) -> "FullGrid":
        """Take the nodes, and which of them (N + 1,) depend on something."""
        columns = nodes.detach().T.contiguous()
        count = nodes.shape[0] - 1
        if nodes.shape[1] > 1:
            return cls(nodes, columns, (None,) * count)
        plain = columns[0].diff().tolist()
        loose = [False] * (count + 1) if moving is None else moving.tolist()
        numbers = (None if loose[k] or loose[k + 1] else h for k, h in enumerate(plain))
        return cls(nodes, columns, tuple(numbers))

    @property
    def steps(self) -> int:
        """Return N."""
        return self.nodes.shape[0] - 1

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return self.nodes.shape[1]

    def rows(self, first: int, last: int) -> Tensor:
        """Return nodes first .. last."""
        return self.nodes[first : last + 1]

    def lengths(self, first: int, last: int) -> list[float | None]:
        """Return the lengths, where there is one column and both ends depend on nothing."""
        return list(self.numbers[first:last])

    def find(self, times: Tensor, first: int, last: int) -> tuple[Tensor, Tensor, Tensor]:
        """Search each time in its sample's column."""
        step = (self.count(times, or_equal=True) - 1).clamp(first, last - 1)
        if self.width == 1:
            start, end = self.nodes[:, 0][step], self.nodes[:, 0][step + 1]
        else:
            start, end = self.nodes.gather(0, step), self.nodes.gather(0, step + 1)
        length = end - start
        length = torch.where(length == 0, torch.ones_like(length), length)
        return step, (times - start) / length, length

    def count(self, times: Tensor, *, or_equal: bool) -> Tensor:
        """Search each time in its sample's column."""
        times = times.detach()
        if self.width == 1:
            return torch.searchsorted(self.columns[0], times.contiguous(), right=or_equal)
        times = times.expand(-1, self.width).T.contiguous()
        return torch.searchsorted(self.columns, times, right=or_equal).T


@dataclass(frozen=True, slots=True)
class SnappedGrid(Grid):
    """Even nodes, of which the nearest to each breaking point of a sample is moved onto it.

    The number of nodes is the same for all samples, steps are between 1/2 and 3/2 of the even one, and what is kept
    is a few rows of points, not a column of nodes per sample.

    Attributes
    ----------
    base : Tensor, (N + 1,)
        The even nodes.
    step, final : float
        The length of the even steps, and of the last one.
    places : Tensor of int, (M, B)
        The node that each point takes.
    points : Tensor, (M, B)
    span : tuple of (int, int)
        Least and greatest place of each point over the batch.
    """

    base: Tensor
    step: float
    final: float
    places: Tensor
    points: Tensor
    span: tuple[tuple[int, int], ...]

    @property
    def steps(self) -> int:
        """Return N."""
        return self.base.shape[0] - 1

    @property
    def width(self) -> int:
        """Return B."""
        return self.places.shape[1]

    def select(self, samples: Tensor) -> "SnappedGrid":
        """Return the grid of some samples only."""
        return replace(self, places=self.places[:, samples], points=self.points[:, samples])

    def rows(self, first: int, last: int) -> Tensor:
        """Return nodes first .. last, of width 1 where no sample has a point."""
        nodes = self.base[first : last + 1].unsqueeze(1)
        touched = [m for m, (low, high) in enumerate(self.span) if low <= last and high >= first]
        if not touched:
            return nodes
        index = torch.arange(first, last + 1, device=nodes.device).unsqueeze(1)
        for m in touched:
            nodes = torch.where(index == self.places[m], self.points[m], nodes)
        return nodes

    def lengths(self, first: int, last: int) -> list[float | None]:
        """Return the lengths where no sample has a point."""
        if any(low <= last and high >= first for low, high in self.span):
            return [None] * (last - first)
        return [self.step] * (last - first - 1) + [self.final if last == self.steps else self.step]

    def find(self, times: Tensor, first: int, last: int) -> tuple[Tensor, Tensor, Tensor]:
        """Divide; next to a moved node, compare with it."""
        near = [m for m, (low, high) in enumerate(self.span) if low <= last and high >= first - 1]
        position = (times - self.base[0]) / self.step
        even = position.detach().floor().clamp(first, last - 1)
        if not near and last < self.steps:
            return even.long(), position - even, torch.full_like(even[:1], self.step)
        number = even.long() + 1
        step = number
        for m in near:
            step = step + (self.points[m] <= times).long() - (self.places[m] < number).long()
        step = (step - 1).clamp(first, last - 1)
        start, end = self._node(step, near), self._node(step + 1, near)
        length = end - start
        return step, (times - start) / length, length

    def _node(self, index: Tensor, near: list[int]) -> Tensor:
        node = torch.where(
            index == self.steps, self.base[-1], self.base[0] + self.step * index.to(self.base)
        )
        for m in near:
            node = torch.where(index == self.places[m], self.points[m], node)
        return node

    def count(self, times: Tensor, *, or_equal: bool) -> Tensor:
        """Count by division; next to a moved node, compare with it."""
        times = times.detach()
        whole = ((times - self.base[0]) / self.step).clamp(-1, self.steps + 1)
        even = whole.floor().long() + 1 if or_equal else whole.ceil().long()
        number = even
        for place, point in zip(self.places, self.points.detach(), strict=True):
            passed = point <= times if or_equal else point < times
            number = number + passed.long() - (place < even).long()
        return number.clamp(0, self.steps + 1)


def fixed_grid(problem: Problem, step: float | None, points: Tensor) -> Grid:
    """Return the grid of a fixed-step method: steps of the given size, or from output to output, and the points."""
    t, moving = problem.t.detach(), points.detach()
    span = float(t[-1] - t[0])
    base = t if step is None else _even(t, span, step)
    anchors = [points]
    if problem.t.requires_grad:
        anchors.append(problem.t.unsqueeze(1).expand(-1, points.shape[1]))
    if points.shape[1] == 1:
        tolerance = (1e-4 if t.dtype == torch.float32 else 1e-7) * span / base.shape[0]
        nodes = _merged(base, moving[:, 0], tolerance).unsqueeze(1)
        return attach(nodes, torch.cat(anchors))
    size = even_step(problem, step)
    snapped = None if size is None or problem.t.requires_grad else _snapped(base, size, points)
    return snapped or attach(_inserted(base, moving), torch.cat(anchors))


def even_step(problem: Problem, step: float | None) -> float | None:
    """Return the step of even nodes: the one given, or that of the output times if these are even."""
    if step is not None:
        return step
    lengths = problem.t.detach().diff()
    mean = lengths.mean().item()
    return mean if bool(((lengths - mean).abs() < 1e-6 * mean).all()) else None


def _even(t: Tensor, span: float, step: float) -> Tensor:
    """Return t0, t0 + step, .., the last time, the last step being the shorter one."""
    count = max(1, math.ceil(span / step * (1 - 1e-9)))
    base = t[0] + step * torch.arange(count + 1, dtype=t.dtype, device=t.device)
    base[-1] = t[-1]
    return base


def _snapped(base: Tensor, step: float, points: Tensor) -> SnappedGrid | None:
    """Move the nearest node to each point; None if two points of a sample want the same node, or one the first."""
    fixed, last = points.detach(), base.shape[0] - 1
    inside = (fixed < base[-1]) & (fixed > base[0])
    places = ((fixed - base[0]) / step).round().long().clamp(max=last - 1)
    places = torch.where(inside, places, last)
    if bool((inside & (places == 0)).any()):
        return None
    ordered = torch.where(
        inside, places, -1 - torch.arange(places.shape[0], device=places.device).unsqueeze(1)
    )
    ordered = ordered.sort(dim=0).values
    if bool((ordered[1:] == ordered[:-1]).any()):
        return None
    values = torch.where(inside, points, base[-1])
    low, high = places.amin(1).tolist(), places.amax(1).tolist()
    return SnappedGrid(
        base, step, float(base[-1] - base[-2]), places, values, tuple(zip(low, high, strict=True))
    )


def _inserted(base: Tensor, points: Tensor) -> Tensor:
    """Add the points of each sample to its nodes; where they coincide there is a step of length zero."""
    nodes = base.unsqueeze(1).expand(-1, points.shape[1])
    tolerance = (
        (1e-4 if base.dtype == torch.float32 else 1e-7) * (base[-1] - base[0]) / base.shape[0]
    )
    for row in points:
        nodes = torch.where((nodes - row).abs() < tolerance, row, nodes)
    return torch.cat([nodes, points]).T.sort(dim=1).values.T


def _merged(base: Tensor, points: Tensor, tolerance: float) -> Tensor:
    """Join two sets of times; of nodes closer than the tolerance only the point stays, and never two."""
    if points.numel() == 0:
        return base
    far = (base.unsqueeze(1) - points).abs().amin(1) >= tolerance
    far[0], far[-1] = True, True
    points = points[(points > base[0] + tolerance) & (points < base[-1] - tolerance)]
    return torch.cat([base[far], torch.unique(points)]).sort().values


def attach(nodes: Tensor, anchors: Tensor) -> FullGrid:
    """Let the nodes that equal an anchor depend on it: same values, now differentiable."""
    if not (torch.is_grad_enabled() and anchors.requires_grad):
        return FullGrid.of(nodes)
    moving = torch.zeros_like(nodes, dtype=torch.bool)
    for anchor in anchors.unbind(0):
        fixed = anchor.detach()
        here = nodes.detach() == fixed
        nodes = torch.where(here, nodes.detach() + (anchor - fixed), nodes)
        moving |= here
    return FullGrid.of(nodes, moving.any(1))
