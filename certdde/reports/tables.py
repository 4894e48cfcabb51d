"""The tables of a report: methods, region, parts, training, time, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from certdde.reports.evidence_tables import anything, counterexample_table, escape_table
from certdde.reports.formulas import letter
from certdde.reports.networks_table import networks_table
from certdde.reports.numbers import MISSING, count, exact, percent, seconds, short
from certdde.reports.random_tables import random_tables
from certdde.reports.subject import Subject
from certdde.reports.table import Cell, Table
from certdde.reports.training_table import range_cell, training_table

METHODS = {
    "spectral": "spectrum (no root on the imaginary axis)",
    "theorem": "theorem (Myshkis, Yorke)",
    "razumikhin": "Razumikhin",
    "sos": "sums of squares",
    "scheme": "scheme",
    "lmi": "LMI (quadratic, slopes in a polytope)",
    "quadratic": "quadratic (cutting planes)",
    "neural": "neural",
}
PHASES = {
    "spectrum": "spectrum of the linearisation",
    "quadratic": "quadratic functionals: search and proof",
    "synthesis": "quadratic functionals: search",
    "proof": "quadratic functionals: proof",
    "neural": "neural functionals: training and proof",
    "theorem": "search for a theorem",
    "lmi": "linear matrix inequalities",
    "spectral": "partition of frequency and delay",
    "anchor": "stability at one delay",
    "area": "area of the region",
    "total": "all of these",
    "check": "independent check",
}


# What the numbers of ``region.radius`` are.
RADIUS: dict[str, Cell] = {
    "rho": ["radius ", letter("rho")],
    "rho_rate": ["rate ", lambda d: d.row(d.word("rho"), d.symbol("prime"))],
    "box": "interval that solutions do not leave",
    "rates": "bound of the rates",
}


def all_tables(subject: Subject) -> dict[str, Table]:
    """Return the tables that have something to show, by name."""
    built = {
        "networks": networks_table(subject),
        "said": said_table(subject),
        "methods": methods_table(subject),
        "region": region_table(subject),
        "parts": parts_table(subject),
        **random_tables(subject),
        "training": training_table(subject),
        "time": time_table(subject),
        "counterexample": counterexample_table(subject),
        "escape": escape_table(subject),
        "origin": origin_table(subject),
    }
    return {name: table for name, table in built.items() if table is not None and table.rows}


def said_table(subject: Subject) -> Table | None:
    """Return what each method said, if several were tried."""
    said = subject.data["statistics"].get("methods", [])
    rows: list[list[Cell]] = [
        [str(one.get("method")), str(one.get("said", MISSING)), seconds(one.get("seconds"))]
        for one in said
    ]
    columns = ["method", "what it said", "seconds"]
    return (
        Table("Methods in the order in which they were tried", columns, rows, "", (0, 1))
        if len(rows) > 1
        else None
    )


def methods_table(subject: Subject) -> Table:
    """Return the methods side by side; the last row is the certificate's own."""
    statistics = subject.data["statistics"]
    own = own_row(subject)
    rows: list[list[Cell]] = []
    for row in statistics.get("baselines", []):
        if own is not None and row is own[0]:
            continue
        name = METHODS.get(row.get("method"), str(row.get("method")))
        rows.append([name, *_measures(row, str(row.get("status", MISSING)))])
    if own is not None:
        rows.append(own[1])
    columns = ["method", "order", "outcome", "boxes", "certified", "seconds"]
    note = (
        "Certified: share of the domain's constant histories that lie in the certified region for every delay."
        if subject.bounded and any(row[4] != MISSING for row in rows)
        else ""
    )
    return Table("Methods side by side", columns, rows, note, (0, 2))


