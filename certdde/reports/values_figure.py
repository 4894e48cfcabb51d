"""V along simulated solutions: the certificate says that it decreases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from matplotlib.lines import Line2D

from certdde.reports.dialect import Fragment
from certdde.reports.energy import Energy, Histories, energy, largest_rise, scaled_to
from certdde.reports.figure import Figure
from certdde.reports.simulation import rate, settling_time
from certdde.reports.starts import domain_ends
from certdde.reports.style import WIDTH, Theme, canvas, dress, label, legend
from certdde.reports.subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

DELAYS, DEPTH = 3, 1e-6
STYLES = (("-", "constant"), ("--", "constant, opposite"), (":", "oscillating"), ("-.", "both"))


def values_figure(subject: Subject) -> Figure:
    """Return the figure of V along solutions, for several histories and delays."""
    delays = shown_delays(subject)
    horizon = max(shown_time(subject, delay) for delay in delays)
    found = [energy_at(subject, delay, horizon) for delay in delays]

    def draw(theme: Theme) -> Canvas:
        return _draw(subject, found, theme)

    return Figure("values", "V along simulated solutions", tuple(_caption(subject, found)), draw)


def shown_delays(subject: Subject) -> list[float]:
    """Return positive delays spread over the range, its end included."""
    lower, upper = subject.delay.lower, subject.delay.upper
    if lower == upper:
        return [upper]
    if lower == 0:
        return [upper * k / DELAYS for k in range(1, DELAYS + 1)]
    return [lower + (upper - lower) * k / (DELAYS - 1) for k in range(DELAYS)]


def shown_time(subject: Subject, delay: float) -> float:
    """Return for how long solutions are shown: until they have settled, but not for more than 16 delays."""
    system = subject.system
    return min(settling_time(system, delay, 7.0), max(16 * delay, 20 / rate(system)))


def energy_at(subject: Subject, delay: float, horizon: float) -> Energy:
    """Return V along solutions for one delay, from histories that the certificate covers."""
    system, piece = subject.system, subject.piece_at(delay)
    histories = _histories(subject)
    if piece.level is not None:
        low, high = domain_ends(subject)
        room = 0.98 * torch.minimum(-low, high)
        histories = scaled_to(piece.functional, histories, delay, 0.98 * piece.level, room)
    return energy(system, piece.functional, histories, delay, horizon)


def _histories(subject: Subject) -> Histories:
    """Return two constant histories, one that oscillates about the equilibrium, and one that does both."""
    n = subject.system.dimension
    size = torch.ones(n, dtype=torch.float64)
    if subject.system.domain is not None:
        low, high = domain_ends(subject)
        size = torch.minimum(-low, high)
    signs = torch.tensor([(-1.0) ** i for i in range(n)], dtype=torch.float64)
    zero = torch.zeros_like(size)
    centre = torch.stack([size, -signs * size if n > 1 else -size, zero, size * signs / 2])
    swing = torch.stack([zero, zero, size, size / 2])
    return Histories(centre, swing)


def _caption(subject: Subject, found: Sequence[Energy]) -> list[Fragment]:
    reference = "the level" if subject.bounded else "its start"
    text = f"V relative to {reference}, by quadrature along solutions from four histories"
    text += ", scaled to lie in the region" if subject.bounded else ""
    rise = largest_rise(found)
    outcome = (
        "It decreases from each sample to the next."
        if rise <= 0
        else f"Its largest rise between two samples is {rise:.2g} of its start."
    )
    return [f"{text}, for {len(found)} delays of the range. {outcome}"]


def _draw(subject: Subject, found: Sequence[Energy], theme: Theme) -> Canvas:
    figure = canvas(theme, WIDTH, 3.2)
    axes = figure.subplots()
    colours = (theme.blue, theme.orange, theme.purple)
    for one, colour in zip(found, colours, strict=False):
        start = subject.piece_at(one.delay).level or one.values[0]
        values = one.values / start
        for b, (style, _) in enumerate(STYLES):
            axes.plot(one.times.numpy(), values[:, b].numpy(), style, color=colour, linewidth=1.0)
    if subject.bounded:
        axes.axhline(1, color=theme.ink, linewidth=0.8)
    axes.set_yscale("log")
    bottom, top = _limits(subject, found)
    axes.set(xlim=(0, _last_shown(subject, found, bottom)), ylim=(bottom, top))
    dress(axes, theme, "$t$", "$V$ / level" if subject.bounded else "$V$ / $V(0)$")
    name = label(subject.delay.name)
    handles = [
        Line2D([], [], color=colour, label=f"{name} = {one.delay:.4g}")
        for one, colour in zip(found, colours, strict=False)
    ]
    # The first of two columns of the legend is filled up, so that delays and histories do not mix.
    handles += [Line2D([], [], linestyle="none", label=" ") for _ in STYLES[len(handles) :]]
    handles += [
        Line2D([], [], color=theme.ink, linestyle=style, label=text) for style, text in STYLES
    ]
    legend(figure, theme, handles, loc="outside lower center", ncols=2)
    return figure


def _limits(subject: Subject, found: Sequence[Energy]) -> tuple[float, float]:
    least, most = math.inf, 0.0
    for one in found:
        values = one.values / (subject.piece_at(one.delay).level or one.values[0])
        good = values[torch.isfinite(values) & (values > 0)]
        least, most = min(least, float(good.min())), max(most, float(good.max()))
    return max(least / 1.5, DEPTH), max(most, 1.0) * 1.6


def _last_shown(subject: Subject, found: Sequence[Energy], bottom: float) -> float:
    """Return the time from which on no line is above the bottom of the figure."""
    last = 0.0
    for one in found:
        values = one.values / (subject.piece_at(one.delay).level or one.values[0])
        shown = (values >= bottom).any(-1)
        last = max(last, float(one.times[shown][-1]))
    return last
