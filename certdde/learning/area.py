"""The size of a region among constant histories, beside what simulation shows (docs/math.md, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.quasirandom import SobolEngine

from certdde.certificates.part import Part
from certdde.certificates.sos import SosPart
from certdde.delays.classes import DelayClass
from certdde.functionals import Functional
from certdde.functionals.polynomial import PolynomialFunctional
from certdde.learning.ellipsoid_share import ellipsoid_share
from certdde.learning.region import grid_points, inside
from certdde.solvers import solve
from certdde.systems.delay_system import DelaySystem
from certdde.verify.spectral import spectral_abscissa

COUNTED = 3  # states, up to which points of a grid are counted
POINTS = 512  # of a domain in more than three dimensions
STEP = 0.15  # of the fastest time
SHRUNK = 9.2  # exp(-9.2) is 1e-4


def region_area(
    system: DelaySystem,
    delay: DelayClass,
    parts: Sequence[Part] | Sequence[SosPart],
    per_axis: int | None = None,
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
    points = grid_points(system, per_axis) if per_axis else domain_points(system)
    volume = 1.0
    for lo, hi in system.domain or ():
        volume *= float(hi - lo)
    certified = _share(system, parts, points) * volume
    simulated = float(simulated_region(system, delay, points).double().mean()) * volume
    return {
        "domain": volume,
        "certified": certified,
        "simulated": simulated,
        "ratio": certified / simulated if simulated else 0.0,
    }


def certified_share(system: DelaySystem, parts: Sequence[Part] | Sequence[SosPart]) -> float | None:
    """Return the share of the domain's constant histories with V <= level; None for a global claim."""
    if not parts or parts[0].level is None:
        return None
    return _share(system, parts, domain_points(system))


def _share(
    system: DelaySystem, parts: Sequence[Part] | Sequence[SosPart], points: torch.Tensor
) -> float:
    """Return the share of the domain with V <= level: among the points, or exactly where they would miss the region."""
    pieces = _pieces(parts)
    found = ellipsoid_share(system, pieces) if system.dimension > COUNTED else None
    return float(inside(pieces, points).double().mean()) if found is None else found


def domain_points(system: DelaySystem) -> torch.Tensor:
    """Return points of the domain over which shares are counted, in deviations, (k, n): a grid, or a Sobol sequence."""
    n = system.dimension
    if n <= COUNTED:
        return grid_points(system, {1: 400, 2: 60, 3: 13}[n])
    ends = torch.tensor([[float(lo), float(hi)] for lo, hi in system.domain or ()]).double()
    unit = SobolEngine(n, scramble=True, seed=0).draw(POINTS, dtype=torch.float64)
    return ends[:, 0] + (ends[:, 1] - ends[:, 0]) * unit


def _pieces(
    parts: Sequence[Part] | Sequence[SosPart],
) -> list[tuple[Functional | PolynomialFunctional, Sequence[float], float]]:
    return [(part.functional, part.windows, part.level or 0.0) for part in parts]


def simulated_region(system: DelaySystem, delay: DelayClass, points: torch.Tensor) -> torch.Tensor:
    """Return which constant histories stay and converge, at the ends and middle of the delay range."""
    keep = torch.ones(len(points), dtype=torch.bool)
    for tau in sorted({delay.lower, (delay.lower + delay.upper) / 2, delay.upper}):
        keep &= stays_and_converges(system, points, tau)
    return keep


def stays_and_converges(system: DelaySystem, points: torch.Tensor, tau: float) -> torch.Tensor:
    """Return from which constant histories (k, n), in deviations, the solution stays in the domain and converges.

    "Converges" means within 2 % of the domain after sixty times the fastest time, or sixty delays, or as long as the
    linearisation takes to shrink to 1e-4, at most ten times that.
    """
    function = system.deviation_function()
    present, delayed = system.jacobians()
    rate = _rate(present.abs() + delayed.abs())
    shortest = 60 * max(1 / rate, tau)
    decay = -spectral_abscissa(present.numpy(), delayed.numpy(), tau)
    horizon = min(max(shortest, SHRUNK / decay), 10 * shortest) if decay > 0 else shortest
    low = torch.tensor([float(lo) for lo, _ in system.domain or ()], dtype=points.dtype)
    high = torch.tensor([float(hi) for _, hi in system.domain or ()], dtype=points.dtype)
    times = torch.linspace(0.0, horizon, 201, dtype=points.dtype)
    bound = 10 * float(torch.maximum(-low, high).max())
    with torch.no_grad():
        solution = solve(
            lambda _t, x, past: function(x, past[0]),
            points,
            times,
            [tau if tau * rate > 0.02 else 0.0],  # a shorter one makes no difference to a picture
            method="rk4",
            options={
                "bound": bound,
                "step": (STEP if len(present) <= COUNTED else 2 * STEP) / rate,
            },
        )
    inside = ((solution.states >= low) & (solution.states <= high)).all(-1).all(0)  # false on NaN
    return inside & ((solution.states[-1] / torch.minimum(-low, high)).abs().amax(-1) < 0.02)


def _rate(slopes: torch.Tensor) -> float:
    """Return a bound of how fast the linearisation moves, which sets the steps: a norm of |A| + |A_d|.

    Of few states the largest sum of a row; of many the least that it has in any units of the states (Perron and
    Frobenius: the spectral radius), since a row of a fast actuator would make a picture cost minutes.
    """
    if len(slopes) <= COUNTED:
        return float(slopes.sum(-1).max()) or 1.0
    return float(torch.linalg.eigvals(slopes).abs().max()) or 1.0
