"""Delays of bounded rate: the largest delay certified, beside published values.

Run: python benchmarks/slow.py [SYSTEM ..], then benchmarks/tables.py. With names only the rows of these systems are
found anew. `margin` finds the range; `seconds` is what it took, every step of the search checked. The range is then
certified once more from the start, with `certify`: `certificate` is what that took, check included.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

from linear import CASES

from certdde.delays.classes import Slow
from certdde.learning.certify import certify
from certdde.studies.margin import margin
from certdde.systems.problem import Problem
from examples import machine

TARGET = Path(__file__).resolve().parent / "results" / "slow.json"
BUDGET = 600.0


@dataclass(frozen=True)
class Rates:
    """A bound of the rate, where the search ends, and what is published for it."""

    upper: float
    sides: int
    stop: float
    known: str

    @property
    def rate(self) -> list[float] | float:
        """As in a problem file."""
        return [-self.upper, self.upper] if self.sides == 2 else self.upper


ZHANG = "(Zhang, Han, Seuret, Gouaisbaut 2017)"
FREE = "(Zhang et al. 2017)"
WIRTINGER = "(Seuret, Gouaisbaut 2013)"
RATES = {
    "KR": (
        Rates(0.1, 2, 6.2, f"4.910 {ZHANG}"),
        Rates(0.5, 2, 5.0, f"3.233 {ZHANG}"),
        Rates(0.1, 1, 6.2, f"4.704 {WIRTINGER}"),
        Rates(0.5, 1, 5.0, f"2.421 {WIRTINGER}"),
    ),
    "KIM": (
        Rates(0.1, 2, 10.0, f"7.230 {FREE}"),
        Rates(0.5, 2, 4.0, f"2.509 {FREE}"),
        Rates(0.1, 1, 10.0, f"6.590 {WIRTINGER}"),
        Rates(0.5, 1, 4.0, f"1.412 {WIRTINGER}"),
    ),
    "SC": (
        Rates(0.1, 2, 1.6, ""),
        Rates(0.5, 2, 1.6, ""),
        Rates(0.1, 1, 1.6, f"1.506 {WIRTINGER}"),
        Rates(0.5, 1, 1.6, f"1.366 {WIRTINGER}"),
    ),
}
ORDERS = (1, 2)
SHARES = (1 + 1e-9, 0.999, 0.998, 0.996)  # of the margin, until one is certified from the start


def entry(system: str, rates: Rates, order: int) -> dict[str, Any]:
    """Find a margin, and certify and check its range from the start."""
    delay = {"class": "slow", "range": [0.0, rates.stop], "rate": rates.rate}
    equations = list(CASES[system].equations)
    data = {"name": system, "system": {"equations": equations}, "delays": {"tau": delay}}
    problem, began = Problem.from_dict(data), time.perf_counter()
    found = margin(problem, method="lmi", order=order, stop=rates.stop, budget=BUDGET)
    seconds = time.perf_counter() - began
    row = {"system": system, "rate": rates.rate, "order": order, "margin": found.delay_margin}
    row |= {"rigor": found.rigor, "seconds": round(seconds, 1), "known": rates.known}
    if found.delay_margin is None:
        return row
    lower = -rates.upper if rates.sides == 2 else None
    for share in SHARES:
        upper = floor(share * found.delay_margin * 1e3) / 1e3
        began = time.perf_counter()
        again = certify(problem, Slow("tau", 0.0, upper, lower, rates.upper), order=order)
        row |= {"margin": upper, "certificate": round(time.perf_counter() - began, 1)}
        row["rigor"] = again.rigor if again.status == "certified" else again.status
        if row["rigor"] == "rigorous":
            break
    return row


def main() -> None:
    """Find the rows of the named systems, or all, and keep the result."""
    names = sys.argv[1:] or list(RATES)
    old = json.loads(TARGET.read_text())["rows"] if TARGET.exists() else []
    found = {name: [r for r in old if r["system"] == name] for name in RATES}
    for name in names:
        found[name] = []
        for rates in RATES[name]:
            for order in ORDERS:
                found[name].append(entry(name, rates, order))
                print(found[name][-1], flush=True)
    rows = [row for name in RATES for row in found[name]]
    TARGET.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