def own_row(subject: Subject) -> tuple[Mapping[str, Any] | None, list[Cell]] | None:
    """Return the row of the certificate's own method, and the baseline that it is; None if nothing was proved."""
    if not subject.certified:
        return None
    data, statistics = subject.data, subject.data["statistics"]
    baselines, times = statistics.get("baselines", []), statistics.get("seconds", {})
    engine = str(data["engine"])
    proved = [b for b in baselines if b.get("method") == engine and b.get("status") == "proved"]
    parts = len(subject.pieces) or 1
    same = proved[0] if proved and parts == 1 else None
    spent = sum(times.get(phase, 0.0) for phase in ("quadratic", "synthesis", "proof"))
    spent = max(0.0, spent - sum(b.get("seconds") or 0.0 for b in baselines))
    spent = (spent or _seconds_said(statistics)) if times else None
    time = times.get("neural") if engine == "neural" else same["seconds"] if same else spent
    area = data["region"]["area"]
    row = {
        "order": data["functional"].get("order", MISSING),
        "boxes": statistics.get("boxes", {}).get("leaves"),
        "area": area["certified"] / area["domain"] if area else None,
        "seconds": time,
    }
    name = f"{METHODS.get(engine, engine)}, this certificate"
    return same, [name, *_measures(row, "proved" if parts == 1 else f"proved in {parts} parts")]


def _seconds_said(statistics: Mapping[str, Any]) -> float | None:
    """Return the time of the method that gave the certificate, the last that was tried."""
    said = statistics.get("methods", [])
    return said[-1].get("seconds") if said else None


def region_table(subject: Subject) -> Table | None:
    """Return level, radius and area; None without a region."""
    region = subject.data["region"]
    levels, radius = region["level"] or [], region["radius"] or {}
    if not levels and not radius:
        return None
    rows: list[list[Cell]] = []
    for i, level in enumerate(levels):
        index = str(i) if len(levels) > 1 else ""
        rows.append([["level ", letter("c", index)], exact(level)])
    for key, value in radius.items():
        rows.append([RADIUS.get(key, key), anything(value)])
    area = region["area"] or {}
    kind = {1: "length", 2: "area"}.get(subject.system.dimension, "volume")
    names = {
        "domain": f"{kind} of the domain",
        "certified": f"{kind} certified (constant histories)",
        "simulated": f"{kind} by simulation",
        "ratio": "certified / simulated",
    }
    rows += [[name, short(area[key], 6)] for key, name in names.items() if key in area]
    note = (
        "The last four are float64 information on a grid and no part of the claim; simulation is for the ends and the"
        " middle of the delay range."
    )
    return Table("Region of attraction", ["quantity", "value"], rows, note if area else "")


def parts_table(subject: Subject) -> Table | None:
    """Return the parts of the functional; None if there is one only."""
    if len(subject.pieces) < 2:
        return None
    rows: list[list[Cell]] = []
    for i, piece in enumerate(subject.pieces):
        forest = piece.forest
        rows.append(
            [
                str(i),
                range_cell(piece.breaks[0], piece.longest),
                str(piece.cuts),
                exact(piece.level),
                count(forest.leaves if forest else 0),
            ]
        )
    return Table(
        "Parts of the functional", ["part", "delays", "pieces", "level", "boxes"], rows, "", (0, 1)
    )


def time_table(subject: Subject) -> Table:
    """Return the seconds of each phase."""
    times = subject.data["statistics"].get("seconds", {})
    rows = [[PHASES.get(phase, phase), seconds(value)] for phase, value in times.items()]
    return Table("Time by phase", ["phase", "seconds"], rows)


def origin_table(subject: Subject) -> Table:
    """Return what made the certificate: seed, versions, digest."""
    data = subject.data
    rows: list[list[Cell]] = [["seed", str(data.get("seed", MISSING))]]
    rows += [[str(name), str(version)] for name, version in data.get("versions", {}).items()]
    return Table(
        "Seed and versions",
        ["package", "version"],
        rows,
        f"SHA-256 of the content: {subject.digest}",
    )


def _measures(row: Mapping[str, Any], outcome: str) -> list[Cell]:
    values = [count(row.get("boxes")), percent(row.get("area")), seconds(row.get("seconds"))]
    return [str(row.get("order", MISSING)), outcome, *values]
