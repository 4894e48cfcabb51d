"""Measure how learnt delay equations predict, beside other models with as many parameters, in the same time.

    python benchmarks/learned.py [--tasks ..] [--models ..] [--seeds N] [--share S] [--parameters N] [--json FILE]

Each cell (task, model) is fitted with the same data, number of parameters, processor time (SECONDS, times S) and
seeds, in single precision on one thread; the mean and the deviation over the seeds are kept. The number of epochs is
the time over that of a few epochs beforehand. A cell that the file already has is not done again.
torchdiffeq and torchdde are optional (pip install 'certdde[peers]'); their rows say so if they are missing.
"""

import argparse
import importlib.metadata
import json
import math
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from learned_models import MODELS, Setting, parameters, sized
from torch import nn

from certdde.models.data import TASKS, TaskData
from certdde.models.fit import FitSettings, error, fit
from certdde.solvers import BlowUpWarning
from examples import machine

RESULTS = Path(__file__).resolve().parent / "results" / "learned.json"
# The step of RK4, for every model that takes steps.
STEPS = {
    "reflection": 0.1,
    "annuli": 0.1,
    "spiral": 0.1,
    "population": 0.1,
    "mackey_glass": 0.1,
    "varying_delay": 0.1,
    "laplace_spiral": 0.1,
    "laplace_lotka_volterra": 0.14,
}
# Processor time of a fit.
SECONDS = {
    "reflection": 15,
    "annuli": 15,
    "spiral": 20,
    "population": 20,
    "mackey_glass": 20,
    "varying_delay": 20,
    "laplace_spiral": 20,
    "laplace_lotka_volterra": 20,
}
PROBE = 3
PEERS = ("torchdiffeq", "torchdde")


def run(task: TaskData, name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Fit one model once."""
    setting = Setting.of(task, STEPS[task.name])

    def fitted(epochs: int) -> tuple[nn.Module, float]:
        model = sized(MODELS[name], setting, options.parameters, seed)
        settings = FitSettings(
            epochs=epochs,
            batch=options.batch,
            rate=options.rate,
            delay_rate=options.delay_rate,
            decay=0.1,
        )
        began = time.process_time()
        fit(model, task, settings, torch.Generator().manual_seed(seed))
        return model, (time.process_time() - began) / epochs

    _, probed = fitted(PROBE)
    epochs = max(PROBE, round(options.share * SECONDS[task.name] / probed))
    model, seconds = fitted(epochs)
    delays = getattr(model, "delays", None)
    return {
        "parameters": parameters(model),
        "test": error(model, task.test),
        **{key: error(model, part) for key, part in task.extrapolation.items()},
        "seconds an epoch": seconds,
        "epochs": epochs,
        "delays": list(delays.values()) if delays is not None else [],
    }


def cell(task: TaskData, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the means and deviations over the seeds, or why there are none."""
    row: dict[str, Any] = {"task": task.name, "model": name, "seeds": options.seeds}
    try:
        runs = [run(task, name, seed, options) for seed in range(options.seeds)]
    except ModuleNotFoundError as missing:
        return row | {"missing": f"{missing.name}: not installed"}
    row["parameters"] = runs[0]["parameters"]
    for key in ("test", *task.extrapolation, "seconds an epoch", "epochs"):
        values = [one[key] for one in runs]
        finite = [v for v in values if math.isfinite(v)]
        row[key] = {
            "mean": statistics.fmean(finite) if finite else None,
            "deviation": statistics.stdev(finite) if len(finite) > 1 else None,
            "diverged": len(values) - len(finite),
        }
    row["delays"] = [one["delays"] for one in runs]
    return row


def shown(row: dict[str, Any]) -> str:
    """Return a row as a line of text."""
    head = f"{row['task']:>22}  {row['model']:<24}"
    if "missing" in row:
        return f"{head} {row['missing']}"
    test, seconds = row["test"], row["seconds an epoch"]["mean"]
    if test["mean"] is None:
        return f"{head} diverged"
    spread = "" if test["deviation"] is None else f" +- {test['deviation']:.1e}"
    count = row["parameters"]
    return (
        f"{head} test MSE {test['mean']:.3e}{spread}, {seconds:.3f} s an epoch, {count} parameters"
    )


def versions() -> dict[str, str]:
    """Return what is installed."""
    found = {}
    for name in ("torch", *PEERS):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", nargs="+", choices=sorted(STEPS), default=list(STEPS))
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the processor time")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1e-2)
    parser.add_argument("--delay-rate", type=float, default=5e-2, help="of the delays")
    parser.add_argument("--parameters", type=int, default=5000)
    parser.add_argument("--json", type=Path, default=RESULTS)
    return parser.parse_args()


def main() -> None:
    """Go through the cells; write after each of them."""
    options = parsed()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", BlowUpWarning)  # counted as diverged
    kept = ("seeds", "share", "batch", "rate", "delay_rate", "parameters")
    settings = {key: getattr(options, key) for key in kept}
    data: dict[str, Any] = {"settings": settings, "rows": []}
    if options.json.exists():
        before = json.loads(options.json.read_text(encoding="utf-8"))
        if before["settings"] == settings:
            data = before
    data |= {"machine": machine(), "versions": versions()}
    done = {(r["task"], r["model"]) for r in data["rows"] if "missing" not in r}
    for name in options.tasks:
        task = TASKS[name](0).to(dtype=torch.float32)
        for model in options.models:
            if (name, model) in done:
                continue
            row = cell(task, model, options)
            rows = [r for r in data["rows"] if (r["task"], r["model"]) != (name, model)]
            data["rows"] = [*rows, row]
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
            print(shown(row), flush=True)


if __name__ == "__main__":
    main()
