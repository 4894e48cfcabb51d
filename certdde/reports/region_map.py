"""The certified and the simulated region among constant histories, on a line or a plane through the equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from certdde.inequalities.inequality import moment_ranges
from certdde.learning.area import simulated_region
from certdde.reports.subject import Piece, Subject
from certdde.systems.delay_system import DelaySystem

PER_AXIS = {1: 72, 3: 40}  # cells of a side, by the number of planes
FINE = {1: 481, 2: 161}
MOMENT_GRID = 9


@dataclass(frozen=True, slots=True)
class RegionMap:
    """Values on grids over one or two states, the others at the equilibrium; deviations.

    Attributes
    ----------
    states : tuple of int
    axes : tuple of (k,) Tensor
        The grid of ``certified`` and ``core``; the ends of the domain included.
    certified : (k, ..) Tensor
        The largest V / level over the delays of the range: certified where it is at most 1.
    core : (k, ..) Tensor
        The largest v_0 / level over the parts; solutions from the certified set stay where it is at most 1.
    cells : tuple of (m,) Tensor
        Cell centres of the grid of ``simulated``.
    simulated : (m, ..) Tensor of bool
        From which constant histories the simulated solutions stay in the domain and converge.
    """

    states: tuple[int, ...]
    axes: tuple[torch.Tensor, ...]
    certified: torch.Tensor
    core: torch.Tensor
    cells: tuple[torch.Tensor, ...]
    simulated: torch.Tensor


def region_maps(subject: Subject, planes: Sequence[tuple[int, ...]]) -> list[RegionMap]:
    """Compute the regions on lines or planes of one or two states each."""
    cells = [tuple(_centres(*_ends(subject, i), PER_AXIS[len(planes)]) for i in p) for p in planes]
    points = [embedded(subject, plane, c) for plane, c in zip(planes, cells, strict=True)]
    # All planes at once: the number of steps counts, not that of points.
    keeps = simulated_region(subject.system, subject.delay, torch.cat(points)).split(
        [len(p) for p in points]
    )
    return [
        _one(subject, plane, c, kept) for plane, c, kept in zip(planes, cells, keeps, strict=True)
    ]


def _one(
    subject: Subject,
    states: tuple[int, ...],
    cells: tuple[torch.Tensor, ...],
    keeps: torch.Tensor,
) -> RegionMap:
    fine = FINE[len(states)]
    axes = tuple(torch.linspace(*_ends(subject, i), fine, dtype=torch.float64) for i in states)
    points, shape = embedded(subject, states, axes), [len(a) for a in axes]
    certified = certified_ratio(subject, points).reshape(shape)
    core = core_ratio(subject, points).reshape(shape)
    return RegionMap(states, axes, certified, core, cells, keeps.reshape([len(c) for c in cells]))


def _ends(subject: Subject, state: int) -> tuple[float, float]:
    low, high = (subject.system.domain or ())[state]
    return float(low), float(high)


def certified_ratio(subject: Subject, points: torch.Tensor) -> torch.Tensor:
    """Return the largest V / level of constant histories (k, n) over the delays of the range (float64)."""
    largest = torch.zeros(len(points), dtype=points.dtype)
    for piece in subject.pieces:
        middles = [(s + t) / 2 for s, t in zip(piece.breaks, piece.breaks[1:], strict=False)]
        for delay in sorted({*piece.breaks, *middles}):
            value = piece.functional.on_constant_histories(points, delay) / (piece.level or 1.0)
            largest = torch.maximum(largest, value)
    return largest


def core_ratio(subject: Subject, points: torch.Tensor) -> torch.Tensor:
    """Return the largest v_0 / level of points (k, n) over the parts (float64)."""
    values = [_core(subject.system, p, points) / (p.level or 1.0) for p in subject.pieces]
    return torch.stack(values).amax(0)


def _core(system: DelaySystem, piece: Piece, points: torch.Tensor) -> torch.Tensor:
    """Return v_0 at points; where V0 reads moments, its least value over a grid of them."""
    axes = [
        torch.linspace(float(lo), float(hi), MOMENT_GRID, dtype=torch.float64)
        for lo, hi in moment_ranges(system, piece.functional.moments())
    ]
    grid = torch.cartesian_prod(*axes).reshape(-1, len(axes)) if axes else points.new_zeros(1, 0)
    least = torch.full((len(points),), torch.inf, dtype=points.dtype)
    for moment in grid:
        u = torch.cat([points, moment.expand(len(points), -1)], dim=-1)
        least = torch.minimum(least, piece.functional.lower_bound(u, piece.longest, piece.breaks))
    return least


def embedded(
    subject: Subject, states: tuple[int, ...], axes: tuple[torch.Tensor, ...]
) -> torch.Tensor:
    """Return the grid points as states (k, n), the other states at the equilibrium."""
    grid = torch.cartesian_prod(*axes).reshape(-1, len(states))
    points = torch.zeros(len(grid), subject.system.dimension, dtype=torch.float64)
    points[:, list(states)] = grid
    return points


def _centres(lower: float, upper: float, count: int) -> torch.Tensor:
    edges = torch.linspace(lower, upper, count + 1, dtype=torch.float64)
    return (edges[:-1] + edges[1:]) / 2
