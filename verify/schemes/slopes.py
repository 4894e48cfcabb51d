"""The slopes of g on the domain, as vertices: g(x, y) = S (x, y) with S in their hull (float64)."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch

from certdde.systems.delay_system import DelaySystem
from certdde.systems.expressions import Expression, Variable, evaluate, variables
from certdde.systems.structure import Structure, structure
from certdde.systems.torch_functions import apply_function
from certdde.verify.bound_propagation.slopes import Slope
from certdde.verify.schemes.lifted import LiftedScheme

PIECES = 4096  # as the checker does
MAX_UNCERTAIN = 8
WIDER = 1e-9  # than what the checker may get by another order of operations


def slope_bounds(system: DelaySystem) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends (n, 2n) of an interval matrix that holds the slopes of g over the domain.

    Soundness
    ---------
    float64; the checker encloses them again.
    """
    parts = structure(system)
    low = np.hstack([parts.present, parts.delayed])
    high = low.copy()
    if not parts.nonlinear:
        return low, high
    order = [Variable(s) for s in system.states]
    order += [Variable(s, system.delay()) for s in system.states]
    xi = Slope.identity(*_pieces(system, parts))
    values = {v: xi.column(k) for k, v in enumerate(parts.nonlinear)}
    for i, remainder in enumerate(parts.remainders):
        if variables(remainder):
            smallest, largest = _hull(remainder, values)
            for k, v in enumerate(parts.nonlinear):
                spread = WIDER * max(abs(smallest[k]), abs(largest[k]))
                low[i, order.index(v)] += smallest[k] - spread
                high[i, order.index(v)] += largest[k] + spread
    return low, high


def enclosed(system: DelaySystem) -> LiftedScheme | None:
    """Return the vertices of the slopes over the domain, or None if there are too many, or slopes are not bounded."""
    low, high = slope_bounds(system)
    uncertain = np.argwhere(high > low)
    if not (np.isfinite(low).all() and np.isfinite(high).all()) or len(uncertain) > MAX_UNCERTAIN:
        return None
    n, vertices = system.dimension, []
    for ends in product((False, True), repeat=len(uncertain)):
        slopes = low.copy()
        for (i, j), upper in zip(uncertain, ends, strict=True):
            slopes[i, j] = high[i, j] if upper else low[i, j]
        vertices.append((slopes[:, :n], slopes[:, n:]))
    return LiftedScheme(tuple(vertices))


def _pieces(system: DelaySystem, parts: Structure) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the ends (B, d) of pieces of the domain in the nonlinear variables."""
    domain = dict(zip(system.states, system.domain or (), strict=True))
    ends = [domain[v.name] for v in parts.nonlinear]
    count = max(k for k in range(1, PIECES + 1) if k ** len(ends) <= PIECES)
    axes = [torch.linspace(float(a), float(b), count + 1, dtype=torch.float64) for a, b in ends]
    low = torch.cartesian_prod(*(axis[:-1] for axis in axes)).reshape(-1, len(ends))
    high = torch.cartesian_prod(*(axis[1:] for axis in axes)).reshape(-1, len(ends))
    return low, high


def _hull(remainder: Expression, values: dict[Variable, Slope]) -> tuple[list[float], list[float]]:
    def call(name: str, z: Slope | float) -> object:
        return z.call(name) if isinstance(z, Slope) else apply_function(name, z)

    found = evaluate(remainder, values, call)
    return found.slo.min(1).values.tolist(), found.shi.max(1).values.tolist()
