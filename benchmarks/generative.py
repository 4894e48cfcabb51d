"""Measure what a delay does to a generator in the plane: x' = f(t, x(t), x(t - tau)), trained by flow matching.

    python benchmarks/generative.py [--tasks ..] [--taus ..] [--seeds N] [--steps N] [--json FILE] [--figure FILE]

Laws (moons, rings, checkerboard) with each coupling of start, history and end: the energy distance and the squared
MMD of 2,048 generated points to as many fresh ones, with 20 steps of RK4 and with one step of Euler; beside them a
mixture of normal laws, one for each code. Maps whose lines
cross (half_turn, exchange): the distance from the point that was asked for. All networks have the same parameters: with
tau = 0 the delayed state is the present one, and the equation ordinary. Single precision, one thread. A cell (task,
coupling, delay, seed) that the file already has is not done again; of seed 0 some points and paths are kept in
out/generative for the figure, which is drawn from what is there.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from torch import Tensor

from certdde.models.data.plane import CROSSING, PLANE
from certdde.models.generative import (
    Coded,
    Coupling,
    GenerativeTraining,
    Independent,
    Origin,
    Pairs,
    Transported,
    energy_distance,
    generate,
    match,
    squared_mmd,
)
from certdde.models.neural_dde import NeuralDDE, SolverSettings
from examples import machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "generative.json"
KEPT = ROOT / "out" / "generative"
ITSELF, NORMALS = "the law itself", "normals"
COUPLINGS = ("independent", "transported", "coded")
POINTS, FRESH, CODES, WIDTH = 8192, 2048, 32, 64
FINE, ONE = SolverSettings("rk4", 0.05), SolverSettings("euler", 1.0)
Cell = tuple[str, str, float, int]


def trained(pairs: Pairs, tau: float, seed: int, steps: int) -> NeuralDDE:
    """Return a model that has been matched to the pairs."""
    source = torch.Generator().manual_seed(seed)
    model = NeuralDDE.of(
        2, [tau], [WIDTH, WIDTH], source, learnable=False, time=True, activation="silu"
    )
    match(model, pairs, GenerativeTraining(steps=steps), source)
    return model


def paths(model: NeuralDDE, origin: Origin, settings: SolverSettings, count: int = 2) -> Tensor:
    """Return states at even times in [0, 1], (count, n, 2)."""
    model.settings = settings
    return generate(model, origin, torch.linspace(0.0, 1.0, count))


def coupling_of(name: str, end: Tensor, source: torch.Generator) -> Coupling:
    """Make a coupling."""
    if name == "coded":
        return Coded.of(end, CODES, source)
    return Independent() if name == "independent" else Transported()


def law(cell: Cell, steps: int) -> dict[str, Any]:
    """Train a generator of a law, and measure what it generates."""
    task, name, tau, seed = cell
    source = torch.Generator().manual_seed(1000 + seed)
    end, fresh = (PLANE[task](n, source).float() for n in (POINTS, FRESH))
    coupling = coupling_of(name, end, source)
    model = trained(coupling.pairs(end, source), tau, seed, steps)
    origin = coupling.origins(fresh, source)
    fine, one = paths(model, origin, FINE)[-1], paths(model, origin, ONE)[-1]
    if seed == 0:
        keep(cell, fine)
    return {
        "energy": float(energy_distance(fine, fresh)),
        "mmd": float(squared_mmd(fine, fresh)),
        "energy in one step": float(energy_distance(one, fresh)),
    }


def crossing(cell: Cell, steps: int) -> dict[str, Any]:
    """Train a map, and measure how far from the right points it ends."""
    task, _, tau, seed = cell
    source = torch.Generator().manual_seed(1000 + seed)
    (start, end), (new, right) = (
        [part.float() for part in CROSSING[task](n, source)] for n in (POINTS, FRESH)
    )
    model = trained(Pairs(Origin(start, start), end), tau, seed, steps)
    states = paths(model, Origin(new, new), FINE, 41)
    if seed == 0:
        keep(cell, states)
    return {
        "error": float((states[-1] - right).square().sum(-1).mean().sqrt()),
        "energy": float(energy_distance(states[-1], right)),
    }


def reference(cell: Cell, _steps: int) -> dict[str, Any]:
    """Return the distances of what needs no network: the law itself, or a normal law for each code."""
    task, name, _, seed = cell
    source = torch.Generator().manual_seed(1000 + seed)
    end, fresh = (PLANE[task](n, source).float() for n in (POINTS, FRESH))
    other = PLANE[task](FRESH, source).float() if name == ITSELF else normals(end, source)
    return {
        "energy": float(energy_distance(other, fresh)),
        "mmd": float(squared_mmd(other, fresh)),
    }


def normals(end: Tensor, source: torch.Generator) -> Tensor:
    """Draw from a mixture of normal laws with the mean and the covariance of the ends of each code."""
    coded = Coded.of(end, CODES, source)
    pairs = coded.pairs(end, source)
    found = coded.origins(end[:FRESH], source)
    drawn = torch.empty_like(found.start)
    for point in coded.points:
        inner = (pairs.end - point)[(pairs.origin.past == point).all(1)]
        here = (found.past == point).all(1)
        values, vectors = torch.linalg.eigh(inner.T @ inner / max(len(inner), 1))
        drawn[here] = point + found.start[here] * values.clamp_min(0).sqrt() @ vectors.T
    return drawn


def keep(cell: Cell, states: Tensor) -> None:
    """Keep some points, or paths, for the figure."""
    task, name, tau, _ = cell
    KEPT.mkdir(parents=True, exist_ok=True)
    np.save(KEPT / f"{task}_{name}_{tau:g}.npy", states.numpy())


def measured(cell: Cell, steps: int) -> dict[str, Any]:
    """Return the row of a cell."""
    began = time.process_time()
    learnt = crossing if cell[0] in CROSSING else law
    row = (reference if cell[1] in (ITSELF, NORMALS) else learnt)(cell, steps)
    seconds = time.process_time() - began
    head = dict(zip(("task", "coupling", "tau", "seed"), cell, strict=True))
    return head | row | {"seconds": round(seconds, 2)}


def cells(options: argparse.Namespace) -> Iterator[Cell]:
    """Return the cells, one seed after the other."""
    for seed in range(options.seeds):
        for task in options.tasks:
            if task in CROSSING:
                yield from ((task, "given", tau, seed) for tau in options.taus)
            else:
                yield from ((task, name, 0.0, seed) for name in (ITSELF, NORMALS))
                yield from ((task, name, tau, seed) for name in COUPLINGS for tau in options.taus)


def draw(file: Path) -> None:
    """Draw generated points, and paths that cross, as far as they are kept."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = [("transported", 0.0), ("transported", 1.0), ("independent", 1.0), ("coded", 1.0)]
    grid = [(task, *one) for task in PLANE for one in shown]
    grid += [(task, "given", tau) for task in CROSSING for tau in (0.0, 0.5)]
    figure, axes = plt.subplots(len(grid) // 4, 4, figsize=(10, 10.4), layout="constrained")
    for (task, name, tau), axis in zip(grid, axes.flat, strict=True):
        kept = KEPT / f"{task}_{name}_{tau:g}.npy"
        axis.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3), xticks=[], yticks=[])
        axis.set_title(f"{task.replace('_', ' ')}, {name}, τ = {tau:g}", fontsize=9)
        states = np.load(kept) if kept.exists() else np.empty((0, 2))
        if name == "given" and kept.exists():
            lines(axis, states)
        else:
            axis.scatter(*states.T, s=1.5, lw=0, color="C0")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=90)
    plt.close(figure)


