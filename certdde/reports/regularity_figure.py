"""Figures of the study: what is certified and what was found, for each class; and a course of the delay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure as Canvas

from certdde.reports.style import LIGHT, Theme, canvas, dress, legend

HEIGHT = 0.34  # inches for each class


def margins(study: Mapping[str, Any], theme: Theme = LIGHT) -> Canvas:
    """Draw a bar up to the certified delay, a gap, and a bar from the delay found on; exact margins as ticks."""
    rows = study["rows"]
    shown = [row[k] for row in rows for k in ("certified", "delay", "exact") if row[k] is not None]
    end = 1.15 * max(shown, default=1.0)
    if any(row["delay"] is None for row in rows):
        end = min(end, 1.6 * max((row["delay"] for row in rows if row["delay"]), default=end))
    figure = canvas(theme, 6.4, 1.1 + HEIGHT * len(rows))
    axes = figure.subplots()
    handles: dict[str, Any] = {}
    for y, row in enumerate(reversed(rows)):
        if row["certified"] is not None:
            bar = axes.barh(y, min(row["certified"], end), height=0.55, color=theme.green)
            handles.setdefault("certified", bar)
        if row["delay"] is not None:
            bar = axes.barh(y, end - row["delay"], left=row["delay"], height=0.55, color=theme.red)
            handles.setdefault("found to destabilise", bar)
        if row["exact"] is not None and row["exact"] <= end:
            [line] = axes.plot([row["exact"]] * 2, [y - 0.42, y + 0.42], color=theme.ink, lw=1.6)
            handles.setdefault("exact", line)
    dress(axes, theme, "longest delay h", "", study["name"])
    axes.set_yticks(range(len(rows)), [row["title"] for row in reversed(rows)])
    axes.set_xlim(0, end)
    for name, handle in handles.items():
        handle.set_label(name)
    legend(figure, theme, list(handles.values()), loc="outside lower center", ncols=3)
    return figure
