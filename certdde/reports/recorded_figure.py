"""Solutions that a file holds as evidence, of a counterexample or of a history that does not converge."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from certdde.reports.dialect import Fragment
from certdde.reports.evidence_tables import anything, escape_title
from certdde.reports.figure import Figure
from certdde.reports.simulation import Trajectories
from certdde.reports.style import label
from certdde.reports.subject import Subject
from certdde.reports.trajectories_figure import solutions_figure

MOST_NAMED = 30  # characters of a legend


def recorded_figures(subject: Subject) -> list[Figure]:
    """Return a figure for each solution that the file of an outcome without a proof holds."""
    found = subject.data.get("counterexample") or {}
    figures = []
    if record := found.get("trajectory"):
        figures.append(_figure(subject, record, "The small solution of the counterexample"))
    if record := subject.data["statistics"].get("escape"):
        figure = _figure(subject, record, "A solution from a history in the domain")
        figures.append(replace(figure, name="escape", title=escape_title(record)))
    return figures


def _figure(subject: Subject, record: Mapping[str, Any], what: str) -> Figure:
    history = anything(record["history"])
    caption: list[Fragment] = [
        f"{what}, simulated from the constant deviation {history}: it {record['outcome']}."
    ]
    return solutions_figure(subject, [_run(subject, record)], caption)


def _run(subject: Subject, record: Mapping[str, Any]) -> Trajectories:
    columns = [_column(record["values"][name]) for name in subject.system.states]
    times = _column(record["times"])
    states = torch.stack(columns, dim=-1)[:, None]
    delays = record["delays"]
    named = ", ".join(f"{label(name)} = {anything(value)}" for name, value in delays.items())
    if len(named) > MOST_NAMED:
        named = "the delays of the table"
    return Trajectories(0.0, times, states, named)


def _column(values: list[float | None]) -> torch.Tensor:
    return torch.tensor([math.nan if v is None else float(v) for v in values], dtype=torch.float64)
