"""The region of attraction with simulated trajectories: a phase plane, slices, or a line with time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from certdde.reports.dialect import Fragment
from certdde.reports.figure import Figure
from certdde.reports.formulas import equals
from certdde.reports.numbers import percent
from certdde.reports.region_map import RegionMap, certified_ratio, core_ratio, region_maps
from certdde.reports.starts import DrawnTrajectories, drawn_trajectories
from certdde.reports.style import WIDTH, Theme, canvas, dress, label, legend
from certdde.reports.subject import Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MOST_SLICES = 3


def region_figure(subject: Subject) -> Figure:
    """Return the figure of the region for a certificate with a domain."""
    n, delay = subject.system.dimension, subject.delay.upper
    pairs = [(0,)] if n == 1 else [(i, j) for i in range(n) for j in range(i + 1, n)][:MOST_SLICES]
    maps = region_maps(subject, pairs)
    runs = drawn_trajectories(subject, maps, delay)

    def draw(theme: Theme) -> Canvas:
        if n == 1:
            return _line(subject, maps[0], runs[0], theme)
        return _planes(subject, maps, runs, theme)

    title = (
        "Region of attraction"
        if n < 3
        else "Region of attraction, on planes through the equilibrium"
    )
    return Figure("region", title, tuple(_caption(subject)), draw, wide=n > 2)


def _caption(subject: Subject) -> list[Fragment]:
    area = subject.data["region"]["area"]
    parts: list[Fragment] = []
    if subject.system.dimension == 1:
        parts.append(
            "Left: simulated solutions from constant histories. Right: V of constant histories, a band over the"
            " delays of the range. "
        )
    parts.append(
        "Certified: constant histories with V at most the level for every delay of the range"
    )
    if area:
        parts.append(
            f" ({percent(area['certified'] / area['domain'])} of the domain,"
            f" {percent(area['ratio'])} of what simulation keeps)"
        )
    parts.append(
        ". Solutions from there stay inside the dashed line, where the lower bound of V is at most the level."
        " Trajectories are for "
    )
    name = subject.delay.name
    parts += [equals(lambda d: d.name(name), subject.delay.upper), "."]
    if subject.system.dimension > 1:
        parts.append(
            " The set is one of constant histories: a solution that crosses it with another past is not certified"
            " by that."
        )
    if subject.system.dimension > 2:
        parts.append(
            " The other states start at the equilibrium; their trajectories are projected."
        )
    return parts


def _planes(
    subject: Subject, maps: list[RegionMap], runs: list[DrawnTrajectories], theme: Theme
) -> Canvas:
    count = len(maps)
    figure = canvas(theme, WIDTH if count == 1 else 2.4 * count, 4.0 if count == 1 else 3.1)
    panels = figure.subplots(1, count, squeeze=False)[0]
    for axes, region, run in zip(panels, maps, runs, strict=True):
        _plane(axes, subject, region, run, theme)
    handles = _handles(theme, runs)
    legend(figure, theme, handles, loc="outside lower center", ncols=2 if count == 1 else 4)
    return figure


def _plane(
    axes: Axes, subject: Subject, region: RegionMap, run: DrawnTrajectories, theme: Theme
) -> None:
    i, j = region.states
    rest = [float(subject.system.equilibrium[k]) for k in region.states]
    x, y = ((a + r).numpy() for a, r in zip(region.axes, rest, strict=True))
    shades = [theme.faint + "00", theme.faint + "90"]
    axes.contourf(*_smooth(region, rest), levels=[-0.5, 0.5, 1.5], colors=shades)
    axes.contourf(x, y, region.certified.T.numpy(), levels=[0, 1], colors=[theme.blue], alpha=0.28)
    axes.contour(x, y, region.certified.T.numpy(), levels=[1], colors=[theme.blue], linewidths=1.3)
    axes.contour(
        x,
        y,
        region.core.T.numpy(),
        levels=[1],
        colors=[theme.orange],
        linewidths=1.1,
        linestyles="--",
    )
    for b in range(run.found.states.shape[1]):
        path = run.found.states[:, b]
        colour, style = _look(theme, run, b)
        line = [(path[:, k] + r).numpy() for k, r in zip(region.states, rest, strict=True)]
        axes.plot(*line, style, color=colour, linewidth=0.8, zorder=3)
        axes.plot(line[0][:1], line[1][:1], "o", color=colour, markersize=2.6, zorder=4)
    axes.plot(*([r] for r in rest), "+", color=theme.ink, markersize=6, zorder=5)
    axes.add_patch(
        Rectangle(
            (x[0], y[0]), x[-1] - x[0], y[-1] - y[0], fill=False, edgecolor=theme.ink, linewidth=0.9
        )
    )
    margins = [0.06 * (a[-1] - a[0]) for a in (x, y)]
    axes.set(
        xlim=(x[0] - margins[0], x[-1] + margins[0]), ylim=(y[0] - margins[1], y[-1] + margins[1])
    )
    dress(axes, theme, label(subject.system.states[i]), label(subject.system.states[j]))


def _smooth(region: RegionMap, rest: list[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the simulated region up to the edges of the domain, its steps of one cell smoothed away."""
    cells = [
        np.concatenate([a[:1], c, a[-1:]]) + r
        for a, c, r in zip(
            map(_numbers, region.axes), map(_numbers, region.cells), rest, strict=True
        )
    ]
    padded = np.pad(region.simulated.double().numpy(), 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return cells[0], cells[1], windows.mean((-1, -2)).T


def _numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.numpy()


def _look(theme: Theme, run: DrawnTrajectories, index: int) -> tuple[str, str]:
    if bool(run.certified[index]):
        return theme.blue, "-"
    return (theme.red, ":") if bool(run.leaves[index]) else (theme.green, "-.")


def _handles(theme: Theme, runs: list[DrawnTrajectories]) -> list[Patch | Line2D]:
    outside = torch.cat([~run.certified for run in runs])
    leaves = torch.cat([run.leaves for run in runs])
    handles: list[Patch | Line2D] = [
        Patch(facecolor=theme.blue + "48", edgecolor=theme.blue, label="certified"),
        Line2D([], [], color=theme.orange, linestyle="--", label="bound on its solutions"),
        Patch(facecolor=theme.faint + "90", label="stays, by simulation"),
        Patch(facecolor="none", edgecolor=theme.ink, label="domain"),
        Line2D([], [], color=theme.blue, linewidth=0.9, label="from certified"),
    ]
    if bool((outside & ~leaves).any()):
        handles.append(
            Line2D(
                [],
                [],
                color=theme.green,
                linestyle="-.",
                linewidth=0.9,
                label="from outside, stays",
            )
        )
    if bool((outside & leaves).any()):
        handles.append(
            Line2D([], [], color=theme.red, linestyle=":", linewidth=0.9, label="leaves the domain")
        )
    return handles


def _line(subject: Subject, region: RegionMap, run: DrawnTrajectories, theme: Theme) -> Canvas:
    figure = canvas(theme, WIDTH, 3.2)
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1], sharey=True)
    _over_time(left, subject, region, run, theme)
    _over_state(right, subject, region, theme)
    legend(figure, theme, _handles(theme, [run]), loc="outside lower center", ncols=2)
    return figure


