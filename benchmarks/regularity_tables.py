"""The tables of docs/regularity.md, from the kept results of benchmarks/regularity.py.

Run: python benchmarks/regularity_tables.py. A test says so if a table is not the one of benchmarks/results.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from certdde.reports.regularity_page import COLUMNS, rows

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "regularity.json"
PAGE = ROOT / "docs" / "regularity.md"


def margins(data: dict[str, Any], name: str) -> str:
    """Return the table of one system."""
    study = data["margins"][name]
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    lines += [_line([cell.replace("|", "\\|") for cell in cells]) for cells in rows(study)]
    told = f"Delays up to {study['stop']:g}, {study['starts']} starts, seed {study['seed']}"
    seconds = f"{study['seconds']:.0f} s of processor time on {data['machine']}"
    return "\n".join([*lines, "", f"{told}; {seconds}, by `benchmarks/regularity.py margins`."])


def quenching(data: dict[str, Any]) -> str:
    """Return the table of exponents at a few frequencies."""
    part = data["quenching"]
    wanted = (0.3, 0.5, 1.0, 1.6, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0)
    lines = [_line(["delay", "Floquet exponent"]), _line(["---", "---"])]
    ends = (part["mean"] - part["half"], part["mean"], part["mean"] + part["half"])
    for delay, value in zip(ends, part["constant"], strict=True):
        lines.append(_line([f"constant, {delay:g}", f"{value:.4f}"]))
    for near in wanted:
        k = min(range(len(part["frequencies"])), key=lambda i: abs(part["frequencies"][i] - near))
        frequency, value = part["frequencies"][k], part["exponents"][k]
        lines.append(_line([f"switching, frequency {frequency:.3g}", f"{value:.4f}"]))
    lines.append(_line(["average (infinitely fast)", f"{part['average']:.4f}"]))
    return "\n".join([*lines, "", "By `benchmarks/regularity.py quenching`, in float64."])


def perturbations(data: dict[str, Any]) -> str:
    """Return the table of small perturbations."""
    columns = (
        "system, constant delay",
        "size",
        "exponent of the constant delay",
        "change, by gradient",
        "its period",
        "change, random: mean",
        "largest",
    )
    lines = [_line(columns), _line(["---"] * len(columns))]
    for name, one in data["perturbations"].items():
        base = one["constant"]
        for r in one["rows"]:
            cells = [f"{name}, {one['delay']:g}", f"{r['size']:g}", f"{base:.4f}"]
            cells += [f"{r['worst'] - base:+.4f}", f"{r['period']:.3g}"]
            cells += [f"{r['mean'] - base:+.1e}", f"{r['largest'] - base:+.1e}"]
            lines.append(_line(cells))
    return "\n".join([*lines, "", "By `benchmarks/regularity.py perturbations`, in float64."])


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def filled(text: str) -> str:
    """Return the page with each table that it has a marker for."""
    data = json.loads(RESULT.read_text(encoding="utf-8"))
    tables = {f"margins {name}": lambda name=name: margins(data, name) for name in data["margins"]}
    tables |= {"quenching": lambda: quenching(data), "perturbations": lambda: perturbations(data)}
    for name, table in tables.items():
        pattern = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        body = table()
        text = re.sub(
            pattern, lambda m, body=body: m[1] + body + "\n" + m[2], text, flags=re.DOTALL
        )
    return text


def main() -> None:
    """Fill the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
