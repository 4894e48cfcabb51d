"""The size of a region among constant histories, beside what simulation shows (docs/math.md, section 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from certdde.certificates.part import Part
from certdde.delays.classes import DelayClass
from certdde.functionals import Functional
from certdde.learning.region import grid_points, inside
from certdde.systems.delay_system import DelaySystem


def region_area(
    system: DelaySystem, delay: DelayClass, parts: Sequence[Part], per_axis: int | None = None
) -> dict[str, float] | None:
    """Return the shares of the domain's constant histories that are certified, and that simulation keeps.

    Parameters
    ----------
    system : DelaySystem
    delay : Constant
    parts : sequence of Part
        The parts of a proof.
    per_axis : int, optional
        Grid points per state.

    Returns
    -------
    dict
        ``domain`` (area or volume), ``certified`` (area where V <= level for every delay of the
        range), ``simulated`` (area from which, for each
        of the delays tried, the solution stays in the domain and comes close to the equilibrium), ``ratio``.

    Soundness
    ---------
    float64 information, on a grid; not part of the claim.
    """
    if not parts or parts[0].level is None:
        return None
    count = per_axis or {1: 400, 2: 60}.get(system.dimension, 8)
    points = grid_points(system, count)
    volume = 1.0
    for lo, hi in system.domain or ():
        volume *= float(hi - lo)
    certified = float(inside(_pieces(parts), points).double().mean()) * volume
    simulated = float(simulated_region(system, delay, points).double().mean()) * volume
    return {
        "domain": volume,
        "certified": certified,
        "simulated": simulated,
        "ratio": certified / simulated if simulated else 0.0,
    }


def certified_share(system: DelaySystem, parts: Sequence[Part]) -> float | None:
    """Return the share of the domain's constant histories with V <= level; None for a global claim."""
    if not parts or parts[0].level is None:
        return None
    points = grid_points(system, {1: 400, 2: 60}.get(system.dimension, 8))
    return float(inside(_pieces(parts), points).double().mean())


def _pieces(parts: Sequence[Part]) -> list[tuple[Functional, Sequence[float], float]]:
    return [(part.functional, part.windows, part.level or 0.0) for part in parts]


def simulated_region(system: DelaySystem, delay: DelayClass, points: torch.Tensor) -> torch.Tensor:
    """Return which constant histories stay and converge, at the ends and middle of the delay range."""
    keep = torch.ones(len(points), dtype=torch.bool)
    for tau in sorted({delay.lower, (delay.lower + delay.upper) / 2, delay.upper}):
        keep &= stays_and_converges(system, points, tau)
    return keep


def stays_and_converges(
    system: DelaySystem, points: torch.Tensor, tau: float, *, steps_per_delay: int = 20
) -> torch.Tensor:
    """Integrate from constant histories with RK4 steps that divide the delay; deviations."""
    function = system.deviation_function()
    present, delayed = system.jacobians()
    rate = float((present.abs() + delayed.abs()).sum(-1).max())
    if tau * rate < 0.02:
        tau = 0.0  # too short to matter for a picture, and too short to step through
    steps_per_delay = min(steps_per_delay, max(3, math.ceil(20 * tau * rate)))
    step = tau / steps_per_delay if tau > 0 else 0.05 / rate
    horizon = max(60 / rate, 60 * tau)
    low = torch.tensor([float(lo) for lo, _ in system.domain or ()], dtype=points.dtype)
    high = torch.tensor([float(hi) for _, hi in system.domain or ()], dtype=points.dtype)
    size = torch.minimum(-low, high)
    x, past = points, [points] * (steps_per_delay + 1)
    stays = torch.ones(len(points), dtype=torch.bool)
    for _ in range(int(horizon / step)):
        x = _rk4(function, x, past[0], past[1], step, ordinary=tau == 0)
        past = [*past[1:], x]
        stays &= ((x >= low) & (x <= high)).all(-1)
    return stays & ((x / size).abs().amax(-1) < 0.02)


def _rk4(
    function: Any,
    x: torch.Tensor,
    y0: torch.Tensor,
    y1: torch.Tensor,
    step: float,
    *,
    ordinary: bool,
) -> torch.Tensor:
    middle = (y0 + y1) / 2

    def rate(state: torch.Tensor, lagged: torch.Tensor) -> torch.Tensor:
        return function(state, state if ordinary else lagged)

    k1 = rate(x, y0)
    k2 = rate(x + step / 2 * k1, middle)
    k3 = rate(x + step / 2 * k2, middle)
    k4 = rate(x + step * k3, y1)
    return x + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
