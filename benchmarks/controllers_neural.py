"""How far a neural functional takes the late pendulum on its wide domain, and how much of the region is certified.

Run: python benchmarks/controllers_neural.py [UPPER ..], then benchmarks/tables.py. Each UPPER is the longest delay of
one run of examples/controllers/pendulum_neural.toml; default .2 and .235. Seconds are of the processor, check included.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from certdde.learning.certify import certify
from certdde.systems.problem import load_problem

ROOT = Path(__file__).parents[1]
PROBLEM = ROOT / "examples" / "controllers" / "pendulum_neural.toml"
RESULT = Path(__file__).parent / "results" / "controllers_neural.json"
UPPER = (0.2, 0.235)


def measured(upper: float) -> dict[str, Any]:
    """Certify every constant delay up to ``upper``, check the file, and return a row."""
    problem = load_problem(PROBLEM, [f"delays.tau.range=[0.0, {upper}]"])
    box = [high for _, high in (problem.system.domain or {}).values()]
    began = time.process_time()
    certificate = certify(problem)
    row: dict[str, Any] = {"box": box, "upper": upper, "status": certificate.status}
    if certificate.status != "certified":
        return row | {"seconds": round(time.process_time() - began, 1)}
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        check = certificate.save(Path(folder) / "c.certdde").check()
        seconds = time.process_time() - start
    area = certificate.data["region"]["area"]
    return row | {
        "valid": check.valid,
        "boxes": certificate.data["statistics"]["boxes"]["leaves"],
        "seconds": round(time.process_time() - began, 1),
        "check": round(seconds, 2),
        "certified": round(area["certified"] / area["domain"], 4),
        "simulated": round(area["simulated"] / area["domain"], 4),
        "ratio": round(area["ratio"], 4),
    }


def main() -> None:
    """Write results/controllers_neural.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("upper", nargs="*", type=float, default=UPPER)
    torch.set_num_threads(1)
    rows = [measured(upper) for upper in parser.parse_args().upper]
    RESULT.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
