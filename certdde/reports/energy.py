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
    x = torch.cat([_panels(past), _panels(after)])
    slope = torch.cat([_panels(past_slope), _panels(after_slope)])
    return Energy(delay, times[::2], _values(functional, x, slope, delay, each))


def starting_energy(functional: Functional, histories: Histories, delay: float) -> torch.Tensor:
    """Return V of the histories, (B,)."""
    s = _before(delay, PANELS)
    x, slope = _panels(histories.state(s, delay)), _panels(histories.slope(s, delay))
    return _values(functional, x, slope, delay, PANELS)[0]


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


def _panels(values: torch.Tensor) -> torch.Tensor:
    """Return (2 p + 1, B, n) as (p, 3, B, n)."""
    return torch.stack([values[:-1:2], values[1::2], values[2::2]], dim=1)


def _values(
    functional: Functional, x: torch.Tensor, slope: torch.Tensor, delay: float, each: int
) -> torch.Tensor:
    """Return V at the end of each window of ``each`` panels: x, slope (p, 3, B, n), result (p - each + 1, B)."""
    u = (torch.arange(each, dtype=x.dtype)[:, None] + torch.tensor([0.0, 0.5, 1.0])) / each
    simpson = torch.tensor([1.0, 4.0, 1.0], dtype=x.dtype).expand(each, 3) / (6 * each)
    now = x[each - 1 :, 2]
    moments = [_window(x, simpson * legendre(k, u)) for k in range(functional.order)]
    w = torch.cat([now, *(delay * m for m in moments)], dim=-1)
    value = torch.einsum("...i,ij,...j->...", w, functional.P, w)
    if functional.V0 is not None:
        seen = torch.cat([now, *moments], dim=-1)[..., list(functional.V0.inputs)]
        value = value + functional.V0.displacement(seen).square().sum(-1)
    stored = torch.einsum("...i,ij,...j->...", x, functional.S, x)
    if functional.W is not None:
        stored = stored + functional.W.displacement(x[..., list(functional.W.inputs)]).square().sum(
            -1
        )
    rates = torch.einsum("...i,ij,...j->...", slope, functional.R, slope)
    value = value + delay * _window(stored[..., None], simpson)[..., 0]
    return value + delay**2 * _window(rates[..., None], simpson * u)[..., 0]


def _window(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return sums over windows of panels: values (p, 3, B, m), weights (k, 3), result (p - k + 1, B, m)."""
    total = torch.zeros_like(values[len(weights) - 1 :, 0])
    count = len(total)
    for i in range(len(weights)):
        for j in range(3):
            total = total + weights[i, j] * values[i : i + count, j]
    return total


def legendre(degree: int, u: torch.Tensor) -> torch.Tensor:
    """Return the Legendre polynomial shifted to [0, 1], with value 1 at 1."""
    z = 2 * u - 1
    before, value = torch.ones_like(z), z
    if degree == 0:
        return before
    for k in range(1, degree):
        before, value = value, ((2 * k + 1) * z * value - k * before) / (k + 1)
    return value


def largest_rise(found: Sequence[Energy]) -> float:
    """Return by how much V rises at most from one sample to the next, relative to its start."""
    rises = [(e.values[1:] - e.values[:-1]) / e.values[:1] for e in found]
    return max(float(rise.nan_to_num(nan=0.0).max()) for rise in rises)
