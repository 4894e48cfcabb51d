"""Razumikhin functions beside functionals: any-rate margins of linear benchmarks, and regions of Hutchinson's equation.

Run: python benchmarks/razumikhin.py. A margin is rounded down to three decimals; the checker has accepted a certificate
of each range.
"""

from __future__ import annotations

import json
import time
from math import floor
from pathlib import Path
from typing import Any

from linear import CASES, problem_of

from certdde.delays.classes import Measurable
from certdde.learning.certify import certify
from certdde.studies.margin import margin
from certdde.systems.problem import Problem
from examples import machine

ROOT = Path(__file__).resolve().parent.parent
HUTCHINSON = {
    "name": "hutchinson",
    "system": {"equations": ["x' = -(1 + x)*x(t - tau)"], "domain": {"x": [-0.5, 1.0]}},
    "delays": {"tau": {"class": "measurable", "range": [0.0, 0.3]}},
}
REGIONS = (0.2, 0.3, 0.4)


def margins(name: str, problem: Problem, stop: float) -> dict[str, Any]:
    """Return the largest certified delays, by a function and by a functional of order 1."""
    row: dict[str, Any] = {"system": name}
    other = "lmi" if problem.build().linear else "quadratic"
    for method in ("razumikhin", other):
        began = time.perf_counter()
        found = margin(problem, method=method, order=1, start=0.0, stop=stop, budget=240)
        row[method] = floor((found.delay_margin or 0.0) * 1e3) / 1e3
        row[f"{method}_seconds"] = round(time.perf_counter() - began, 1)
    return row


def region(upper: float, method: str) -> dict[str, Any]:
    """Return how much of the domain's constant histories a certificate of [0, upper] covers."""
    began = time.perf_counter()
    certificate = certify(
        Problem.from_dict(HUTCHINSON), Measurable("tau", 0.0, upper), method=method, budget=300
    )
    area = certificate.data["region"]["area"] or {}
    return {
        "delay": upper,
        "method": method,
        "rigor": certificate.rigor if certificate.status == "certified" else certificate.status,
        "kind": (certificate.data["functional"] or {}).get("kind"),
        "ratio": round(area.get("ratio", 0.0), 3),
        "boxes": certificate.data["statistics"]["boxes"].get("leaves", 0),
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    """Run all and keep the result."""
    rows = []
    for name in ("SC", "KR", "KIM"):
        rows.append(margins(name, problem_of(CASES[name], "measurable"), 3.0))
        print(rows[-1], flush=True)
    rows.append(margins("hutchinson", Problem.from_dict(HUTCHINSON), 1.0))
    print(rows[-1], flush=True)
    regions = []
    for upper in REGIONS:
        for method in ("razumikhin", "quadratic"):
            regions.append(region(upper, method))
            print(regions[-1], flush=True)
    target = ROOT / "benchmarks" / "results" / "razumikhin.json"
    result = {"machine": machine(), "rows": rows, "regions": regions}
    target.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
