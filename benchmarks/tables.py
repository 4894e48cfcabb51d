"""Put measured results into the README and the documentation, between their markers.

Run: python benchmarks/tables.py. A test says so if a table is not the one of benchmarks/results.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def examples(data: dict[str, Any]) -> str:
    """Return the table of the examples."""
    lines = [
        "| problem | polytopic LMI | quadratic | neural | local margin | certificate of the example | check |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in data["rows"]:
        region = f"{100 * r['ratio']:.0f} % of the simulated region"
        if r["quadratic_area"]:
            region += f" (quadratic: {100 * r['quadratic_area'] / r['area'] * r['ratio']:.0f} %)"
        delays = f"[{r['range'][0]:g}, {r['range'][1]:g}]"
        lines.append(
            f"| {r['problem']} | {r['lmi']:.3f} | {r['quadratic']:.3f} | {r['neural']:.3f}"
            f" | {r['local_margin']:.4f}"
            f" | {delays}, {r['boxes']} boxes, {region}, {r['seconds']:.0f} s in all"
            f" | {r['rigor']}, {r['check_seconds']:.2f} s |"
        )
    return "\n".join([*lines, "", f"Measured on {data['machine']}, by `benchmarks/examples.py`."])


def boxes(data: dict[str, Any]) -> str:
    """Return the table of boxes a second."""
    lines = ["| problem | engine | boxes/s | leaves of its proof |", "| --- | --- | --- | --- |"]
    for r in data["rows"]:
        lines.append(
            f"| {r['problem']} | {r['engine']} | {r['boxes_per_second']:,} | {r['leaves'] or '-'} |"
        )
    return "\n".join([*lines, "", f"Measured on {data['machine']}, by `benchmarks/boxes.py`."])


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {"examples": examples, "boxes": boxes}
FILES = ("README.md", "docs/benchmarks.md")


def filled(text: str) -> str:
    """Return a page with each table that it has a marker for."""
    for name, table in TABLES.items():
        source = RESULTS / f"{name}.json"
        if source.exists():
            body = table(json.loads(source.read_text()))
            pattern = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
            text = re.sub(
                pattern,
                lambda match, body=body: match[1] + body + "\n" + match[2],
                text,
                flags=re.DOTALL,
            )
    return text


def main() -> None:
    """Fill every page."""
    for name in FILES:
        page = ROOT / name
        if page.exists():
            page.write_text(filled(page.read_text()))


if __name__ == "__main__":
    main()