def lines(axis: Any, states: np.ndarray) -> None:
    """Draw some paths, with the colour of where they begin."""
    some = states[:, :60]
    for path in some.swapaxes(0, 1):
        colour = "C0" if path[0, 0] < 0 else "C1"
        axis.plot(*path.T, color=colour, lw=0.6)
        axis.plot(*path[-1], ".", color=colour, ms=4)


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    tasks = [*CROSSING, *PLANE]
    parser.add_argument("--tasks", nargs="*", choices=tasks, default=tasks)
    parser.add_argument("--taus", nargs="+", type=float, default=[0.0, 0.25, 0.5, 1.0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--figure", type=Path)
    return parser.parse_args()


def main() -> None:
    """Go through the cells; write after each of them."""
    options = parsed()
    torch.set_num_threads(1)
    data: dict[str, Any] = {"settings": {"steps": options.steps}, "rows": []}
    if options.json.exists():
        before = json.loads(options.json.read_text(encoding="utf-8"))
        if before["settings"] == data["settings"]:
            data = before
    data["machine"] = machine()
    done = {(r["task"], r["coupling"], r["tau"], r["seed"]) for r in data["rows"]}
    for cell in cells(options):
        if cell in done:
            continue
        row = measured(cell, options.steps)
        data["rows"].append(row)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        print(*row.values(), flush=True)
    if options.figure:
        draw(options.figure)


if __name__ == "__main__":
    main()
