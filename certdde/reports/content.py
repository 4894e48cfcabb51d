"""What a report says, in one dialect: the values that its template takes."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from certdde.certificates.claim import delays_text
from certdde.reports.dialect import Dialect, typeset
from certdde.reports.escape import fenced
from certdde.reports.figure import FOLDER, DrawnFigure
from certdde.reports.narrative import (
    check_command,
    functional_blocks,
    proof_blocks,
    rigor_sentence,
    warnings,
)
from certdde.reports.subject import Subject
from certdde.reports.table import typeset_table
from certdde.reports.tables import all_tables
from certdde.reports.theorem import system_blocks, theorem

HEADINGS = {
    ("certified", "rigorous"): "Theorem",
    ("certified", "float64"): "Claim",
    ("certified", "refused"): "What the file claims",
}


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """A figure as a template takes it."""

    name: str
    title: Markup
    caption: Markup
    wide: bool
    png: str
    pdf: str
    light: Markup
    dark: Markup


def content(
    subject: Subject, figures: Sequence[DrawnFigure], dialect: Dialect
) -> dict[str, object]:
    """Return the values of a template.

    Parameters
    ----------
    subject : Subject
    figures : sequence of DrawnFigure
    dialect : Dialect
        Of the formulas.
    """
    data = subject.data
    certified = subject.certified
    return {
        "name": subject.system.name,
        "status": "not proved" if certified and subject.rigor == "refused" else data["status"],
        "rigor": subject.rigor if certified else "",
        "heading": HEADINGS.get((data["status"], subject.rigor), "Outcome"),
        "rigor_sentence": rigor_sentence(subject),
        "warnings": warnings(subject),
        "claim": str(data["claim"]),
        "engine": str(data["engine"]),
        "certified": certified,
        "detailed": subject.detailed,
        "theorem": theorem(dialect, subject) if certified else [],
        "system": system_blocks(dialect, subject),
        "domain": _domain(dialect, subject),
        "functional": functional_blocks(dialect, subject) if certified else [],
        "proof": proof_blocks(dialect, subject) if certified else [],
        "tables": {
            name: typeset_table(dialect, table) for name, table in all_tables(subject).items()
        },
        "figures": [shown_figure(dialect, one) for one in figures],
        "command": check_command(subject),
        "command_block": fenced(check_command(subject)),
        "digest": subject.digest,
    }


def _domain(dialect: Dialect, subject: Subject) -> Markup:
    """Return the delays and the domain in one line, for reports without a theorem."""
    text = delays_text(subject.data["system"], subject.data["delay"])
    for state, ends in (subject.data["system"]["domain"] or {}).items():
        text += f", {state} in {json.dumps(ends)}"
    return typeset(dialect, text)


def shown_figure(dialect: Dialect, one: DrawnFigure) -> ShownFigure:
    """Return a figure as a template takes it, with its images inside."""
    figure = one.figure
    return ShownFigure(
        figure.name,
        typeset(dialect, figure.title),
        typeset(dialect, *figure.caption),
        figure.wide,
        f"{FOLDER}/{figure.name}.png",
        f"{FOLDER}/{figure.name}.pdf",
        _embedded(one.light),
        _embedded(one.dark),
    )


def _embedded(image: bytes) -> Markup:
    return Markup("data:image/png;base64," + base64.b64encode(image).decode("ascii"))
