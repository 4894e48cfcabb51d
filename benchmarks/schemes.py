"""Schemes: the largest gain, and the longest delay, with a rigorous certificate, beside exact and published values.

Run: python benchmarks/schemes.py [CASE ..], then benchmarks/tables.py; a case is a number of steps k
(1, 2, 3, 5, 10) or "two-state". Cases that are not named keep their rows.
Every number stands for a certificate that the checker accepts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from math import cos, floor, pi
from pathlib import Path
from typing import Any

from certdde.delays.classes import Constant, DelayClass, Measurable
from certdde.learning.certify import certify
from certdde.systems import DelaySystem
from examples import machine

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "benchmarks" / "results" / "schemes.json"
# Of x[t+1] = x[t] - q x[t-d], d in 0..k: an LMI of the literature (Wirtinger and reciprocally convex), computed once.
LITERATURE = {1: 0.9027, 2: 0.5470, 3: 0.3898, 5: 0.2468, 10: 0.1285}
TWO = (
    "x[t+1] = 0.8*x[t] - 0.1*x[t-d]",
    "y[t+1] = 0.05*x[t] + 0.9*y[t] - 0.2*x[t-d] - 0.1*y[t-d]",
)
PUBLISHED = {2: 22, 4: 22, 6: 22, 10: 23}  # Kwon, Park, Park, Lee, Cha 2013
BUDGET = 20.0


def largest_gain(
    delay: DelayClass, method: str, low: float, high: float, digits: int, budget: float = BUDGET
) -> tuple[float, float]:
    """Return the largest q of so many digits that is certified (low is tried too), and the seconds at it."""
    best, seconds, unit = 0.0, 0.0, 10**digits
    first, last = floor(low * unit), floor(high * unit)
    while first <= last:
        middle = first + (last - first) // 2 if best else first
        system = DelaySystem.from_equations(
            ["x[t+1] = x[t] - q*x[t-tau]"], parameters={"q": middle / unit}
        )
        began = time.perf_counter()
        found = certify(system, delay, method=method, budget=budget)
        if found.rigor == "rigorous":
            best, seconds, first = middle / unit, time.perf_counter() - began, middle + 1
        else:
            last = middle - 1
    return best, round(seconds, 3)


def scalar(k: int) -> dict[str, Any]:
    """Find the largest gains for delays up to k steps."""
    exact, closed = 2 * cos(k * pi / (2 * k + 1)), 3 / (2 * k + 2) + 1 / (2 * (k + 1) ** 2)
    free = Measurable("tau", 0, k)
    sharp, _ = largest_gain(free, "theorem", closed, exact, 6)
    graph, seconds = largest_gain(free, "lmi", 0.9 * closed, sharp, 4)
    fixed, _ = largest_gain(Constant("tau", 0, k), "lmi", 0.9 * exact, exact, 6)
    return {
        "k": k,
        "sharp": sharp,
        "graph": graph,
        "graph_seconds": seconds,
        "closed_form": round(closed, 6),
        "literature": LITERATURE[k],
        "constant": fixed,
        "constant_exact": round(exact, 6),
    }


def longest_delay(lower: int) -> dict[str, Any]:
    """Find the largest upper end of the delays of the two-state scheme."""
    system, upper, seconds = DelaySystem.from_equations(TWO, delays=("d",)), lower, 0.0
    for trial in range(PUBLISHED[lower] - 1, 40):
        began = time.perf_counter()
        found = certify(system, Measurable("d", lower, trial), method="lmi", budget=60)
        if found.rigor != "rigorous":
            break
        upper, seconds = trial, time.perf_counter() - began
    return {
        "lower": lower,
        "upper": upper,
        "seconds": round(seconds, 1),
        "published": PUBLISHED[lower],
    }


def main(names: list[str]) -> None:
    """Run the cases and keep the results."""
    kept = json.loads(TARGET.read_text()) if TARGET.exists() else {"scalar": [], "two_state": []}
    cases: dict[str, Callable[[], None]] = {}
    for k in LITERATURE:
        cases[str(k)] = lambda k=k: _put(kept["scalar"], "k", scalar(k))
    cases["two-state"] = lambda: (
        [_put(kept["two_state"], "lower", longest_delay(h)) for h in PUBLISHED] and None
    )
    for name in names or list(cases):
        cases[name]()
        kept["machine"] = machine()
        TARGET.write_text(json.dumps(kept, indent=1) + "\n")


def _put(rows: list[dict[str, Any]], key: str, row: dict[str, Any]) -> None:
    print(row, flush=True)
    rows[:] = sorted([r for r in rows if r[key] != row[key]] + [row], key=lambda r: r[key])


if __name__ == "__main__":
    main(sys.argv[1:])
