"""Simulated solutions under sample and hold: equal steps, two steps in turn, steps drawn at random."""

from __future__ import annotations

import math

import torch

from certdde.learning.sample_and_hold import held_solutions
from certdde.learning.simulation import rate
from certdde.reports.described_figure import start_of
from certdde.reports.dialect import Fragment
from certdde.reports.figure import Figure
from certdde.reports.simulation import Trajectories
from certdde.reports.subject import Subject
from certdde.reports.trajectories_figure import FAR, solutions_figure

SHORTEST = 0.05  # of the longest step, where there is no least one
SPAN, MOST = 20.0, 400  # longest steps, or fastest times; steps of a solution


def held_figure(subject: Subject) -> Figure:
    """Return the figure of solutions from one deviation at the first sampling instant."""
    start, about = start_of(subject)
    [(_, lower, upper)] = subject.ranges
    low = lower or SHORTEST * upper
    horizon = max(SPAN * upper, SPAN / rate(subject.system))
    count = min(math.ceil(horizon / low), MOST)
    drawn = torch.rand(count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turns = torch.tensor([upper, low] * (count // 2 + 1), dtype=torch.float64)
    steps = {
        f"steps of {upper:.6g}": torch.full((count,), upper, dtype=torch.float64),
        f"steps of {upper:.6g} and {low:.6g} in turn": turns,
        "steps drawn at random": low + (upper - low) * drawn,
    }
    runs = [_run(subject, start, table, horizon, name) for name, table in steps.items()]
    caption: list[Fragment] = [
        f"Simulated solutions from a deviation at the first sampling instant, {about}."
    ]
    if not subject.certified:
        caption.append(" This is no proof of anything.")
    return solutions_figure(subject, runs, caption)


def _run(
    subject: Subject, start: torch.Tensor, steps: torch.Tensor, horizon: float, name: str
) -> Trajectories:
    within = int((steps.cumsum(0) < horizon).sum()) + 1
    bound = 10 * FAR * float(start.abs().max())
    times, states = held_solutions(subject.system, start[None], steps[:within], bound=bound)
    return Trajectories(float(steps.max()), times, states, name)
