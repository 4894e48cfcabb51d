"""From quadratic bounds of a functional to histories that never leave the domain (docs/math.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from certdde.certificates.part import Radius
from certdde.learning.region import grid_points, least_beyond, round_down
from certdde.systems.delay_system import DelaySystem

INSIDE = 1 - 1e-7  # what exact arithmetic may find less


def largest_level(forms: Iterable[np.ndarray], faces: Sequence[float]) -> float:
    """Return c such that w^T M w <= c keeps the first entries of w nearer to 0 than their faces, for every form M."""
    return float(np.min([least_beyond(form, faces) for form in forms])) * INSIDE


def largest_radius(
    bound: Callable[[float, float], float], rate: float, room: float, level: float
) -> Radius | None:
    """Return rho < room and rho_rate = rate * rho with bound(rho, rho_rate) below the level, rounded down; or None."""
    low, high = 0.0, room * INSIDE
    for _ in range(60):
        middle = (low + high) / 2
        inside = bound(middle, rate * middle) < level * INSIDE
        low, high = (middle, high) if inside else (low, middle)
    return Radius(round_down(low), round_down(rate * low)) if low > 0 else None


def share_within(system: DelaySystem, forms: Iterable[np.ndarray]) -> float:
    """Return the share of the points x of a grid of the domain with x^T K x <= 1 for all forms K (float64)."""
    count = {1: 400, 2: 60}.get(system.dimension, 8)
    points = grid_points(system, count).numpy()
    keep = np.ones(len(points), dtype=bool)
    for form in forms:
        keep &= np.einsum("ki,ij,kj->k", points, form, points) <= 1
    return float(keep.mean())
