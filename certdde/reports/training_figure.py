"""What training did: the margin step by step, the work of each proof, and where proofs failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from certdde.reports.dialect import Fragment
from certdde.reports.figure import Figure
from certdde.reports.style import SIZE, Theme, canvas, dress, legend
from certdde.reports.subject import Subject
from certdde.reports.training_log import (
    WORDS,
    Failures,
    curve,
    failures,
    rounds,
    searches,
)
from certdde.systems.delay_system import DelaySystem

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MARKS = {"Proved": "o", "Refuted": "X", "Unknown": "s", "GaveUp": "v"}
SHAPES = ("o", "s", "^", "D", "v", "P")
MOST_LISTED = 6  # rounds in a legend
LINEAR = 0.01  # below this the axis of the margin is linear

Lines = Sequence[Mapping[str, Any]]


def training_figure(subject: Subject) -> Figure | None:
    """Return the figure of the training log; None if it has no curve."""
    lines = rounds(subject.data["statistics"].get("cegis", []))
    return figure_of(subject.system, lines)


def figure_of(system: DelaySystem, lines: Lines) -> Figure | None:
    """Return the figure for the rounds of a log; None if none of them has a curve."""
    if not any(len(curve(line, "step")) for line in lines):
        return None
    places = failures(system, lines)

    def draw(theme: Theme) -> Canvas:
        return drawn_training(lines, places, theme)

    wide = len(lines) > 1 or places is not None
    return Figure("training", "Training", tuple(_caption(lines, places)), draw, wide=wide)


def _caption(lines: Lines, places: Failures | None) -> list[Fragment]:
    count = searches(lines)[-1]
    text = "Left: the" if len(lines) > 1 or places else "The"
    text += (
        " largest value of D / |xi|^2, in scaled coordinates, on the samples of a training step (the inequality holds"
        " on them where it is negative), and dashed what training asked for; a mark at the end of each round says what"
        " the proof answered."
    )
    if any(len(curve(line, "mean")) for line in lines):
        text += " Dotted: the mean of V over delays and histories, which training lowers; V is at least |x|^2."
    if any(line.get("answer") == "Proved" and line.get("counterexamples") for line in lines):
        text += " Where it fails although something was proved, the proof is of a smaller level set of V."
    if count > 1:
        text += " Shaded in turn: searches over one range of delays each."
    if len(lines) > 1:
        side = "Middle" if places else "Right"
        text += f" {side}: boxes that the proof bounded, and points that it found where the inequality fails."
    if places:
        seen = "at most 25 a round that the proof met, and 25 by sampling"
        text += f" Right: places where the inequality fails or was left open: {seen}, stronger in colour the later."
    return [text]


def drawn_training(lines: Lines, places: Failures | None, theme: Theme) -> Canvas:
    """Draw the panels that have something to show."""
    widths = [1.5, *([1.0] if len(lines) > 1 else []), *([1.0] if places else [])]
    figure = canvas(theme, min(2.1 * sum(widths) + 0.4, 7.6), 2.9)
    panels = list(figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0])
    _margins(panels.pop(0), lines, theme)
    if len(lines) > 1:
        _work(panels.pop(0), lines, theme)
    if places:
        _places(panels.pop(0), places, theme)
    legend(
        figure,
        theme,
        _handles(lines, theme),
        loc="outside lower center",
        ncols=4,
        columnspacing=1.4,
    )
    return figure


def _handles(lines: Lines, theme: Theme) -> list[Any]:
    answers = dict.fromkeys(str(line.get("answer")) for line in lines)
    handles: list[Any] = [
        Line2D([], [], color=theme.blue, label="worst D / |ξ|²"),
        Line2D([], [], color=theme.ink, linestyle="--", linewidth=0.9, label="asked for"),
    ]
    if any(len(curve(line, "mean")) for line in lines):
        handles.append(Line2D([], [], color=theme.ink, linestyle=":", label="mean of V"))
    handles += [
        Line2D([], [], linestyle="none", marker=MARKS[a], color=_colour(theme, a), label=WORDS[a])
        for a in answers
        if a in MARKS
    ]
    if len(lines) > 1:
        handles += [
            Patch(facecolor=theme.faint, edgecolor=theme.ink, linewidth=0.4, label="boxes"),
            Line2D([], [], linestyle="none", marker="x", color=theme.ink, label="counterexamples"),
        ]
    return handles


def _colour(theme: Theme, answer: str) -> str:
    return theme.green if answer == "Proved" else theme.red


def _margins(axes: Axes, lines: Lines, theme: Theme) -> None:
    """Draw the worst value over the steps of all rounds, one after the other."""
    before, ends = 0.0, []
    for line, search in zip(lines, searches(lines), strict=True):
        steps, worst = curve(line, "step"), curve(line, "worst")
        last = before + (float(steps[-1]) + 1 if len(steps) else 0.0)
        if search % 2 == 0:
            axes.axvspan(before, last, color=theme.faint, alpha=0.35, linewidth=0)
        axes.plot(before + steps, worst, "-", color=theme.blue, linewidth=1.0)
        mean = curve(line, "mean")
        if len(mean):
            axes.plot(before + steps, mean, ":", color=theme.ink, linewidth=1.1)
        asked = line.get("margin")
        if asked is not None:
            axes.plot([before, last], [-asked, -asked], "--", color=theme.ink, linewidth=0.8)
        if len(worst):
            ends.append((last, float(worst[-1]), str(line.get("answer"))))
        axes.axvline(last, color=theme.faint, linewidth=0.6, zorder=0)
        before = last
    axes.axhline(0, color=theme.ink, linewidth=0.7)
    for x, y, answer in ends:
        mark, colour = MARKS.get(answer, "."), _colour(theme, answer)
        axes.plot([x], [y], mark, color=colour, markersize=6, markeredgecolor=theme.paper, zorder=4)
    axes.set_yscale("symlog", linthresh=LINEAR, linscale=0.6)
    axes.set_xlim(0, 1.02 * max(before, 1.0))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    dress(axes, theme, "training step", "worst D / |ξ|²")


def _work(axes: Axes, lines: Lines, theme: Theme) -> None:
    """Draw boxes and counterexamples by round, counted over all searches."""
    number = np.arange(1, len(lines) + 1)
    boxes = np.array([float(line.get("boxes") or 0) for line in lines])
    bad = np.array([float(line.get("counterexamples") or 0) for line in lines])
    axes.bar(number, boxes, 0.7, color=theme.faint, edgecolor=theme.ink, linewidth=0.4)
    axes.plot(number[bad > 0], bad[bad > 0], "x", color=theme.ink, markersize=5)
    axes.set_yscale("log")
    axes.set_ylim(0.8, 3 * max(float(boxes.max()), float(bad.max()), 10.0))
    axes.set_xlim(0.3, len(lines) + 0.7)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    dress(axes, theme, "round", "boxes, counterexamples")


def _places(axes: Axes, places: Failures, theme: Theme) -> None:
    """Scatter the failures, later rounds in a stronger colour and another shape."""
    numbers = list(places.rounds)
    flat = len(places.names) == 1
    for k, number in enumerate(numbers):
        points = places.rounds[number]
        y = np.full(len(points), float(number)) if flat else points[:, 1]
        style = {"marker": SHAPES[k % len(SHAPES)], "color": _shade(theme, k, len(numbers))}
        listed = len(numbers) <= MOST_LISTED or k in (0, len(numbers) - 1)
        axes.plot(
            points[:, 0],
            y,
            linestyle="none",
            markersize=3,
            markeredgecolor=theme.ink,
            markeredgewidth=0.25,
            label=f"round {number}" if listed else None,
            **style,
        )
    axes.set_xlim(*_padded(places.limits[0]))
    if flat:
        axes.set_ylim(min(numbers) - 0.6, max(numbers) + 0.6)
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        dress(axes, theme, places.names[0], "round")
        return
    axes.set_ylim(*_padded(places.limits[1]))
    dress(axes, theme, *places.names)
    handles, _ = axes.get_legend_handles_labels()
    legend(
        axes, theme, handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3,
        handletextpad=0.1, columnspacing=0.6, borderpad=0.3,
    )  # fmt: skip
    for text in axes.get_legend().get_texts():
        text.set_fontsize(SIZE - 1)


def _padded(limits: tuple[float, float]) -> tuple[float, float]:
    """Return the limits with a little room, so that marks on the faces of the domain are seen."""
    room = 0.03 * (limits[1] - limits[0])
    return limits[0] - room, limits[1] + room


def _shade(theme: Theme, k: int, count: int) -> str:
    """Return a colour between that of the paper and orange, stronger for later rounds."""
    share = 0.25 + 0.75 * (k + 1) / count
    paper, full = np.array(to_rgb(theme.paper)), np.array(to_rgb(theme.orange))
    return to_hex(paper + share * (full - paper))
