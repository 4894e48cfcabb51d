"""What the neural search did in one run: its rounds of training and proof, and the figure of docs/training.md.

Run: python benchmarks/training.py, then benchmarks/tables.py. With --draw only the figure is made again, from the kept
result. The problem, the range, the steps and the seed are below; each round is cut short, so that there are several.
Seconds are those of a busy machine.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from certdde.learning.krasovskii import by_functional
from certdde.learning.outcome import checked
from certdde.learning.rounds import bounded
from certdde.learning.task import Options, Task, make_task
from certdde.reports.style import LIGHT
from certdde.reports.training_figure import figure_of
from certdde.reports.training_log import rounds
from certdde.systems.problem import Problem, load_problem
from examples import machine

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "benchmarks" / "results" / "training.json"
FIGURE = ROOT / "docs" / "img" / "training.png"
PROBLEM = "examples/hutchinson.toml"
OVERRIDES = ["delays.tau.range=[0,1.07]", "certify.seed=0"]
STEPS, ROUNDS = 300, 8


def problem() -> Problem:
    """Return the problem of the run."""
    return load_problem(ROOT / PROBLEM, OVERRIDES)


def task() -> Task:
    """Return the task, with short rounds."""
    found = make_task(problem(), None, Options(method="neural", budget=1200.0), None, None)
    training = replace(found.settings.training, steps=STEPS)
    found.settings = replace(
        found.settings, training=training, later_steps=STEPS, rounds=ROUNDS, probe=2 * STEPS
    )
    return found


def run() -> dict[str, Any]:
    """Search, have what is found checked, and return what is kept."""
    began, searched = time.monotonic(), task()
    outcome = by_functional(searched)
    rigor = checked(outcome.certificate)[0].rigor if outcome.certificate else "no certificate"
    return {
        "machine": machine(),
        "problem": PROBLEM,
        "overrides": OVERRIDES,
        "steps": STEPS,
        "rounds": ROUNDS,
        "seed": searched.settings.seed,
        "rigor": rigor,
        "why": outcome.why,
        "cegis": bounded(searched.log),
        "seconds": round(time.monotonic() - began, 1),
    }


def draw(data: dict[str, Any]) -> None:
    """Draw the figure of the kept result; the image says of which."""
    figure = figure_of(problem().build(), rounds(data["cegis"]))
    if figure is None:
        raise SystemExit("the kept result has no training curve")
    metadata = {"Software": None, "Source": digest(data)}
    figure.draw(LIGHT).savefig(FIGURE, dpi=200, metadata=metadata)


def digest(data: dict[str, Any]) -> str:
    """Return the SHA-256 of a log."""
    return hashlib.sha256(json.dumps(data["cegis"], sort_keys=True).encode()).hexdigest()


def main() -> None:
    """Run unless told only to draw."""
    if "--draw" not in sys.argv[1:]:
        TARGET.write_text(json.dumps(run(), indent=1) + "\n")
    draw(json.loads(TARGET.read_text()))


if __name__ == "__main__":
    main()
