"""Measure what training minimises, and how it is constrained: the region, or E[V] by hinge, multipliers or a barrier.

    python benchmarks/objective.py [--json FILE]

One search a cell, on one thread, with the same network, steps, boxes and seed; no budget of time. E[V] is over delays
uniform on the range and histories of which a half varies, relative to the level that was proved. A cell that the
file already has is not done again.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from certdde.learning.cegis import Searched, search
from certdde.learning.find import certified_share
from certdde.learning.mean_objective import CONSTRAINTS, MeanObjective
from certdde.learning.task import Options, Task, make_task
from certdde.systems.problem import load_problem
from examples import machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "objective.json"
CASES = {"hutchinson": (0.0, 0.7), "pendulum": (0.0, 0.3), "van_der_pol": (0.0, 0.5)}
ROUNDS, BOXES, HOURS = 3, 300_000, 10.0
DRAWS = 64


def run(name: str, objective: str) -> dict[str, Any]:
    """Search once."""
    low, high = CASES[name]
    problem = load_problem(ROOT / "examples" / f"{name}.toml", [f"delays.tau.range=[{low},{high}]"])
    task = make_task(problem, None, Options(budget=3600 * HOURS), None, None)
    mean = None if objective == "region" else MeanObjective(constraint=objective)
    training = replace(task.settings.training, mean=mean)
    settings = replace(task.settings, training=training, moments=0, rounds=ROUNDS, max_boxes=BOXES)
    began = time.process_time()
    found = search(task.system, low, high, settings)
    seconds = time.process_time() - began
    return {"case": name, "objective": objective, "seconds": round(seconds, 1), **told(task, found)}


def told(task: Task, found: Searched | None) -> dict[str, Any]:
    """Return what a search came to."""
    if found is None:
        return {"status": "no start"}
    last = found.log[-1]
    part = found.finished.part
    row: dict[str, Any] = {"rounds": len(found.log), "worst": last.worst, "boxes": last.boxes}
    if part is None:
        return {"status": last.answer, **row}
    share, mean = certified_share(task.system, [part]), relative_mean(task, part)
    return {"status": "Proved", **row, "share": share, "mean": round(mean, 4)}


def relative_mean(task: Task, part: Any) -> float:
    """Return E[V] over the level."""
    objective, generator = MeanObjective(), torch.Generator().manual_seed(1)
    range_ = (task.delay.lower, task.delay.upper)
    values = [objective.mean(part.functional, task.system, range_, generator) for _ in range(DRAWS)]
    return float(torch.stack(values).mean()) / part.level


def main() -> None:
    """Go through the cells; write after each of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, default=RESULTS)
    target = parser.parse_args().json
    torch.set_num_threads(1)
    rows = json.loads(target.read_text(encoding="utf-8"))["rows"] if target.exists() else []
    for name in CASES:
        for objective in ("region", *CONSTRAINTS):
            if any((r["case"], r["objective"]) == (name, objective) for r in rows):
                continue
            rows.append(run(name, objective))
            data = {"machine": machine(), "rounds": ROUNDS, "boxes": BOXES, "cases": CASES}
            target.write_text(json.dumps({**data, "rows": rows}, indent=1) + "\n", encoding="utf-8")
            print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
