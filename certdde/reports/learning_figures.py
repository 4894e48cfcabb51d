"""Figures of a model that was learnt: the errors over the epochs, the delays, and predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from certdde.models.learn import LearnResult
from certdde.reports.figure import Figure
from certdde.reports.style import WIDTH, Theme, canvas, dress, label, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MOST_STATES, MOST_SAMPLES = 4, 3


def learning_figures(result: LearnResult) -> list[Figure]:
    """Return the figures that apply: errors, delays if they are learnt, predictions if the model can be followed."""
    figures = [_errors(result)] if result.fit.history else []
    if any("learned" in row for row in result.learner.delays()):
        figures.append(_delays(result))
    return [*figures, _predictions(result)]


def _errors(result: LearnResult) -> Figure:
    history = result.fit.history
    epochs = [entry["epoch"] + 1 for entry in history]

    def draw(theme: Theme) -> Canvas:
        figure = canvas(theme)
        axes = figure.subplots()
        handles = []
        for key, colour in (("train", theme.blue), ("validation", theme.orange)):
            values = [_shown(entry[key]) for entry in history]
            handles += axes.semilogy(epochs, values, "-", color=colour, linewidth=1.0, label=key)
        axes.axvline(result.fit.best + 1, color=theme.faint, linewidth=0.8, zorder=0)
        dress(axes, theme, "epoch", "mean squared error")
        legend(axes, theme, handles)
        return figure

    caption = (
        "Mean squared errors: of the minibatches of an epoch, before each of its steps, and of the validation data"
        f" after it. The line is at epoch {result.fit.best + 1}, whose weights were kept."
    )
    return Figure("learning", "Errors", (caption,), draw)


def _delays(result: LearnResult) -> Figure:
    history, rows = result.fit.history, result.learner.delays()
    epochs, true = [entry["epoch"] + 1 for entry in history], true_delays(result)

    def draw(theme: Theme) -> Canvas:
        figure = canvas(theme)
        axes = figure.subplots()
        colours = [theme.blue, theme.orange, theme.green, theme.purple, theme.red]
        handles = []
        for i, row in enumerate(rows):
            colour = colours[i % len(colours)]
            values = [entry[f"delay_{i + 1}"] for entry in history]
            handles += axes.plot(
                epochs, values, "-", color=colour, linewidth=1.0, label=label(row["name"])
            )
            if true:
                axes.axhline(true[i], color=colour, linewidth=0.8, linestyle=":")
        dress(axes, theme, "epoch", "delay")
        legend(axes, theme, handles)
        return figure

    caption = "The delays that the model had after each epoch."
    dotted = " Dotted: those of the true system." if true else ""
    return Figure("delays", "Delays", (caption + dotted,), draw)


def true_delays(result: LearnResult) -> list[float]:
    """Return the delays of the system that was imitated, where as many are learnt as it has; else nothing."""
    ranges = [spec.range for spec in result.problem.delays.values()]
    found = [r[0] for r in ranges if r is not None and r[0] == r[1]]
    return found if len(found) == len(ranges) == len(result.learner.delay_names) else []


def _predictions(result: LearnResult) -> Figure:
    names = result.learner.names[:MOST_STATES]

    def draw(theme: Theme) -> Canvas:
        figure = canvas(theme, WIDTH if len(names) == 1 else 2 * WIDTH, 2.7)
        panels = figure.subplots(1, len(names), squeeze=False)[0]
        for i, (axes, name) in enumerate(zip(panels, names, strict=True)):
            _panel(axes, result, i, theme)
            dress(axes, theme, "t", label(name))
        return figure

    caption = f"Test trajectories (dots) and what the model makes of their histories (lines); {MOST_SAMPLES} at most."
    return Figure("predictions", "Predictions", (caption,), draw, wide=len(names) > 1)


def _panel(axes: Axes, result: LearnResult, state: int, theme: Theme) -> None:
    test, rest = result.learner.data.test, list(result.rest.values())[state]
    spacing = result.learner.architecture.get("spacing", 1.0)
    times = [spacing * t for t in test.times.tolist()]
    for k, colour in zip(
        range(min(len(test), MOST_SAMPLES)), (theme.blue, theme.orange, theme.green), strict=False
    ):
        seen = [rest + v for v in test.states[:, k, state].tolist()]
        found = [_shown(rest + v) for v in result.predicted[:, k, state].tolist()]
        axes.plot(times, seen, ".", color=colour, markersize=2.5)
        axes.plot(times, found, "-", color=colour, linewidth=1.0)
    low, high = _limits([rest + v for v in test.states[:, :MOST_SAMPLES, state].flatten().tolist()])
    axes.set_ylim(low, high)


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Return a range with room around the data: a model that runs away leaves it."""
    low, high = min(values), max(values)
    room = 0.15 * (high - low) or 1.0
    return low - room, high + room


def _shown(value: float) -> float:
    return value if math.isfinite(value) else math.nan
