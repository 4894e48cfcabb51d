"""Constraints that every quadratic functional obeys, and the region objective."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from certdde.functionals import Functional
from certdde.systems.delay_system import DelaySystem
from certdde.verify.lmi.parameters import Parameters
from certdde.verify.lmi.program import Block

FLOOR = 1e-4


def positivity(
    parameters: Parameters, longest: float, nearest_faces: Sequence[float]
) -> list[Block]:
    """Return P + Bessel >= e_i e_i^T / face_i^2 (so v_0 >= 1 on the faces) and S, R >= FLOOR.

    Parameters
    ----------
    parameters : Parameters
    longest : float
        The longest delay.
    nearest_faces : sequence of float
        For each state the distance of the nearer face of the domain (1 if there is none).
    """
    n = parameters.dimension
    bessel = -parameters.basis(
        lambda p, s, r: Functional(parameters.order, p, s, r).bessel(longest)
    )
    size = bessel.shape[-1]
    floor = FLOOR * np.eye(size)
    blocks = []
    for i, face in enumerate(nearest_faces):
        lower = np.zeros((size, size))
        lower[i, i] = 1 / face**2
        blocks.append(Block(bessel, lower + floor))
    s = -parameters.basis(lambda _p, s, _r: s)
    r = -parameters.basis(lambda _p, _s, r: r)
    return [*blocks, Block(s, FLOOR * np.eye(n)), Block(r, FLOOR * np.eye(n))]


def mean_on_constant_histories(
    parameters: Parameters, system: DelaySystem, longest: float
) -> np.ndarray:
    """Return c with c . x = mean of V on constant histories, uniform in the domain, longest delay."""
    generator = torch.Generator().manual_seed(0)
    n = parameters.dimension
    unit = torch.rand(256, n, generator=generator, dtype=torch.float64)
    low = torch.tensor(
        [float(lo) for lo, _ in system.domain] if system.domain else [-1.0] * n, dtype=torch.float64
    )
    high = torch.tensor(
        [float(hi) for _, hi in system.domain] if system.domain else [1.0] * n, dtype=torch.float64
    )
    points = low + (high - low) * unit
    return parameters.basis(
        lambda p, s, r: (
            Functional(parameters.order, p, s, r).on_constant_histories(points, longest).mean(-1)
        )
    )


def nearest_faces(system: DelaySystem) -> list[float]:
    """Return for each state the distance from the equilibrium to the nearer face; 1 without a domain."""
    if system.domain is None:
        return [1.0] * system.dimension
    return [float(min(-lo, hi)) for lo, hi in system.domain]
