"""Simulated trajectories, in deviations from the equilibrium."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from certdde.learning.simulation import rate
from certdde.solvers import solve
from certdde.systems.delay_system import DelaySystem
from certdde.verify.spectral import spectral_abscissa

MOST_STEPS = 6000
SHORT = 0.2  # a step times the size of the slopes of f, for RK4 in even steps


@dataclass(frozen=True, slots=True)
class Trajectories:
    """times (T,) from 0 on and states (T, B, n) in deviations, NaN after a blow-up, for one delay.

    ``label`` says which delays, where there are several.
    """

    delay: float
    times: torch.Tensor
    states: torch.Tensor
    label: str = ""


def simulate(
    system: DelaySystem,
    history: torch.Tensor | Callable[[torch.Tensor], torch.Tensor],
    delay: float,
    times: torch.Tensor,
    bound: float | None = None,
) -> Trajectories:
    """Integrate from histories, constant (B, n) or functions of times.

    From output time to output time in even steps where these are short for the system, else by an adaptive method.

    Parameters
    ----------
    system : DelaySystem
        One delay.
    history : Tensor or callable
        In deviations.
    delay : float
        From 0 on.
    times : (T,) Tensor
        Output times, from 0 on.
    bound : float, optional
        A trajectory beyond it is given up.
    """
    function = system.deviation_function()
    short = float((times[1:] - times[:-1]).max()) * rate(system) < SHORT
    with torch.no_grad():
        solution = solve(
            lambda _t, x, delayed: function(x, delayed[0]),
            history,
            times,
            [delay],
            rtol=1e-8,
            atol=1e-10,
            method="rk4" if short else "dopri5",
            options={"bound": bound} if bound is not None else None,
        )
    return Trajectories(delay, times, solution.states)


def abscissa(system: DelaySystem, delay: float) -> float:
    """Return the largest real part of a characteristic root at the equilibrium, in float64."""
    present, delayed = (m.numpy() for m in system.jacobians())
    return spectral_abscissa(present, delayed, delay)


def settling_time(system: DelaySystem, delay: float, folds: float = 6.0) -> float:
    """Return about how long small deviations take to change by a factor exp(folds), within sensible limits."""
    fast = rate(system)
    slow = folds / max(abs(abscissa(system, delay)), 1e-9)
    return min(max(slow, 4 * delay, 4 / fast), max(60 / fast, 40 * delay))


def even_times(horizon: float, step: float) -> torch.Tensor:
    """Return times from 0 to the horizon, at most ``MOST_STEPS`` of them."""
    count = min(max(2, round(horizon / step)), MOST_STEPS)
    return torch.linspace(0.0, horizon, count + 1, dtype=torch.float64)
