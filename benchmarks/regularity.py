"""What the regularity of a delay does to stability: the tables and figures of docs/regularity.md.

Run: python benchmarks/regularity.py [quenching|perturbations|margins ..] With names only
these parts are found anew; an interrupted study goes on where it was. With --draw only the figures and the tables
of the page are made again.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas
from regularity_tables import main as fill

from certdde.reports.regularity_figure import margins as drawn_margins
from certdde.reports.style import LIGHT, canvas, dress, legend
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.perturbations import Perturbed
from certdde.studies.regularity.quenching import Switching
from certdde.studies.regularity.study import Study
from certdde.systems.problem import load_problem
from examples import machine

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "benchmarks" / "results" / "regularity.json"
IMAGES = ROOT / "docs" / "img"
KEPT = ROOT / "out" / "regularity"

RATES, STARTS, BUDGET = (0.5, 2.0), 48, 900.0
SYSTEMS = {  # problem file, and the longest delay tried
    "SC": ("examples/linear/scalar_measurable.toml", 2.5),
    "KIM": ("examples/linear/kim.toml", 16.0),
    "KR": ("examples/linear/kr.toml", 8.0),
}
MEAN, HALF = 1.8, 1.0
FREQUENCIES = np.geomspace(0.3, 40.0, 361)
SIZES = (0.01, 0.02, 0.05, 0.1, 0.2)
RANDOM = 200
CONSTANT = {"SC": 1.5, "KIM": 2.0}


def margins(kept: dict[str, Any]) -> dict[str, Any]:
    """Study each system; answers of an interrupted run are not looked for again."""
    for name, (file, stop) in SYSTEMS.items():
        KEPT.mkdir(parents=True, exist_ok=True)
        problem = load_problem(ROOT / file, [f'name="{name}"'])
        study = Study(
            problem,
            stop,
            rates=RATES,
            starts=STARTS,
            budget=BUDGET,
            kept=KEPT / f"{name}.json",
            progress=_say,
        )
        kept[name] = study.run()
    return kept


def _say(phase: str, info: Any) -> None:
    if phase == "study":
        print(info["part"], flush=True)


def quenching(_kept: dict[str, Any]) -> dict[str, Any]:
    """Switch the delay of x' = -x(t - tau(t)) between two values at many frequencies."""
    matrices = Matrices(np.zeros((1, 1)), -np.eye(1))
    delay = Switching(MEAN, HALF)
    ends = [MEAN - HALF, MEAN, MEAN + HALF]
    return {
        "mean": MEAN,
        "half": HALF,
        "constant": [matrices.abscissa(one) for one in ends],
        "average": delay.average(matrices),
        "frequencies": FREQUENCIES.tolist(),
        "exponents": delay.exponents(matrices, FREQUENCIES).tolist(),
    }


def perturbations(_kept: dict[str, Any]) -> dict[str, Any]:
    """Perturb a constant delay by gradient ascent, and at random."""
    found: dict[str, Any] = {}
    for name, delay in CONSTANT.items():
        matrices = Matrices.of(load_problem(ROOT / SYSTEMS[name][0]).build())
        rows = []
        for size in SIZES:
            task = Perturbed(matrices, delay, size)
            worst, exponent = task.worst(np.random.default_rng(0))
            others = [task.exponent(p) for p in task.drawn(RANDOM, np.random.default_rng(1))]
            summary = {"mean": float(np.mean(others)), "largest": max(others), "least": min(others)}
            rows.append({"size": size, "worst": exponent, "period": worst.period, **summary})
            print(name, rows[-1], flush=True)
        found[name] = {"delay": delay, "constant": matrices.abscissa(delay), "rows": rows}
    return found


def draw(data: dict[str, Any]) -> None:
    """Draw the figures of the kept results; each image says of which."""
    for name, study in data.get("margins", {}).items():
        _save(drawn_margins(study, LIGHT), f"regularity-{name.lower()}", study)
    if "quenching" in data:
        _save(_quenching(data["quenching"]), "regularity-quenching", data["quenching"])
    if "perturbations" in data:
        _save(
            _perturbations(data["perturbations"]), "regularity-perturbations", data["perturbations"]
        )


def _quenching(part: dict[str, Any]) -> Canvas:
    figure = canvas(LIGHT, 6.4, 3.2)
    axes = figure.subplots()
    [line] = axes.plot(
        part["frequencies"], part["exponents"], color=LIGHT.blue, lw=1.4, label="switching delay"
    )
    lines = [line]
    for value, colour, name in (
        (part["constant"][1], LIGHT.red, "constant, the mean"),
        (part["average"], LIGHT.green, "average (infinitely fast)"),
    ):
        lines.append(axes.axhline(value, color=colour, lw=1.2, ls="--", label=name))
    axes.axhline(0, color=LIGHT.faint, lw=0.8)
    axes.set_xscale("log")
    dress(axes, LIGHT, "frequency of the switching", "Floquet exponent")
    legend(axes, LIGHT, lines, loc="best")
    return figure


def _perturbations(part: dict[str, Any]) -> Canvas:
    figure = canvas(LIGHT, 6.4, 3.0)
    for axes, (name, one) in zip(figure.subplots(1, len(part)), part.items(), strict=True):
        sizes, base = [r["size"] for r in one["rows"]], one["constant"]
        lines = axes.plot(
            sizes,
            [r["worst"] - base for r in one["rows"]],
            "o-",
            color=LIGHT.red,
            label="found by gradient",
        )
        largest = [r["largest"] - base for r in one["rows"]]
        lines += axes.plot(
            sizes, largest, "s--", color=LIGHT.blue, label=f"largest of {RANDOM} random ones"
        )
        axes.axhline(-base, color=LIGHT.ink, lw=0.9, ls=":")
        axes.set(xscale="log", yscale="log")
        dress(
            axes,
            LIGHT,
            "size of the perturbation",
            "change of the exponent",
            f"{name}, delay {one['delay']:g}",
        )
    legend(figure, LIGHT, lines, loc="outside lower center", ncols=2)
    return figure


def _save(figure: Canvas, name: str, data: Any) -> None:
    figure.savefig(
        IMAGES / f"{name}.png", dpi=200, metadata={"Software": None, "Source": digest(data)}
    )


def digest(data: Any) -> str:
    """Return the SHA-256 of the data of a figure."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


PARTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "quenching": quenching,
    "perturbations": perturbations,
    "margins": margins,
}


def main() -> None:
    """Find the named parts, or all, keep each as it comes, and draw."""
    words = sys.argv[1:]
    data = json.loads(TARGET.read_text()) if TARGET.exists() else {}
    for name in [] if "--draw" in words else (words or list(PARTS)):
        began = time.process_time()
        data[name] = PARTS[name](data.get(name, {}))
        data |= {"machine": machine()}
        data.setdefault("seconds", {})[name] = round(time.process_time() - began, 1)
        TARGET.write_text(json.dumps(data, indent=1) + "\n")
    draw(data)
    if set(PARTS) <= set(data):
        fill()


if __name__ == "__main__":
    main()
