"""Sums of squares beside quadratic functionals: delay margins and regions of polynomial systems.

Run: python benchmarks/sos.py, then benchmarks/tables.py. The checker has accepted a certificate of every range and
region of `sos`, and of the regions of `lmi`; margins of the others are float64. Seconds are processor time.
"""

from __future__ import annotations

import json
import time
from math import floor
from pathlib import Path
from typing import Any

from certdde.delays.classes import Constant
from certdde.learning.certify import certify
from certdde.studies.margin import margin
from certdde.systems.problem import Problem
from examples import local_margin, machine

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "benchmarks" / "results" / "sos.json"
HUTCHINSON = ["x' = -(1 + x)*x(t - tau)"]
VAN_DER_POL = ["x1' = -x2", "x2' = x1 - (1 - x1^2)*x2(t - tau)"]
SYSTEMS = {  # equations, domain, where to stop
    "hutchinson": (HUTCHINSON, {"x": [-0.5, 1.0]}, 1.6),
    "hutchinson, wide": (HUTCHINSON, {"x": [-0.9, 2.0]}, 1.6),
    "van der pol": (VAN_DER_POL, {"x1": [-0.75, 0.75], "x2": [-0.75, 0.75]}, 1.0),
    "van der pol, wide": (VAN_DER_POL, {"x1": [-1.25, 1.25], "x2": [-1.25, 1.25]}, 1.0),
}
RUNS = (("lmi", 1), ("quadratic", 1), ("sos", 1), ("sos", 2), ("sos", 3))
REGIONS = (
    ("hutchinson", 0.6),
    ("van der pol", 0.5),
    ("van der pol", 0.8),
    ("van der pol, wide", 0.5),
)


def problem(name: str) -> tuple[Problem, float]:
    """Return a system, and where to stop."""
    equations, domain, stop = SYSTEMS[name]
    data = {
        "name": name,
        "system": {"equations": equations, "domain": domain},
        "delays": {"tau": {"range": [0.0, 1.0]}},
    }
    return Problem.from_dict(data), stop


def margins(name: str) -> dict[str, Any]:
    """Return the largest delays by each method, rounded down."""
    found, stop = problem(name)
    row: dict[str, Any] = {"system": name, "local": local_margin(found, 2 * stop)}
    for method, order in RUNS:
        began = time.process_time()
        result = margin(found, method=method, order=order, start=0.0, stop=stop, budget=150)
        row[f"{method} {order}"] = {
            "margin": floor((result.delay_margin or 0.0) * 1e4) / 1e4,
            "rigor": result.rigor,
            "seconds": round(time.process_time() - began, 1),
        }
        print(name, method, order, row[f"{method} {order}"], flush=True)
    return row


def region(name: str, upper: float, method: str) -> dict[str, Any]:
    """Return the area of constant histories that a certificate of [0, upper] covers."""
    began = time.process_time()
    certificate = certify(problem(name)[0], Constant("tau", 0.0, upper), method=method, budget=150)
    area = certificate.data["region"]["area"] or {}
    row = {
        "system": name,
        "delay": upper,
        "method": method,
        "rigor": certificate.rigor if certificate.status == "certified" else certificate.status,
        "area": round(area.get("certified", 0.0), 4),
        "ratio": round(area.get("ratio", 0.0), 3),
        "check": certificate.data["statistics"]["seconds"].get("check"),
        "seconds": round(time.process_time() - began, 1),
    }
    print(row, flush=True)
    return row


def main() -> None:
    """Run all and keep the result."""
    regions = [region(*case, method) for case in REGIONS for method in ("lmi", "sos")]
    rows = [margins(name) for name in SYSTEMS]
    result = {"machine": machine(), "regions": regions, "rows": rows}
    TARGET.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
