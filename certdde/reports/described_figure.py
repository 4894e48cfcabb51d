"""Simulated solutions of any system: several delays, multiples of them, schemes."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from certdde.learning.simulation import iterates, rate, solutions
from certdde.reports.dialect import Fragment
from certdde.reports.figure import Figure
from certdde.reports.simulation import Trajectories, even_times
from certdde.reports.style import label
from certdde.reports.subject import Subject
from certdde.reports.trajectories_figure import FAR, solutions_figure
from certdde.systems.delay_system import DelaySystem
from certdde.verify.spectral import several_abscissa

SHARES = (0.0, 0.5, 1.0)  # of the ranges of the delays


def described_figure(subject: Subject) -> Figure:
    """Return the figure of solutions from one constant history, for the ends and the middle of the delay ranges."""
    start, about = start_of(subject)
    settings = _settings(subject)
    horizon = max(_horizon(subject.system, delays) for delays in settings)
    runs = [_run(subject.system, start, delays, horizon) for delays in settings]
    varies = subject.data["delay"]["class"] not in ("constant", "several")
    caption: list[Fragment] = [
        f"Simulated solutions from a constant history, {about}, for "
        + ("constant delays of the range." if varies else "a few delays of the range.")
    ]
    if not subject.certified:
        caption.append(" This is no proof of anything.")
    return solutions_figure(subject, runs, caption)


def start_of(subject: Subject) -> tuple[torch.Tensor, str]:
    """Return a history in deviations, and where it is."""
    system = subject.system
    one = torch.ones(system.dimension, dtype=torch.float64)
    radius = subject.data["region"]["radius"] if subject.certified else None
    if radius:
        return float(radius["rho"]) * one, "at the radius of the claim"
    if system.domain is None:
        return one, "one unit off the equilibrium in every state"
    half = torch.tensor([float(min(-lo, hi)) / 2 for lo, hi in system.domain], dtype=torch.float64)
    return half, "half-way to the end of the domain in every state"


def _settings(subject: Subject) -> list[dict[str, float]]:
    """Return a few values of all delays, none of them twice."""
    found: list[dict[str, float]] = []
    for share in SHARES:
        values = {name: low + share * (high - low) for name, low, high in subject.ranges}
        if subject.system.time == "discrete":
            values = {name: float(round(value)) for name, value in values.items()}
        if values not in found:
            found.append(values)
    return found


def _horizon(system: DelaySystem, delays: Mapping[str, float]) -> float:
    """Return a time after which little happens, within limits; for a scheme a number of steps."""
    longest = max((k * delays[name] for name, k in system.lags), default=0.0)
    if system.time == "discrete":
        return 40 + 12 * longest
    present, matrices = system.linearisation()
    lags = [(k * delays[name], m.numpy()) for (name, k), m in matrices]
    slow = 7 / max(abs(several_abscissa(present.numpy(), lags)), 1e-9)
    fast = rate(system)
    return min(max(slow, 4 * longest, 4 / fast), max(16 * longest, 20 / fast))


def _run(
    system: DelaySystem, start: torch.Tensor, delays: Mapping[str, float], horizon: float
) -> Trajectories:
    if system.time == "discrete":
        steps = int(horizon)
        words = {name: [round(value)] for name, value in delays.items()}
        states = iterates(system, start[None], words, steps)
        times = torch.arange(steps + 1, dtype=torch.float64)
    else:
        times = even_times(horizon, 0.05 / rate(system))
        bound = 10 * FAR * float(start.abs().max())
        states = solutions(system, start[None], delays, times, bound=bound)
    named = ", ".join(f"{label(name)} = {value:.6g}" for name, value in delays.items())
    return Trajectories(max(delays.values()), times, states, named)
