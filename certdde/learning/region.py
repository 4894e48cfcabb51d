"""From the inequality to a region of attraction: level, radius, area (docs/math.md, section 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from certdde.certificates.part import Radius
from certdde.functionals import Functional
from certdde.functionals.polynomial import PolynomialFunctional
from certdde.inequalities.inequality import faces
from certdde.inequalities.reduction import Reduction
from certdde.systems.delay_system import DelaySystem
from certdde.verify.answers import Proved
from certdde.verify.bound_propagation.branch import Settings, prove
from certdde.verify.bound_propagation.forest import OUTSIDE
from certdde.verify.bound_propagation.slopes import Slope

PLANAR = 2  # states, up to which the faces are split into boxes
ROOM = 1e-9  # for rounding; the checker decides exactly


@dataclass(frozen=True, slots=True)
class Level:
    """A proved lower bound of v_0 on the faces, and the partition of the faces that shows it."""

    level: float
    face_codes: np.ndarray
    leaves: int


def sampled_level(
    system: DelaySystem, functional: Functional, reduction: Reduction, samples: int = 4096
) -> float:
    """Return the least value of v_0 at sampled points of the faces: an upper estimate of the level.

    Where v_0 is quadratic and the states are many, it is the least value off the domain.
    """
    if functional.V0 is None and system.dimension > PLANAR:
        return float(off_the_domain(system, functional, reduction).min())
    generator = torch.Generator().manual_seed(0)
    least = math.inf
    for face in faces(system, functional, reduction, 0.0):
        unit = torch.rand(samples, face.dimension, generator=generator, dtype=torch.float64)
        least = min(least, float(-face.value(face.lower + (face.upper - face.lower) * unit).max()))
    return least


def prove_level(
    system: DelaySystem,
    functional: Functional,
    reduction: Reduction,
    level: float,
    settings: Settings,
) -> Level | None:
    """Show v_0 > level on all faces; None if that is not shown. Without boxes if v_0 is a form of many states."""
    if functional.V0 is None and system.dimension > PLANAR:
        shown = bool((off_the_domain(system, functional, reduction) > level * (1 + ROOM)).all())
        return Level(level, np.zeros(0, dtype=np.uint8), 0) if shown else None
    codes, leaves = [], 0
    for index, face in enumerate(faces(system, functional, reduction, level)):
        answer = prove(face, settings)
        if not isinstance(answer, Proved):
            return None
        if face.dimension > 1:
            fixed = index // 2
            raw = answer.proof.codes.astype(np.int64)
            codes.append(np.where((raw < OUTSIDE) & (raw > fixed), raw - 1, raw))
        leaves += answer.proof.leaves
    return Level(
        level,
        np.concatenate(codes).astype(np.uint8) if codes else np.zeros(0, dtype=np.uint8),
        leaves,
    )


def off_the_domain(system: DelaySystem, functional: Functional, reduction: Reduction) -> np.ndarray:
    """Return the least of a quadratic v_0 off the domain, for each state, (n,)."""
    ends = [min(-float(low[1]), float(high[0])) for low, high in system.ends or ()]
    return least_beyond(functional.cores(reduction.breaks, reduction.longest)[0].numpy(), ends)


def least_beyond(form: np.ndarray, faces: Sequence[float]) -> np.ndarray:
    """Return the least of w^T M w where |w_i| >= face_i, for each of the first entries: face_i^2 / (M^-1)_ii."""
    return np.square(faces) / np.diagonal(np.linalg.inv(form))[: len(faces)]


def largest_radius(
    system: DelaySystem, functional: Functional | PolynomialFunctional, longest: float, level: float
) -> Radius | None:
    """Return rho (and rho_rate = rho times the size of f's slopes at 0) within the level, rounded down to four digits.

    The bound on V is that of docs/certificate-format.md, section 4, radius.
    """
    present, delayed = system.jacobians()
    rate = float((present.abs() + delayed.abs()).sum(-1).max())
    room = min(float(min(-low[1], high[0])) for low, high in system.ends or ())
    low, high = 0.0, room
    for _ in range(40):
        middle = (low + high) / 2
        inside = upper_bound(functional, middle, rate * middle, longest) < level * (1 - 1e-6)
        low, high = (middle, high) if inside else (low, middle)
    return Radius(round_down(low), round_down(rate * low)) if low > 0 else None


def upper_bound(
    functional: Functional | PolynomialFunctional, rho: float, rho_rate: float, longest: float
) -> float:
    """Bound V over histories within rho with rates within rho_rate."""
    if isinstance(functional, PolynomialFunctional):
        return functional.upper_bound(rho, rho_rate, longest)
    n = functional.dimension
    w = torch.cat(
        [
            torch.full((n,), rho, dtype=torch.float64),
            torch.full((n * functional.order,), longest * rho, dtype=torch.float64),
        ]
    )
    total = (
        w @ functional.P.abs() @ w
        + longest * rho**2 * functional.S.abs().sum()
        + longest**2 / 2 * rho_rate**2 * functional.R.abs().sum()
    )
    for network, factor in ((functional.V0, 1.0), (functional.W, longest)):
        if network is not None:
            cube = torch.full((1, len(network.inputs)), rho, dtype=torch.float64)
            p = network.displacement(Slope.identity(-cube, cube))
            total = (
                total
                + factor * (torch.maximum(p.slo.abs(), p.shi.abs()).sum(0) * rho).square().sum()
            )
    return float(total)


def round_down(value: float) -> float:
    """Round down to four significant digits."""
    digits = 3 - math.floor(math.log10(value))
    return float(f"{math.floor(value * 10**digits)}e{-digits}")


def inside(
    pieces: Sequence[tuple[Functional | PolynomialFunctional, Sequence[float], float]],
    points: torch.Tensor,
) -> torch.Tensor:
    """Return which constant histories (k, n), in deviations, have V <= level for every delay of the range (float64)."""
    result = torch.ones(len(points), dtype=torch.bool)
    for functional, windows, level in pieces:
        for tau in windows:
            result &= functional.on_constant_histories(points, tau) <= level
    return result


def grid_points(system: DelaySystem, per_axis: int) -> torch.Tensor:
    """Return cell centres of a uniform grid of the domain, in deviations, (k, n)."""
    axes = []
    for lo, hi in system.domain or ():
        edges = torch.linspace(float(lo), float(hi), per_axis + 1, dtype=torch.float64)
        axes.append((edges[:-1] + edges[1:]) / 2)
    return torch.cartesian_prod(*axes).reshape(-1, len(axes))
