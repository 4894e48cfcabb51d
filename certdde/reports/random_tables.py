"""Tables of a random delay: the pieces, the delays that are not certified, and the mean of V."""

from __future__ import annotations

from typing import Any

from certdde.reports.numbers import MISSING, percent, short
from certdde.reports.subject import Subject
from certdde.reports.table import Cell, Table

WORDS = {
    "unstable": "unstable (spectrum)",
    "refuted": "refuted (trajectory)",
    "unknown": "unknown",
}


def random_tables(subject: Subject) -> dict[str, Table]:
    """Return the tables of a certificate of a random delay, by name; empty for other classes."""
    found: Any = subject.data["statistics"].get("random")
    if not found or subject.data["delay"]["class"] != "random":
        return {}
    tables = {"pieces": _pieces(found), "complement": _complement(found)}
    if found.get("expected"):
        tables["expected"] = _expected(found["expected"])
    return tables


def _pieces(found: dict[str, Any]) -> Table:
    rows: list[list[Cell]] = []
    for k, row in enumerate(found["pieces"]):
        levels, radius = row["level"] or [], row["radius"] or {}
        rows.append(
            [
                str(k),
                _range(row["range"]),
                str(row["kind"]),
                ", ".join(short(level) for level in levels) or MISSING,
                short(radius.get("rho")),
                percent(row["mass"]),
            ]
        )
    columns = ["piece", "delays", "kind", "level", "radius", "probability"]
    note = "Probabilities in float64; the claim states a lower bound, shown by the checker, where it states one."
    return Table("Certified delays", columns, rows, note, (0, 1, 2))


def _complement(found: dict[str, Any]) -> Table:
    rows: list[list[Cell]] = [
        [
            _range(row["range"]),
            WORDS.get(row["status"], str(row["status"])),
            percent_of(row["mass"]),
            str(row["why"]),
        ]
        for row in found["complement"]
    ]
    note = (
        "All in float64, and no part of the claim. Unstable: a characteristic root of the linearisation has a positive"
        " real part. Refuted: a solution from the domain does not converge."
    )
    return Table(
        "Delays that are not certified",
        ["delays", "status", "probability", "why"],
        rows,
        note,
        (0, 1, 3),
    )


def _expected(found: dict[str, Any]) -> Table:
    rows: list[list[Cell]] = [["mean of V", short(found["V"])]]
    if found["V_over_level"] is not None:
        rows.append(["mean of V / level", short(found["V_over_level"])])
    rows += [
        ["histories", str(found["histories"])],
        ["probability of the pieces with a functional", percent(found["mass"])],
    ]
    note = (
        "Mean over the law of the delay restricted to these pieces, and over the histories; float64. Each piece has a V"
        " of its own."
    )
    return Table("Mean of the functional", ["quantity", "value"], rows, note, (0, 1))


def percent_of(share: float) -> str:
    """Return a share in percent, small ones too."""
    return percent(share) if share >= 1e-3 else f"{100 * share:.1g} %"


def _range(ends: list[float] | None) -> str:
    if ends is None:
        return "several"
    low, high = ends
    return f"[{low:.6g}, {'inf)' if high is None else f'{high:.6g}]'}"
