"""Run learned schemes at delays beyond those they were trained on, and certify them.

    python benchmarks/learned_schemes.py [--tasks ..] [--modes ..] [--seeds N] [--json FILE]

Each cell (task, mode, seed) trains a scheme x[t+1] = x[t] - F_tau(x[t - tau]) on delays of 1 to 3 steps of .1, runs it
at 1 to 5 times 3 steps, and certifies its numbers, delay after delay. The modes with "one F" have an F that does not
read tau; for these the longest range of freely varying delays is certified too. A cell that the file has is not done
again.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from certdde import Certificate, Constant, Measurable, certify
from certdde.models.schemes import (
    MODES,
    DelayTable,
    FixedScheme,
    ModeSettings,
    SchemeTask,
    damped_linear,
    logistic,
    score,
    train_mode,
)
from examples import machine

RESULTS = Path(__file__).resolve().parent / "results" / "learned_schemes.json"
STEP, NEAR, HORIZON, LONG, COUNT = 0.1, 0.05, 30, 2000, 32
TASKS = {
    "linear": damped_linear(STEP),
    "damped": damped_linear(STEP, 0.7),
    "logistic": logistic(STEP),
}
ONE = "one F, "
ALL_MODES = (*MODES, f"{ONE}plain", f"{ONE}bounded")
SETTINGS = ModeSettings()


def cell(name: str, mode: str, seed: int) -> dict[str, Any]:
    """Train, score and certify one scheme."""
    task, one = TASKS[name], mode.startswith(ONE)
    settings = replace(SETTINGS, reads_delay=not one)
    began = time.process_time()
    table = train_mode(task, mode.removeprefix(ONE), settings, seed)
    trained = time.process_time() - began
    source = torch.Generator().manual_seed(1000 + seed)
    tried = range(settings.seen, settings.tried + 1, settings.seen)
    scores = [score(table, task, d, source, horizon=HORIZON, long=LONG, count=COUNT) for d in tried]
    row = {
        "task": name,
        "mode": mode,
        "seed": seed,
        "errors": [s.error for s in scores],
        "unsettled": [s.unsettled for s in scores],
        **certified(table, task),
    }
    if one:
        row["free"] = freely(table.schemes[settings.wanted], task)
    return row | {"training": trained, "seconds": time.process_time() - began}


def certified(table: DelayTable, task: SchemeTask) -> dict[str, int]:
    """Return up to which delay each one is certified on the domain, and up to which on a part near 0 at least."""
    reached = {}
    low, high = task.domain
    last = 0
    for name, domain in (("certified", (low, high)), ("near", (NEAR * low, NEAR * high))):
        while last < SETTINGS.tried and proved(
            table.schemes[last + 1], domain, Constant("tau", last + 1, last + 1), "theorem", "lmi"
        ):
            last += 1
        reached[name] = last
    return reached


def freely(scheme: FixedScheme, task: SchemeTask) -> int:
    """Return the longest range 0 .. h of delays that may change at every step."""
    h = 0
    while h < SETTINGS.tried and proved(
        scheme, task.domain, Measurable("tau", 0, h + 1), "theorem"
    ):
        h += 1
    return h


def proved(
    scheme: FixedScheme, domain: tuple[float, float], delay: Constant | Measurable, *methods: str
) -> Certificate | None:
    """Return the first certificate that the checker accepts."""
    system = scheme.system([domain])
    for method in methods:
        found = certify(system, delay, method=method, budget=20)
        if found.rigor == "rigorous":
            return found
    return None


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--modes", nargs="+", choices=ALL_MODES, default=list(ALL_MODES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=RESULTS)
    return parser.parse_args()


def main() -> None:
    """Go through the cells; write after each of them."""
    options = parsed()
    torch.set_num_threads(1)
    settings = {name: getattr(SETTINGS, name) for name in ("seen", "wanted", "tried", "steps")}
    settings |= {"horizon": HORIZON, "long": LONG, "count": COUNT, "step": STEP, "near": NEAR}
    data: dict[str, Any] = {"settings": settings, "rows": []}
    if options.json.exists():
        before = json.loads(options.json.read_text(encoding="utf-8"))
        data = before if before["settings"] == settings else data
    data["machine"] = machine()
    done = {(r["task"], r["mode"], r["seed"]) for r in data["rows"]}
    for seed in range(options.seeds):
        for name in options.tasks:
            for mode in options.modes:
                if (name, mode, seed) in done:
                    continue
                row = cell(name, mode, seed)
                data["rows"].append(row)
                options.json.parent.mkdir(parents=True, exist_ok=True)
                options.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
