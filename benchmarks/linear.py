"""Linear benchmarks: delay margins by LMI order and by spectrum, beside exact and published values.

Run: python benchmarks/linear.py, then benchmarks/tables.py. A margin is rounded down to four decimals, and the
range up to it is certified and checked again. At the end it prints the tables of all linear systems: its own, and the
kept results of slow.py (delays of bounded rate), schemes.py (discrete time), several.py (several delays) and
razumikhin.py; with --show only that.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any

from tables import TABLES

from certdde.delays.classes import Constant, Measurable
from certdde.learning.certify import certify
from certdde.studies.margin import margin
from certdde.systems.problem import Problem
from examples import machine

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Case:
    """A system of the literature, and what is known about it."""

    equations: tuple[str, ...]
    start: float
    stop: float
    exact: str
    orders: tuple[int, ...] = (0, 1, 2, 3, 4)
    measurable: str = ""
    orders_measurable: tuple[int, ...] = ()


CASES = {
    "KR": Case(
        ("x' = -2*x - x(t - tau)", "y' = -0.9*y - x(t - tau) - y(t - tau)"),
        0.0,
        8.0,
        "6.172581",
        measurable="2.113 (Seuret, Gouaisbaut 2013)",
        orders_measurable=(1, 2, 3),
    ),
    "GU": Case(
        ("x' = y", "y' = -2*x + 0.1*y + x(t - tau)"),
        0.1002,
        2.0,
        "1.717858 (from .1001683)",
        orders=(1, 2, 3, 4),
    ),
    "SC": Case(
        ("x' = -x(t - tau)",),
        0.0,
        2.0,
        "pi/2 = 1.570796",
        orders=(0, 1, 2, 3),
        measurable="1.341 (Seuret, Gouaisbaut 2013), exact 3/2 (Myshkis 1951)",
        orders_measurable=(1, 2, 3),
    ),
    "LD": Case(
        ("x' = y", "y' = -x - y - y(t - tau)"),
        0.0,
        6.0,
        "pi, and stable again beyond it",
        orders=(0, 1, 2, 3),
    ),
    "KIM": Case(
        ("x' = y", "y' = -x - 2*y - x(t - tau) + y(t - tau)"),
        0.0,
        4.0,
        "every delay",
        orders=(),
        measurable="1.197 (Seuret, Gouaisbaut 2013)",
        orders_measurable=(1, 2),
    ),
}


def problem_of(case: Case, kind: str) -> Problem:
    """Return the problem of a case for a delay class."""
    data = {
        "name": "linear",
        "system": {"equations": list(case.equations)},
        "delays": {"tau": {"class": kind, "range": [case.start, case.stop]}},
    }
    return Problem.from_dict(data)


def entry(case: Case, method: str, order: int, kind: str) -> dict[str, Any]:
    """Find a margin, round it down, certify and check the range up to it."""
    problem, began = problem_of(case, kind), time.perf_counter()
    found = margin(
        problem, method=method, order=order, start=case.start, stop=case.stop, budget=120
    )
    seconds = time.perf_counter() - began
    row: dict[str, Any] = {
        "method": method,
        "order": order,
        "class": kind,
        "margin": None,
        "seconds": round(seconds, 2),
    }
    if not found.intervals:
        return row
    start, end = case.start, found.delay_margin
    if end is None:  # the start itself is not: the longest range that is
        start, end = max(found.intervals, key=lambda piece: piece[1] - piece[0])
        row["from"] = start = ceil(start * 1e4) / 1e4
    for step in (
        0,
        1,
        3,
        10,
    ):  # at its last digit a program may be solved once and not the next time
        rounded = (floor(end * 1e4) - step) / 1e4
        delay = (Constant if kind == "constant" else Measurable)("tau", start, rounded)
        certificate = certify(problem, delay, method=method, order=order)
        rigor = certificate.rigor if certificate.status == "certified" else certificate.status
        if rigor == "rigorous":
            break
    return row | {"margin": rounded, "rigor": rigor}


def show() -> None:
    """Print the tables of linear systems from the kept results."""
    for name in ("linear", "slow", "schemes", "several", "razumikhin"):
        kept = ROOT / "benchmarks" / "results" / f"{name}.json"
        print(TABLES[name](json.loads(kept.read_text())), end="\n\n")


def main() -> None:
    """Run all, keep the result, print it."""
    if "--show" in sys.argv:
        show()
        return
    rows = []
    for name, case in CASES.items():
        wanted = [("lmi", k, "constant") for k in case.orders] + [("spectral", 1, "constant")]
        wanted += [("lmi", k, "measurable") for k in case.orders_measurable]
        if len(case.equations) == 1:
            wanted.append(("theorem", 1, "measurable"))
        for method, order, kind in wanted:
            row = entry(case, method, order, kind)
            known = case.exact if kind == "constant" else case.measurable
            rows.append({"system": name, **row, "known": known})
            print(rows[-1], flush=True)
    target = ROOT / "benchmarks" / "results" / "linear.json"
    target.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    show()


if __name__ == "__main__":
    main()
