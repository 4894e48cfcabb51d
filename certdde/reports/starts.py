"""Constant histories from which trajectories are drawn: inside and outside the certified region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from certdde.reports.region_map import RegionMap, certified_ratio, embedded
from certdde.reports.simulation import Trajectories, even_times, rate, settling_time, simulate
from certdde.reports.subject import Subject

INSIDE, OUTSIDE = 6, 3


@dataclass(frozen=True, slots=True)
class DrawnTrajectories:
    """Trajectories for one delay, with what is known of their starts.

    Attributes
    ----------
    found : Trajectories
    certified : (B,) Tensor of bool
        Whether the constant history is certified for the whole range.
    leaves : (B,) Tensor of bool
        Whether the simulated solution leaves the domain.
    """

    found: Trajectories
    certified: torch.Tensor
    leaves: torch.Tensor


def drawn_trajectories(
    subject: Subject, regions: Sequence[RegionMap], delay: float
) -> list[DrawnTrajectories]:
    """Simulate from a few constant histories of the line or plane of each map, for one delay."""
    groups = [torch.cat([_inside(subject, one), _outside(subject, one)]) for one in regions]
    starts, system = torch.cat(groups), subject.system
    times = even_times(settling_time(system, delay), 0.05 / rate(system))
    low, high = domain_ends(subject)
    bound = 20 * float(torch.maximum(-low, high).max())
    found = simulate(system, starts, delay, times, bound)
    beyond = ~((found.states >= low) & (found.states <= high)).all(-1)
    # Nothing is said of a solution once it has left: its line ends at the first point outside.
    ended = torch.cat([torch.zeros_like(beyond[:1]), beyond.cummax(0).values[:-1]])
    shown = torch.where(ended.unsqueeze(-1), torch.nan, found.states)
    sizes = [len(group) for group in groups]
    parts = zip(
        shown.split(sizes, dim=1),
        (certified_ratio(subject, starts) <= 1).split(sizes),
        beyond.any(0).split(sizes),
        strict=True,
    )
    return [DrawnTrajectories(Trajectories(delay, times, x), *known) for x, *known in parts]


def domain_ends(subject: Subject) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the ends of the domain in deviations, (n,) each."""
    domain = subject.system.domain or ()
    low = torch.tensor([float(lo) for lo, _ in domain], dtype=torch.float64)
    return low, torch.tensor([float(hi) for _, hi in domain], dtype=torch.float64)


def _inside(subject: Subject, region: RegionMap) -> torch.Tensor:
    """Return points just inside the certified region, in evenly spread directions."""
    count = 2 if len(region.states) == 1 else INSIDE
    inner = _grid(subject, region, (0.80, 0.97))
    return spread(inner, count)


def _outside(subject: Subject, region: RegionMap) -> torch.Tensor:
    """Return points outside the certified region: of those that simulation keeps, and of the others."""
    points = embedded(subject, region.states, region.cells)
    low, high = domain_ends(subject)
    beyond = certified_ratio(subject, points) > 1.05
    # At the edge a solution that leaves is but a dot.
    beyond &= ((points > 0.93 * low) & (points < 0.93 * high)).all(-1)
    keeps = region.simulated.reshape(-1)
    each = 2 if len(region.states) == 1 else OUTSIDE
    return torch.cat([spread(points[beyond & keeps], each), spread(points[beyond & ~keeps], each)])


def _grid(subject: Subject, region: RegionMap, band: tuple[float, float]) -> torch.Tensor:
    points, ratio = embedded(subject, region.states, region.axes), region.certified.reshape(-1)
    return points[(ratio >= band[0]) & (ratio <= band[1])]


def spread(points: torch.Tensor, count: int) -> torch.Tensor:
    """Return up to ``count`` of the points, each as far as possible from those before it."""
    if len(points) <= count:
        return points
    chosen = [int(points.square().sum(-1).argmax())]
    distance = (points - points[chosen[0]]).square().sum(-1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = torch.minimum(distance, (points - points[chosen[-1]]).square().sum(-1))
    return points[chosen]
