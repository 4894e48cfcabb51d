"""The law of a random delay: its density, the certified delays, and those that are known to be unstable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from certdde.delays.random import Random
from certdde.reports.dialect import Fragment
from certdde.reports.figure import Figure
from certdde.reports.numbers import percent
from certdde.reports.style import Theme, canvas, dress, label, legend
from certdde.reports.subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

POINTS = 800
SEEN = 0.98  # probability of the delays that are drawn, at least
BEYOND = 1.05  # times the last certified delay: as far as it is drawn


def random_figure(subject: Subject) -> Figure:
    """Return the figure of the density of the law over the delays that are certified, unstable and open."""
    section = subject.data["delay"]
    delay = Random.of(section["name"], section["law"])
    certified = [(float(a), float(b)) for a, b in section["set"]]
    known = subject.data["statistics"].get("random", {})
    rows = [row for row in known.get("complement", []) if row["range"] is not None]

    def draw(theme: Theme) -> Canvas:
        return _drawn(delay, certified, rows, theme)

    share = percent(sum(delay.mass(*piece) for piece in certified))
    caption: list[Fragment] = [
        f"Density of the delay's law, in float64. Shaded: the certified delays, with probability {share} by float64"
        " (the claim states a lower bound); below the axis, delays at which the linearisation is unstable by its"
        " spectrum."
    ]
    return Figure("law", "The law of the delay", tuple(caption), draw)


def _drawn(
    delay: Random,
    certified: list[tuple[float, float]],
    rows: list[Mapping[str, Any]],
    theme: Theme,
) -> Canvas:
    edges = torch.linspace(*_range(delay, certified), POINTS + 1, dtype=torch.float64)
    density = (delay.law.cdf(edges).diff() / edges.diff()).tolist()
    middle = (0.5 * (edges[1:] + edges[:-1])).tolist()
    figure = canvas(theme)
    axes = figure.subplots()
    axes.plot(middle, density, color=theme.ink, lw=1.0)
    for low, high in certified:
        inside = [low <= t <= high for t in middle]
        axes.fill_between(middle, density, where=inside, color=theme.blue, alpha=0.45, lw=0)
    top = max(density) if density else 1.0
    unstable = [row["range"] for row in rows if row["status"] == "unstable"]
    for low, high in unstable:
        axes.fill_between([low, high or edges[-1]], -0.04 * top, 0.0, color=theme.red, lw=0)
    axes.set_xlim(float(edges[0]), float(edges[-1]))
    axes.set_ylim(bottom=-0.05 * top if unstable else 0.0)
    dress(axes, theme, xlabel=f"delay {label(delay.name)}", ylabel="density")
    handles = [
        Line2D([], [], color=theme.ink, lw=1.0, label="density"),
        Patch(color=theme.blue, alpha=0.45, label="certified"),
    ]
    if unstable:
        handles.append(Patch(color=theme.red, label="unstable"))
    legend(axes, theme, handles, loc="upper right")
    return figure


def _range(delay: Random, certified: list[tuple[float, float]]) -> tuple[float, float]:
    far = float(delay.law.quantile(torch.tensor(SEEN, dtype=torch.float64)))
    last = BEYOND * max((high for _, high in certified), default=0.0)
    end = min(max(far, min(last, 4 * far)), delay.upper)
    start = min(delay.lower, *(low for low, _ in certified)) if certified else delay.lower
    return start, max(end, start + 1e-9)
