"""What joint training of a controller and a functional adds: examples/synthesis_pendulum.toml, from several starts.

Run: python benchmarks/synthesis.py [ROW ..], then benchmarks/tables.py. Rows that results/synthesis.json has are kept,
except for those that are named. A row without training is the network that imitates the gains, and the best quadratic
functional for it. A certificate is one that the checker has accepted.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from certdde.delays.classes import Constant
from certdde.learning.certify import certify
from certdde.learning.synthesis import synthesise
from certdde.systems.controller_problem import load_controller_problem
from certdde.systems.problem import load_problem
from examples import machine

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "benchmarks" / "results" / "synthesis.json"
PROBLEM = ROOT / "examples" / "synthesis_pendulum.toml"
IMITATOR = ROOT / "examples" / "controllers" / "pendulum.toml"
BUDGET = "learn.budget=3000"  # a time on the wall, of a machine that is busy
NAMED = "examples/controllers/pendulum.onnx"

# The start, the delay, rounds of training, other settings.
ROWS: dict[str, tuple[str, float, int, tuple[str, ...]]] = {
    "lqr .28": ("lqr", 0.28, 0, ()),
    "predictor .28": ("predictor", 0.28, 0, ()),
    "tuned .28": ("tuned", 0.28, 0, ()),
    "joint .28": ("tuned", 0.28, 3, ()),
    "tuned .33": ("tuned", 0.33, 0, ()),
    "joint .33": ("tuned", 0.33, 3, ()),
    "tuned .36": ("tuned", 0.36, 0, ("certify.order=3",)),
    "joint .36": ("tuned", 0.36, 4, ("certify.order=3",)),
    "longest": (
        "tuned",
        0.28,
        4,
        ("certify.order=3", "learn.objective=delay", "learn.region={theta=[-0.1,0.1]}"),
    ),
}


def imitator() -> dict[str, Any]:
    """Certify the controller that was made without regard to the delay, for the delay .28."""
    began = time.process_time()
    delay = Constant("tau", 0.28, 0.28)
    found = certify(load_problem(IMITATOR), delay, method="quadratic", order=2, budget=600)
    return {
        "start": NAMED,
        "delay": 0.28,
        "rounds": 0,
        "order": 2,
        "status": found.status,
        "seconds": round(time.process_time() - began, 1),
    }


def measured(name: str) -> dict[str, Any]:
    """Run one row."""
    start, delay, rounds, others = ROWS[name]
    settings = [f"learn.start={start}", f"delays.tau.range=[{delay}, {delay}]"]
    settings += [f"learn.rounds={rounds}", BUDGET, *others]
    problem = load_controller_problem(PROBLEM, settings)
    began = time.process_time()
    result = synthesise(problem)
    row: dict[str, Any] = {
        "start": start,
        "delay": delay,
        "rounds": rounds,
        "objective": problem.learn.objective,
        "order": problem.certify.order,
        "gains": [round(g, 3) for g in result.gains.ravel().tolist()],
        "status": "unknown",
        "why": result.why,
        "seconds": round(time.process_time() - began, 1),
    }
    if result.certificate and result.delay:
        statistics, area = (
            result.certificate.data["statistics"],
            result.certificate.data["region"]["area"],
        )
        row |= {
            "status": result.certificate.rigor,
            "delay": result.delay.upper,
            "boxes": statistics["boxes"]["leaves"],
            "share": result.share,
            "ratio": area["ratio"] if area else None,
            "check": statistics["seconds"]["check"],
        }
    return row


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", choices=["imitator", *ROWS, []])
    asked = parser.parse_args().rows
    rows: dict[str, Any] = json.loads(TARGET.read_text())["rows"] if TARGET.exists() else {}
    for name in ("imitator", *ROWS):
        if name in rows and name not in asked:
            continue
        rows[name] = imitator() if name == "imitator" else measured(name)
        print(name, rows[name], flush=True)
        TARGET.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
