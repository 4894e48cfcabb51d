"""The tables of benchmarks/controllers.py and controllers_tau0.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from controllers_tau0_published import PUBLISHED, SOURCES

NEURAL = Path(__file__).resolve().parent / "results" / "controllers_neural.json"
PROGRAMS = {"small gain": "small gain", "sector": "sector LMI", "polytopic": "polytopic LMI"}


def controllers(data: dict[str, Any], neural: Path = NEURAL) -> str:
    """Return the delays that each method reaches on each box; those of method neural are in a file of their own."""
    rows = json.loads(neural.read_text())["rows"] if neural.exists() else []
    names = " | ".join(PROGRAMS.values())
    lines = [
        f"| box | local margin | {names} | quadratic, to the box | quadratic, any region | neural | simulated |",
        "| --- " * (len(PROGRAMS) + 6) + "|",
    ]
    for r in data["rows"]:
        cells = [reached(r[name]) for name in PROGRAMS]
        cells += [certificate(r.get(name)) for name in ("on the box", "quadratic")]
        cells.append("; ".join(certificate(n) for n in rows if n["box"] == r["box"]) or "-")
        at = r.get("simulated")
        kept = f"{100 * at['share']:.0f} % at {at['upper']:g}" if at else "-"
        box = " x ".join(f"{side:g}" for side in r["box"])
        lines.append(f"| {box} | {data['local']:.4f} | {' | '.join(cells)} | {kept} |")
    end = (
        f"Grid of {data['step']:g} ({data['coarse']:g} for certificates); processor time of one core of"
        f" {data['machine']}, busy with other work, by `benchmarks/controllers.py`."
    )
    return "\n".join([*lines, "", end])


def reached(cell: dict[str, Any]) -> str:
    """Return the end of the range, and the single delay where that is more; float64, so in brackets."""
    if cell["range"] is None and cell.get("single") is None:
        return f"none, {cell['seconds']:.0f} s"
    whole = "none" if cell["range"] is None else f"({cell['range']:g})"
    more = cell.get("single") is not None and cell["single"] != cell["range"]
    alone = f", one delay ({cell['single']:g})" if more else ""
    return f"{whole}{alone}, {cell['seconds']:.0f} s"


def certificate(cell: dict[str, Any] | None) -> str:
    """Return the end of a certified range, boxes, seconds of search and check, and the share of the domain."""
    if cell is None:
        return "-"
    if cell["upper"] is None:
        return "none"
    return (
        f"{cell['upper']:g}, {cell['boxes']:,} boxes, {cell['seconds']:.0f} s, check {cell['check']:.1f} s,"
        f" {100 * cell['certified']:.0f} % of the box"
    )


def controllers_tau0(data: dict[str, Any]) -> str:
    """Return our certificates without delay beside what is published, plant by plant."""
    lines = [
        "| plant | by | box | region, volume | seconds | what is verified |",
        "| --- " * 6 + "|",
    ]
    plants = list(dict.fromkeys([r["plant"] for r in [*data["rows"], *PUBLISHED]]))
    for plant in plants:
        lines += [published(r) for r in PUBLISHED if r["plant"] == plant]
        lines += [ours(r) for r in data["rows"] if r["plant"] == plant]
    notes = [f"[{key}] {text}." for key, text in SOURCES.items()]
    end = (
        "Published numbers as published, on their authors' machines; a volume with [L] is from the table in [L]."
        f" Ours: processor time of one core of {data['machine']}, busy with other work, by"
        " `benchmarks/controllers_tau0.py`."
    )
    return "\n".join([*lines, "", end, "", " ".join(notes)])


def published(row: dict[str, Any]) -> str:
    """Return a published line."""
    source = f"[{row['source']}]"
    size = "not reported" if row["volume"] is None else f"{row['volume']:,.10g}"
    size += f" [{row['table']}]" if row.get("table") else ""
    seconds = "not reported" if row["seconds"] is None else f"{row['seconds']:,.10g}"
    return (
        f"| {row['plant']} | {source} | {row.get('box', '-')} | {size} | {seconds}"
        f" | {row['verified']} |"
    )


def ours(row: dict[str, Any]) -> str:
    """Return a line of ours: one without a volume is a search that found nothing."""
    box = " x ".join(f"{side:g}" for side in row["box"])
    if row["volume"] is None:
        cells = ["none", f"{row['seconds']:.1f}", "nothing: the search ended without a proof"]
    else:
        what = f"all of it with the origin, {row['boxes']:,} boxes; {row['rigor']}"
        seconds = f"{row['seconds']:.2g}, check {row['check']:.2g}"
        cells = [
            f"{row['volume']:.3g}" if row["volume"] < 1e3 else f"{row['volume']:,.0f}",
            seconds,
            what,
        ]
    return f"| {row['plant']} | certdde | {box} | {' | '.join(cells)} |"
