"""States over time: for a global claim, and for a delay at which the claim is false."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import torch
from matplotlib.lines import Line2D

from certdde.reports.dialect import Fragment
from certdde.reports.figure import Figure
from certdde.reports.formulas import equals
from certdde.reports.simulation import Trajectories, even_times, rate, settling_time, simulate
from certdde.reports.style import WIDTH, Theme, canvas, dress, label, legend
from certdde.reports.subject import Subject
from certdde.reports.values_figure import shown_delays, shown_time
from certdde.systems.members import member

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MOST_STATES = 4
SMALL = 0.02  # of the domain: where the linearisation still rules
FAR = 3.0  # times the domain: what is shown of a solution that grows


def trajectories_figure(subject: Subject) -> Figure:
    """Return the figure for a certified global claim, one line a delay, from the history 1."""
    delays = shown_delays(subject)
    horizon = max(shown_time(subject, delay) for delay in delays)
    runs = [_run(subject, delay, 1.0, horizon) for delay in delays]
    caption: list[Fragment] = [
        "Simulated solutions from a constant history, one unit off the equilibrium in every state."
    ]
    return solutions_figure(subject, runs, caption)


def counterexample_figure(subject: Subject, delay: float) -> Figure:
    """Return the figure of a solution from a small deviation, for the delay of a counterexample."""
    values = (subject.data.get("counterexample") or {}).get("parameters", {})
    exact = {name: Fraction(repr(float(value))) for name, value in values.items()}
    subject = replace(subject, system=member(subject.system, exact)) if exact else subject
    run = _run(subject, delay, SMALL, settling_time(subject.system, delay, 5.0))
    name = subject.delay.name
    caption: list[Fragment] = [
        f"A simulated solution from a constant history {SMALL:.0%} of the domain off the equilibrium, for "
        if subject.system.domain
        else f"A simulated solution from a constant history {SMALL:g} off the equilibrium, for ",
        equals(lambda d: d.name(name), delay),
        f". {_end(run)}",
    ]
    return solutions_figure(subject, [run], caption)


def undecided_figure(subject: Subject) -> Figure:
    """Return the figure of solutions from half-way to the end of the domain, where nothing was proved."""
    delays = shown_delays(subject)
    horizon = max(shown_time(subject, delay) for delay in delays)
    runs = [_run(subject, delay, 0.5, horizon) for delay in delays]
    caption: list[Fragment] = [
        "What simulation shows from one constant history, for a few delays of the range. This is no proof of anything."
    ]
    return solutions_figure(subject, runs, caption)


def _run(subject: Subject, delay: float, share: float, horizon: float) -> Trajectories:
    system = subject.system
    size = torch.ones(system.dimension, dtype=torch.float64)
    if system.domain is not None:
        size = torch.tensor([float(min(-lo, hi)) for lo, hi in system.domain], dtype=torch.float64)
    times = even_times(horizon, 0.05 / rate(system))
    return simulate(system, (share * size)[None], delay, times, 10 * FAR * float(size.max()))


def _end(run: Trajectories) -> str:
    """Say how large the deviation is in the last tenth of a trajectory, beside its start."""
    size = run.states[:, 0].abs().amax(-1)
    late = size[-max(1, len(size) // 10) :]
    if not bool(torch.isfinite(late).all()):
        return f"It grows beyond the figure before t = {float(run.times[torch.isfinite(size)][-1]):.4g}."
    return f"In its last tenth the deviation is up to {float(late.max() / size[0]):.3g} times that of the start."


def solutions_figure(
    subject: Subject, runs: Sequence[Trajectories], caption: list[Fragment]
) -> Figure:
    """Return the figure of a few solutions, the first of each run."""

    def draw(theme: Theme) -> Canvas:
        return _draw(subject, runs, theme)

    if subject.system.dimension > MOST_STATES:
        caption = [*caption, f" The first {MOST_STATES} states are shown."]
    return Figure("trajectories", "Simulated solutions", tuple(caption), draw)


def _draw(subject: Subject, runs: Sequence[Trajectories], theme: Theme) -> Canvas:
    states = subject.system.states[:MOST_STATES]
    figure = canvas(theme, WIDTH, 0.7 + 1.4 * len(states) if len(states) > 1 else 2.6)
    panels = figure.subplots(len(states), 1, sharex=True, squeeze=False)[:, 0]
    styles = ((theme.blue, "-"), (theme.orange, "--"), (theme.purple, "-."))
    for i, (axes, state) in enumerate(zip(panels, states, strict=True)):
        rest = float(subject.system.equilibrium[i])
        axes.axhline(rest, color=theme.faint, linewidth=0.8)
        for run, (colour, style) in zip(runs, styles, strict=False):
            values = run.states[:, 0, i].numpy() + rest
            axes.plot(run.times.numpy(), values, style, color=colour, linewidth=0.9)
        _limit(axes, subject, i, theme)
        dress(axes, theme, "$t$" if state == states[-1] else "", label(state))
    panels[-1].set_xlim(0, max(float(run.times[-1]) for run in runs))
    name = label(subject.delay.name)
    handles = [
        Line2D(
            [],
            [],
            color=colour,
            linestyle=style,
            label=run.label or f"{name} = {run.delay:.6g}",
        )
        for run, (colour, style) in zip(runs, styles, strict=False)
    ]
    legend(figure, theme, handles, loc="outside lower center", ncols=_columns(runs))
    return figure


def _columns(runs: Sequence[Trajectories]) -> int:
    """Return how many entries of the legend fit into a line."""
    longest = max(len(run.label) for run in runs)
    return 3 if longest < 16 else 2 if longest < 26 else 1


def _limit(axes: Axes, subject: Subject, state: int, theme: Theme) -> None:
    """Mark the domain, and show no more than ``FAR`` times it."""
    if subject.system.domain is None:
        return
    rest = float(subject.system.equilibrium[state])
    low, high = (float(end) for end in subject.system.domain[state])
    shown = axes.get_ylim()
    axes.set_ylim(max(shown[0], rest + FAR * low), min(shown[1], rest + FAR * high))
    for end in (low, high):
        if shown[0] <= rest + end <= shown[1]:
            axes.axhline(rest + end, color=theme.ink, linewidth=0.8)
