"""The files of the study of margins against the size of the domain: a figure, a table, the numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Canvas

from certdde.reports.style import LIGHT, Theme, canvas, dress, encoded, legend

RESULT, FIGURE = "margins.json", "margins"
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
NOTE = (
    "Certified: every delay from the first one to this number has a certificate on the domain; the region is that of"
    " the certificate, inside the domain; a longer search may reach further (hollow marks: nothing was certified)."
    " Linearisation: where a root of it at the equilibrium crosses the imaginary axis,"
    " in float64; no range of constant delays from the first one on goes beyond it."
    " Simulated: the smallest constant delay found at which a solution"
    " from a constant history in the domain does not converge; float64 evidence, and it may lie below a"
    " certified delay, as the region is not all of the domain. That nothing was found proves nothing."
)


def margin_figure(study: Mapping[str, Any], theme: Theme = LIGHT) -> Canvas:
    """Draw certified margins by method (hollow: none), the local one as a line, destabilising delays as crosses."""
    figure = canvas(theme, 4.8, 3.4)
    axes = figure.subplots()
    colours = (theme.green, theme.blue, theme.purple, theme.orange, theme.ink)
    handles: list[Any] = []
    scales = [row["scale"] for row in study["rows"]]
    for k, method in enumerate(study["methods"]):
        values = [row["certified"][method]["margin"] for row in study["rows"]]
        style = {"color": colours[k % len(colours)], "marker": MARKERS[k % len(MARKERS)]}
        drawn = [math.nan if v is None else v for v in values]
        name = f"certified, {method}"
        [line] = axes.plot(scales, drawn, lw=1.2, ms=4, label=name, clip_on=False, **style)
        none = [scale for scale, v in zip(scales, values, strict=True) if v is None]
        hollow = {"ls": "", "ms": 4 + 2 * k, "mfc": "none", "clip_on": False}
        axes.plot(none, [study["start"]] * len(none), **hollow, **style)  # nothing certified
        handles.append(line)
    top = [axes.get_ylim()[1]]
    local = study["local"]["delay"]
    if local is not None:
        label = "linearisation (float64)"
        handles.append(axes.axhline(local, color=theme.ink, lw=1.0, ls="--", label=label))
        top.append(1.08 * local)
    found = [(row["scale"], row["simulated"]["delay"]) for row in study["rows"] if row["simulated"]]
    if found:
        label = "found to destabilise"
        [crosses] = axes.plot(*zip(*found, strict=True), "x", color=theme.red, ms=6, label=label)
        handles.append(crosses)
    step = "step of sample and hold" if study["class"] == "sampled" else f"delay ({study['class']})"
    dress(axes, theme, "domain, times that of the file", step, study["name"].replace("$", r"\$"))
    axes.set_ylim(bottom=0.0, top=max(top))
    for artist in axes.lines:
        artist.set_in_layout(False)  # those that are not clipped would take room
    legend(axes, theme, handles, loc="lower left")
    return figure


def table(study: Mapping[str, Any]) -> str:
    """Return the margins as a Markdown table."""
    methods = study["methods"]
    head = ["domain", *(f"certified, {m}" for m in methods), "linearisation", "simulated"]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for row in study["rows"]:
        proofs = [row["certified"][m] for m in methods]
        cells = [_down(one["margin"]) for one in proofs]
        found = row["simulated"]
        simulated = "none found" if found is None else f"{found['delay']:.4g} ({found['how']})"
        local = study["local"]["delay"]
        said = study["local"]["kind"] if local is None else _down(local)
        lines.append("| " + " | ".join([f"{row['scale']:g}", *cells, said, simulated]) + " |")
    return "\n".join(lines)


def _down(value: float | None) -> str:
    """Return four digits after the point, rounded down."""
    return "-" if value is None else f"{int(value * 1e4) / 1e4:g}"


def written(study: Mapping[str, Any], directory: Path) -> dict[str, Path]:
    """Write ``margins.json``, ``margins.png``, ``margins.pdf`` and ``report.md``.

    Returns
    -------
    dict from str to Path
    """
    drawn = margin_figure(study)
    title = study["name"].replace("|", r"\|")
    told = (
        f"Delays from {study['start']:g} to {study['stop']:g}, {study['budget']:g} s for each certified margin,"
        f" {study['attack']:g} s for each search by simulation."
    )
    parts = [
        f"# {title}: delay margin against domain size",
        table(study),
        NOTE,
        f"![Margins]({FIGURE}.png)",
        told,
    ]
    contents = {
        RESULT: (json.dumps(study, indent=1, allow_nan=False) + "\n").encode(),
        f"{FIGURE}.png": encoded(drawn, "png"),
        f"{FIGURE}.pdf": encoded(drawn, "pdf"),
        "report.md": ("\n\n".join(parts) + "\n").encode(),
    }
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    return {name: directory / name for name in contents}
