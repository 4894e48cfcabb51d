"""Delays at which the linearisation at the equilibrium is not asymptotically stable (float64)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from certdde.systems.delay_system import DelaySystem
from certdde.verify.spectral import spectral_abscissa

GRID = 129
UNSTABLE = 1e-6
ON_THE_AXIS = 1e-10


@dataclass(frozen=True, slots=True)
class Rightmost:
    """The delay whose characteristic roots reach farthest to the right, and how far (real part)."""

    delay: float
    abscissa: float

    @property
    def kind(self) -> str:
        """What it shows: ``unstable linearisation``, ``root on the imaginary axis``, or nothing (empty)."""
        if self.abscissa > UNSTABLE:
            return "unstable linearisation"
        return "root on the imaginary axis" if self.abscissa > -ON_THE_AXIS else ""


def rightmost(system: DelaySystem, lower: float, upper: float) -> Rightmost:
    """Search the delays of a range for the rightmost characteristic root: a grid, then each peak of it.

    Parameters
    ----------
    system : DelaySystem
        One delay.
    lower, upper : float
        0 <= lower <= upper.

    Soundness
    ---------
    float64 estimates of roots: a counterexample from here is evidence, no proof.
    """
    present, delayed = (m.numpy() for m in system.jacobians())

    def value(delay: float, nodes: int = 32) -> float:
        return spectral_abscissa(present, delayed, float(delay), nodes)

    delays = np.unique(np.linspace(lower, upper, GRID))
    found = np.array([value(t) for t in delays])
    best, peak = float(delays[found.argmax()]), float(found.max())
    padded = np.concatenate([[-np.inf], found, [-np.inf]])
    peaks = np.flatnonzero((padded[1:-1] >= padded[:-2]) & (padded[1:-1] >= padded[2:]))
    for k in sorted(peaks, key=lambda k: -found[k])[:4]:
        ends = (delays[max(k - 1, 0)], delays[min(k + 1, len(delays) - 1)])
        if ends[1] > ends[0]:
            near = minimize_scalar(
                lambda t: -value(t), bounds=ends, method="bounded", options={"xatol": 1e-9}
            )
            if -near.fun > peak:
                best, peak = float(near.x), float(-near.fun)
    # A root that more nodes do not confirm is an artefact of the collocation.
    return Rightmost(best, min(peak, value(best, 48)))
