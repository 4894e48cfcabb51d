"""What a delay found on the linearisation does to the nonlinear system: one simulation from near the equilibrium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from certdde.delays.paths import DelayPath
from certdde.solvers import solve
from certdde.studies.regularity.confirm import history
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.shapes import family_of
from certdde.systems.delay_system import DelaySystem

FURTHER = 1.05  # beyond the delay found, so that growth is seen in a run of this many delays
DELAYS, SMALL = 60.0, 2e-2
SAMPLES = 2000


def simulated(
    system: DelaySystem,
    matrices: Matrices,
    found: Mapping[str, Any],
    rate: float | None,
    sided: bool,
) -> dict[str, Any]:
    """Return how far the solution goes that begins at a fiftieth of the domain, along that of the linearisation.

    Returns
    -------
    dict
        ``delay`` (of the run, 5 % longer than the one found), ``start`` and ``end``: the size at first and of the last
        tenth, relative to the domain (or to 1), and ``leaves``: whether it has left the domain, or every bound.

    Soundness
    ---------
    float64 evidence of what one solution does.
    """
    path, times, states = _path(matrices, found, rate, sided)
    widths = _widths(system)
    states = (states / np.abs(states / widths).max()).real
    rest = np.array([float(v) for v in system.equilibrium])
    begins = SMALL * states
    value = history(times, begins.astype(complex), float(np.abs(begins).max()))
    n = len(rest)
    until = torch.linspace(0, DELAYS * path.upper, SAMPLES, dtype=torch.float64)
    shift = torch.as_tensor(rest)
    solution = solve(
        system.torch_function(),
        lambda s: value(s)[..., :n] + shift,
        until,
        [path],
        rtol=1e-6,
        atol=1e-9,
        options={"bound": float(50 * widths.max() + np.abs(rest).max()), "max_steps": 20_000},
    )
    sizes = ((solution.states - shift).abs() / torch.as_tensor(widths)).amax(1)
    reached = sizes[torch.isfinite(sizes)]
    end = float(reached[-SAMPLES // 10 :].max())
    leaves = bool((reached > 1).any()) or len(reached) < len(sizes)
    return {"delay": float(path.upper), "start": SMALL, "end": end, "leaves": leaves}


def _path(
    matrices: Matrices, found: Mapping[str, Any], rate: float | None, sided: bool
) -> tuple[DelayPath, np.ndarray, np.ndarray]:
    from certdde.delays.paths import ConstantPath
    from certdde.verify.spectral import rightmost_mode

    scale = FURTHER * found["shape"]["scale"]
    if found["shape"]["form"] == "constant":
        root, vector = rightmost_mode(matrices.present, [(scale, matrices.delayed)], 40)
        times = np.linspace(-scale, 0, 400)
        constant = ConstantPath(torch.tensor(scale, dtype=torch.float64))
        return constant, times, np.exp(root * times)[:, None] * vector
    family, point = family_of(found["shape"], matrices, rate, sided)
    path, _ = family.path(point, scale)
    times, states, _ = family.orbit(point, scale)
    return path, times, states


def _widths(system: DelaySystem) -> np.ndarray:
    """Return for each state how far the domain reaches at least, or 1."""
    if system.domain is None:
        return np.ones(system.dimension)
    return np.array([min(-float(lo), float(hi)) for lo, hi in system.domain])
