"""Simulated solutions of a scheme whose delay is drawn at each step."""

from __future__ import annotations

import torch

from certdde.certificates.content import rebuilt_delay
from certdde.delays.classes import Resampled
from certdde.learning.simulation import iterates
from certdde.reports.described_figure import start_of
from certdde.reports.dialect import Fragment
from certdde.reports.figure import Figure
from certdde.reports.simulation import Trajectories
from certdde.reports.subject import Subject
from certdde.reports.trajectories_figure import solutions_figure

DRAWS = 3


def drawn_figure(subject: Subject) -> Figure:
    """Return the figure of solutions from one constant history, for a few sequences of delays drawn at random."""
    start, about = start_of(subject)
    delay = rebuilt_delay(subject.data["delay"])
    if not isinstance(delay, Resampled):
        raise TypeError(f"a {delay.kind} delay is not drawn at each step")
    steps = 40 + 12 * int(delay.upper)
    times = torch.arange(steps + 1, dtype=torch.float64)
    runs = []
    for k, word in enumerate(delay.words(steps, DRAWS, 0)):
        states = iterates(subject.system, start[None], {delay.name: word}, steps)
        runs.append(Trajectories(float(k), times, states, f"draw {k + 1}"))
    caption: list[Fragment] = [
        f"Simulated solutions from a constant history, {about}, for {DRAWS} sequences of delays drawn at random."
    ]
    if not subject.certified:
        caption.append(" This is no proof of anything.")
    return solutions_figure(subject, runs, caption)