def _over_time(
    axes: Axes, subject: Subject, region: RegionMap, run: DrawnTrajectories, theme: Theme
) -> None:
    rest, x = float(subject.system.equilibrium[0]), region.axes[0].numpy()
    inside = region.certified.numpy() <= 1
    times = run.found.times.numpy()
    before = -0.06 * times[-1]
    axes.fill_betweenx(
        x + rest, before, times[-1], where=inside, color=theme.blue, alpha=0.18, linewidth=0
    )
    _bars(axes, region, rest, (before, 0.0), theme)
    for end in (x[0], x[-1]):
        axes.axhline(end + rest, color=theme.ink, linewidth=0.9)
    kept = x[region.core.numpy() <= 1]
    for end in (kept[0], kept[-1]):
        axes.axhline(end + rest, color=theme.orange, linewidth=1.0, linestyle="--")
    for b in range(run.found.states.shape[1]):
        colour, style = _look(theme, run, b)
        line = (run.found.states[:, b, 0] + rest).numpy()
        axes.plot([before, 0], [line[0], line[0]], style, color=colour, linewidth=1.0)
        axes.plot(times, line, style, color=colour, linewidth=1.0)
    margin = 0.06 * (x[-1] - x[0])
    axes.set(xlim=(before, times[-1]), ylim=(x[0] + rest - margin, x[-1] + rest + margin))
    dress(axes, theme, "$t$", label(subject.system.states[0]))


def _bars(
    axes: Axes, region: RegionMap, rest: float, span: tuple[float, float], theme: Theme
) -> None:
    cells = region.cells[0].numpy() + rest
    keeps = region.simulated.numpy()
    axes.fill_betweenx(cells, *span, where=keeps, color=theme.faint, alpha=0.9, linewidth=0)


def _over_state(axes: Axes, subject: Subject, region: RegionMap, theme: Theme) -> None:
    rest, x = float(subject.system.equilibrium[0]), region.axes[0]
    points = x[:, None]
    least = torch.stack(
        [_at(subject, points, delay) for delay in (subject.delay.lower, subject.delay.upper)]
    ).amin(0)
    most, core = certified_ratio(subject, points), core_ratio(subject, points)
    y = (x + rest).numpy()
    axes.fill_betweenx(y, least.numpy(), most.numpy(), color=theme.blue, alpha=0.28, linewidth=0)
    axes.plot(most.numpy(), y, color=theme.blue, linewidth=1.2)
    axes.plot(core.numpy(), y, "--", color=theme.orange, linewidth=1.1)
    axes.axvline(1, color=theme.ink, linewidth=0.8, linestyle=":")
    for end in (y[0], y[-1]):
        axes.axhline(end, color=theme.ink, linewidth=0.9)
    axes.set(xlim=(0, 2))
    dress(axes, theme, "$V$ / level")


def _at(subject: Subject, points: torch.Tensor, delay: float) -> torch.Tensor:
    piece = subject.piece_at(delay)
    return piece.functional.on_constant_histories(points, delay) / (piece.level or 1.0)
