"""Measure neural flows beside the ordinary equation that they replace, on the six tasks of Bilos et al. 2021.

    python benchmarks/flows.py [--tasks ..] [--models ..] [--seeds K ..] [--seconds S] [--json FILE]
    python benchmarks/flows.py --only speed|delayed [--tasks ..] [--json FILE]

1,000 sequences of 100 irregular times in [0, 10], split 60/20/20; Adam, minibatches of 50 sequences, weight decay 1e-5,
clipping at 1, single precision, one thread. Every fit of a flow gets the same processor time, every fit of the
ordinary equation five times as much: the epochs are what fits into it, the rate falls from 3e-3 to 3e-4 over them, and
the weights of the best validation error are kept. Seconds an epoch are measured apart, all models of a task in turn.

A cell (task, model, seed) that the file already has is not done again; several processes may fill one file.
torchdiffeq is optional (pip install 'certdde[peers]').
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from flows_delayed import delayed
from flows_models import AUTONOMOUS, BASELINES, FLOWS, FORMS, MODELS, Maker, parameters
from learned import versions
from torch import nn

from certdde.models.adam import Adam, Group
from certdde.models.data import TaskData
from certdde.models.data.sequences import SEQUENCES, sequences
from certdde.models.fit import FitSettings, error, fit
from examples import machine

RESULTS = Path(__file__).resolve().parent / "results" / "flows.json"
BATCH, RATE, DECAY, WEIGHT_DECAY, CLIP = 50, 3e-3, 0.1, 1e-5, 1.0
MORE = 5  # times the flows' processor time, for the ordinary equation
ROUNDS = 5


def stepping(make: Maker, task: TaskData) -> Callable[[int], float]:
    """Return a function that trains on a minibatch and returns its processor time."""
    model = make(task.dimension, torch.Generator().manual_seed(0))
    adam = Adam([Group(tuple(model.parameters()), RATE, WEIGHT_DECAY)])

    def step(first: int) -> float:
        began = time.process_time()
        part = task.train.select(torch.arange(first, min(first + BATCH, len(task.train))))
        model.zero_grad()
        (model.predict(part) - part.states).square().mean().backward()  # type: ignore[operator]
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        adam.step()
        return time.process_time() - began

    return step


def seconds_an_epoch(makers: dict[str, Maker], task: TaskData, rounds: int) -> dict[str, float]:
    """Return the least processor time of a minibatch, the models in turn, times the minibatches of an epoch."""
    steps = {name: stepping(make, task) for name, make in makers.items()}
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for k in range(rounds + 1):
        for name, step in steps.items():
            seconds = step(BATCH * k % len(task.train))
            taken[name] += [seconds] if k else []  # the first one warms up
    batches = -(-len(task.train) // BATCH)
    return {name: batches * min(values) for name, values in taken.items()}


def speed(task: TaskData, rounds: int) -> dict[str, Any]:
    """Return each model's seconds an epoch."""
    makers, missing = {k: MODELS[k] for k in ("neural ODE", *FLOWS)}, []
    for name, make in FORMS.items():
        try:
            make(task.dimension, torch.Generator().manual_seed(0))
            makers[name] = make
        except ModuleNotFoundError as lacking:
            missing.append(f"{name}: {lacking.name} is not installed")
    found = seconds_an_epoch(makers, task, rounds)
    return {"task": task.name, "seconds": found, "missing": missing}


def run(task: TaskData, name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Fit one model once, for as many epochs as its processor time allows."""
    budget = options.seconds * (MORE if name in BASELINES else 1)
    (pace,) = seconds_an_epoch({name: MODELS[name]}, task, 2).values()
    epochs = max(1, min(1000, round(budget / pace)))
    model = MODELS[name](task.dimension, torch.Generator().manual_seed(seed))
    settings = FitSettings(
        epochs=epochs, batch=BATCH, rate=RATE, decay=DECAY, weight_decay=WEIGHT_DECAY, clip=CLIP
    )
    began = time.process_time()
    result = fit(model, task, settings, torch.Generator().manual_seed(seed))
    return {
        "task": task.name,
        "model": name,
        "seed": seed,
        "parameters": parameters(model),
        "epochs": epochs,
        "best": result.best,
        "seconds": time.process_time() - began,
        "test": error(model, task.test, BATCH),
        **{key: error(model, part, BATCH) for key, part in task.extrapolation.items()},
    }


def kept(file: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the file has, if it was measured with the same settings."""
    if file.exists():
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if data["settings"] == settings:
            return data
    return {"settings": settings, "rows": [], "speed": [], "delayed": None}


def put(file: Path, settings: dict[str, Any], key: str, value: dict[str, Any]) -> None:
    """Read the file again, add a row (or the one cell of that name), and replace it."""
    data = kept(file, settings) | {"machine": machine(), "versions": versions()}
    data[key] = [*data[key], value] if isinstance(data[key], list) else value
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    beside.replace(file)


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", nargs="+", choices=list(SEQUENCES), default=list(SEQUENCES))
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each fit of a flow")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--only", choices=["errors", "speed", "delayed"])
    parser.add_argument("--json", type=Path, default=RESULTS)
    return parser.parse_args()


def main() -> None:
    """Go through the cells; write after each of them."""
    options = parsed()
    torch.set_num_threads(1)
    settings = {"seconds": options.seconds, "samples": options.samples}
    file, wanted = options.json, [options.only] if options.only else ["errors", "speed", "delayed"]

    def done(key: str, **place: Any) -> bool:
        rows = kept(file, settings)[key]
        return any(all(row[k] == v for k, v in place.items()) for row in rows)

    for seed in options.seeds if "errors" in wanted else []:
        for name in options.tasks:
            task = sequences(name, samples=options.samples).to(dtype=torch.float32)
            for model in options.models:
                foreign = model == "neural ODE without t" and name not in AUTONOMOUS
                if foreign or done("rows", task=name, model=model, seed=seed):
                    continue
                row = run(task, model, seed, options)
                put(file, settings, "rows", row)
                print(f"{name:>9} {model:<14} seed {seed}: test MSE {row['test']:.3e}", flush=True)
    for name in options.tasks if "speed" in wanted else []:
        if not done("speed", task=name):
            task = sequences(name, samples=options.samples).to(dtype=torch.float32)
            put(file, settings, "speed", speed(task, ROUNDS))
            print(f"{name:>9} seconds an epoch measured", flush=True)
    if "delayed" in wanted and kept(file, settings)["delayed"] is None:
        put(file, settings, "delayed", delayed(options.seconds))


if __name__ == "__main__":
    main()
