"""The tables of a counterexample, and of a history in the domain from which the solution does not converge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from certdde.learning.evidence import LEAVES
from certdde.reports.numbers import exact
from certdde.reports.subject import Subject
from certdde.reports.table import Cell, Table

NAMES = {
    "delay": "delay",
    "delays": "delays",
    "word": "delays, repeated",
    "abscissa": "largest real part of a characteristic root",
    "radius": "growth of the linearisation a step",
    "mean": "factor of the mean a step",
    "mean_square": "factor of the mean square a step",
    "kind": "kind",
}


def counterexample_table(subject: Subject) -> Table | None:
    """Return the counterexample, entry by entry; of its solution the history and how it ends."""
    found = subject.data.get("counterexample")
    if not found:
        return None
    rows: list[list[Cell]] = [
        [NAMES.get(key, key), anything(value)]
        for key, value in found.items()
        if key != "trajectory"
    ]
    rows += _solution(found.get("trajectory") or {})
    return Table("Counterexample", ["entry", "value"], rows, _note(rows))


def escape_table(subject: Subject) -> Table | None:
    """Return the history in the domain from which the solution does not converge, where nothing was proved."""
    found = subject.data["statistics"].get("escape")
    if not found:
        return None
    rows: list[list[Cell]] = [["delays", anything(found["delays"])], *_solution(found)]
    if "share" in found:
        bad, tried = found["share"]
        rows.append(["such histories among those tried at these delays", f"{bad} of {tried}"])
    note = (
        "By simulation: no certificate can have all of the domain as its region at these delays, since solutions from a"
        " certified region stay in the domain and converge. This refutes no stability of the equilibrium; a smaller"
        " region may be certified. "
    )
    return Table(escape_title(found), ["entry", "value"], rows, note + _note(rows))


def escape_title(record: Mapping[str, Any]) -> str:
    """Return the title of a record of a history in the domain."""
    leaves = record["kind"] == LEAVES
    return (
        f"A history in the domain whose solution {'leaves it' if leaves else 'does not converge'}"
    )


def _solution(record: Mapping[str, Any]) -> list[list[Cell]]:
    if not record:
        return []
    return [
        ["constant history", anything(record["history"])],
        ["the simulated solution", str(record["outcome"])],
    ]


def _note(rows: list[list[Cell]]) -> str:
    deviates = any(row[0] == "constant history" for row in rows)
    return "Histories are deviations from the equilibrium." if deviates else ""


def anything(value: object) -> str:
    """Return a value of JSON in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {anything(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(anything(one) for one in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return exact(value)
