"""What is certified on the examples, by method: the table of the README.

Run: python benchmarks/examples.py, then benchmarks/tables.py, which fills the README and the docs.
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path

import numpy as np

from certdde.learning.certify import certify
from certdde.studies.margin import margin
from certdde.systems.problem import Problem, load_problem
from certdde.verify.spectral import spectral_abscissa

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = {"hutchinson": 1.65, "logistic": 1.65, "pendulum": 0.65}
BUDGET = 90.0


def local_margin(problem: Problem, stop: float) -> float:
    """Return the delay at which the linearisation first loses stability (float64)."""
    present, delayed = (m.numpy() for m in problem.build().jacobians())
    delays = np.linspace(0, stop, 400)
    unstable = next(t for t in delays if spectral_abscissa(present, delayed, t) > 0)
    low, high = unstable - delays[1], unstable
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (
            (low, middle) if spectral_abscissa(present, delayed, middle) > 0 else (middle, high)
        )
    return float(low)


def row(name: str, stop: float) -> dict:
    """Measure one example."""
    problem = load_problem(ROOT / "examples" / f"{name}.toml")
    result = {"problem": name, "local_margin": local_margin(problem, stop)}
    for method, order in (("lmi", 1), ("quadratic", 1), ("neural", 2)):
        found = margin(problem, method=method, order=order, stop=stop, budget=BUDGET)
        result |= {method: found.delay_margin, f"{method}_seconds": found.seconds}
        print(name, method, found.delay_margin, found.seconds, flush=True)
    began = time.perf_counter()
    certificate = certify(problem)
    data = certificate.data
    result |= {
        "range": data["delay"]["range"],
        "rigor": certificate.rigor,
        "boxes": data["statistics"]["boxes"]["leaves"],
        "ratio": data["region"]["area"]["ratio"],
        "quadratic_area": next(
            (r["area"] for r in data["statistics"]["baselines"] if r["method"] == "quadratic"), None
        ),
        "area": data["region"]["area"]["certified"] / data["region"]["area"]["domain"],
        "seconds": time.perf_counter() - began,
        "check_seconds": data["statistics"]["seconds"]["check"],
    }
    return result


def main() -> None:
    """Run all and keep the result."""
    rows = [row(name, stop) for name, stop in EXAMPLES.items()]
    target = ROOT / "benchmarks" / "results" / "examples.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")


def machine() -> str:
    """Name the machine."""
    models = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{len(models)} cores, {models[0] if models else platform.processor()}, no GPU"


if __name__ == "__main__":
    main()
