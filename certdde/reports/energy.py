"""V along simulated solutions, by quadrature on the stored history.

The history and the solution are kept on panels of three equidistant points, a whole number of them a delay, so that
the ends of the window [t - tau, t], and the time 0, where x' jumps, always fall between panels: Simpson's rule keeps
its order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from certdde.functionals import Functional
from certdde.functionals.energy import energies, in_panels
from certdde.reports.simulation import SHORT, rate, simulate
from certdde.systems.delay_system import DelaySystem

PANELS = 24  # a delay, for the history alone
LEAST, MOST = 10, 96  # panels a delay, along a solution
MOST_PANELS = 2400


@dataclass(frozen=True, slots=True)
class Histories:
    """phi(s) = centre + swing sin(2 pi s / tau) for s <= 0, a batch of them; deviations, (B, n)."""

    centre: torch.Tensor
    swing: torch.Tensor

    def times(self, factors: torch.Tensor) -> Histories:
        """Return the histories times factors (B,)."""
        return Histories(self.centre * factors[:, None], self.swing * factors[:, None])

    def state(self, s: torch.Tensor, delay: float) -> torch.Tensor:
        """Return phi(s) for s (.., 1), (.., B, n)."""
        angle = 2 * math.pi * s / delay
        return self.centre + self.swing * torch.sin(angle)

    def slope(self, s: torch.Tensor, delay: float) -> torch.Tensor:
        """Return phi'(s)."""
        frequency = 2 * math.pi / delay
        return frequency * self.swing * torch.cos(frequency * s) + 0 * self.centre

    def size(self) -> torch.Tensor:
        """Return a bound of |phi| in each state, (B, n)."""
        return self.centre.abs() + self.swing.abs()


@dataclass(frozen=True, slots=True)
class Energy:
    """V at times, (T, B), of solutions for one delay."""

    delay: float
    times: torch.Tensor
    values: torch.Tensor


def energy(
    system: DelaySystem,
    functional: Functional,
    histories: Histories,
    delay: float,
    horizon: float,
) -> Energy:
    """Simulate from the histories and return V along the solutions; delay > 0."""
    each = max(LEAST, min(MOST, math.ceil(0.55 * delay * rate(system) / SHORT)))
    panels = max(1, min(MOST_PANELS, round(horizon / delay * each)))
    times = delay / (2 * each) * torch.arange(2 * panels + 1, dtype=torch.float64)
    before = _before(delay, each)
    past, past_slope = histories.state(before, delay), histories.slope(before, delay)
    bound = 100 * float(histories.size().max())
    after = simulate(system, _history(histories, delay), delay, times, bound).states
    lagged = torch.cat([past, after[1:]])[: len(after)]
    after_slope = system.deviation_function()(after, lagged)
    x = torch.cat([in_panels(past), in_panels(after)])
    slope = torch.cat([in_panels(past_slope), in_panels(after_slope)])
    window = x.new_full((x.shape[2],), delay)
    return Energy(delay, times[::2], energies(functional, x, slope, window, each))


def starting_energy(functional: Functional, histories: Histories, delay: float) -> torch.Tensor:
    """Return V of the histories, (B,)."""
    s = _before(delay, PANELS)
    x, slope = in_panels(histories.state(s, delay)), in_panels(histories.slope(s, delay))
    window = x.new_full((x.shape[2],), delay)
    return energies(functional, x, slope, window, PANELS)[0]


def _before(delay: float, panels: int) -> torch.Tensor:
    """Return the times of the history, (2 panels + 1, 1, 1)."""
    return delay / (2 * panels) * torch.arange(-2 * panels, 1, dtype=torch.float64)[:, None, None]


def scaled_to(
    functional: Functional, histories: Histories, delay: float, level: float, room: torch.Tensor
) -> Histories:
    """Return the histories times the largest factors with V at most ``level`` and states within ``room`` (n,)."""
    high = (room / histories.size().clamp(min=1e-12)).amin(-1)
    low = torch.zeros_like(high)
    if bool((starting_energy(functional, histories.times(high), delay) <= level).all()):
        return histories.times(high)
    for _ in range(40):
        middle = (low + high) / 2
        inside = starting_energy(functional, histories.times(middle), delay) <= level
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    return histories.times(low)


def _history(histories: Histories, delay: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda s: histories.state(s, delay)


def largest_rise(found: Sequence[Energy]) -> float:
    """Return by how much V rises at most from one sample to the next, relative to its start."""
    rises = [(e.values[1:] - e.values[:-1]) / e.values[:1] for e in found]
    return max(float(rise.nan_to_num(nan=0.0).max()) for rise in rises)
