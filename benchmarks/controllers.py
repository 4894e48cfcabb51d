"""How much delay a loop with a network is certified for, by baselines and by functionals: the pendulum of examples/.

Run: python benchmarks/controllers.py [BOX ..] [--again COLUMN ..], then benchmarks/tables.py. BOX counts from 0. What
is kept in results/controllers.json is not done again, except for the columns named. Small gain, sector LMI and
polytopic LMI are float64: the largest b on a grid for which the program has a solution, its slack recomputed. A
certificate is one that the checker has accepted. results/controllers_neural.json, if it is there, adds certificates of
method neural: rows with box, upper, boxes, seconds, check and certified (a share of the domain).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from typing import Any

import torch

from certdde.delays.classes import Constant
from certdde.learning.area import certified_share
from certdde.learning.certify import certify
from certdde.learning.finish import constant_cover
from certdde.learning.levels import FULL
from certdde.learning.outcome import checked
from certdde.learning.proposals import attempt
from certdde.learning.region import grid_points
from certdde.learning.simulation import rate, solutions
from certdde.studies.covering import covering_certificate
from certdde.systems.delay_system import DelaySystem
from certdde.systems.problem import load_problem
from certdde.systems.scaling import Scaling
from certdde.verify.bound_propagation.branch import Settings
from certdde.verify.lmi.polytopic import polytopic_lmi
from certdde.verify.lmi.sector import sector_lmi
from certdde.verify.lmi.small_gain import small_gain
from certdde.verify.spectral import spectral_abscissa
from examples import local_margin, machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
TARGET, NEURAL = RESULTS / "controllers.json", RESULTS / "controllers_neural.json"
PROBLEM = ROOT / "examples" / "controllers" / "pendulum.toml"
BOXES = ((0.5, 1.5), (0.8, 2.5), (1.2, 4.0), (2.0, 6.0))
STEP = 0.005  # of the grid of delays
COARSE = 2 * STEP  # where each delay takes a certificate
ORDER, BUDGET, PROOF = 1, 90.0, 240.0  # seconds of a busy machine
LONGEST = 100.0  # of a simulation
SINGLE = 1e-4  # the relative length of the range that stands for one delay


def system_on(box: tuple[float, ...]) -> DelaySystem:
    """Return the loop on the box +-box."""
    ends = tuple((-Fraction(str(side)), Fraction(str(side))) for side in box)
    return replace(load_problem(PROBLEM).build(), domain=ends)


def largest(feasible: Callable[[float], bool], stop: float, step: float) -> float | None:
    """Return the largest multiple of a step up to ``stop`` that is feasible, by bisection; None if the first is not."""
    low, high = 0, int(stop / step + 1e-9) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if feasible(middle * step) else (low, middle)
    return round(low * step, 6) if low else None


def scaled(system: DelaySystem, breaks: list[float]) -> tuple[DelaySystem, list[float]]:
    """Return the system and delays in units that suit the programs."""
    scaling = Scaling.of(system, breaks[-1])
    return scaling.apply(system), [scaling.delay(tau) for tau in breaks]


def breaks_of(delay: float, *, single: bool) -> list[float]:
    """Return the breaks of one delay, or of all up to it."""
    return [delay * (1 - SINGLE), delay] if single else list(constant_cover(0.0, delay).breaks)


def by_small_gain(system: DelaySystem, delay: float, *, single: bool) -> bool:  # noqa: ARG001
    """Tell whether the small-gain condition holds, which knows no single delay."""
    units, (longest,) = scaled(system, [delay])
    return small_gain(units, longest) is not None


def by_sectors(system: DelaySystem, delay: float, *, single: bool) -> bool:
    """Tell whether the sector LMI has a solution."""
    units, breaks = scaled(system, breaks_of(delay, single=single))
    return sector_lmi(units, ORDER, breaks) is not None


def by_vertices(system: DelaySystem, delay: float, *, single: bool) -> bool:
    """Tell whether the polytopic LMI has a solution, for slopes taken one variable after the other in some order."""
    orders = permutations(range(system.dimension))
    return any(
        polytopic_lmi(units, ORDER, breaks) is not None
        for units, breaks in (
            scaled(reordered(system, order), breaks_of(delay, single=single)) for order in orders
        )
    )


def reordered(system: DelaySystem, order: tuple[int, ...]) -> DelaySystem:
    """Return the same system with its states in another order."""
    found = {
        name: tuple(getattr(system, name)[i] for i in order)
        for name in ("states", "rhs", "equilibrium", "domain")
    }
    return replace(system, **found)


PROGRAMS = {"small gain": by_small_gain, "sector": by_sectors, "polytopic": by_vertices}


def program(name: str, system: DelaySystem, stop: float) -> dict[str, Any]:
    """Search what a program reaches: at single delays, and on ranges from 0."""
    began, found = time.process_time(), dict[str, Any]()
    for key, single in (("range", False), ("single", True)):
        if name == "small gain" and single:
            continue
        found[key] = largest(
            lambda delay, single=single: PROGRAMS[name](system, delay, single=single), stop, STEP
        )
    return {**found, "seconds": round(time.process_time() - began, 1)}


def certified(system: DelaySystem, stop: float) -> dict[str, Any]:
    """Search the largest range from 0 with a rigorous certificate by cutting planes, and measure it."""
    began, kept = time.process_time(), dict[float, dict[str, Any]]()

    def proved(delay: float) -> bool:
        tried = time.process_time()
        found = certify(
            system, Constant("tau", 0.0, round(delay, 6)), method="quadratic", budget=BUDGET
        )
        if found.rigor != "rigorous":
            return False
        area, statistics = found.data["region"]["area"], found.data["statistics"]
        kept[round(delay, 6)] = {
            "boxes": statistics["boxes"]["leaves"],
            "seconds": round(time.process_time() - tried, 1),
            "check": round(statistics["seconds"]["check"], 2),
            "certified": area["certified"] / area["domain"],
        }
        return True

    upper = largest(proved, stop, COARSE)
    spent = round(time.process_time() - began, 1)
    return {"upper": upper, **(kept[upper] if upper else {}), "search": spent}


def certified_on_box(system: DelaySystem, stop: float) -> dict[str, Any]:
    """Search the largest range from 0 that one functional covers on a level set that touches the box."""
    began, kept = time.process_time(), dict[float, dict[str, Any]]()

    def proved(delay: float) -> bool:
        tried, upper = time.process_time(), round(delay, 6)
        settings = Settings(max_boxes=3_000_000, deadline=time.monotonic() + PROOF)
        arguments = {"order": ORDER, "seed": 0, "settings": settings, "least": FULL}
        part = attempt("quadratic", system, 0.0, upper, **arguments).part
        if part is None or (part.level or 0.0) < FULL:
            return False
        spent = time.process_time() - tried
        delays = Constant("tau", 0.0, upper)
        certificate = covering_certificate(system, delays, [part], "quadratic", settings)
        began = time.process_time()
        if certificate is None or checked(certificate)[0].rigor != "rigorous":
            return False
        kept[upper] = {
            "boxes": part.boxes["leaves"],
            "seconds": round(spent, 1),
            "check": round(time.process_time() - began, 2),
            "certified": certified_share(system, [part]),
        }
        return True

    upper = largest(proved, stop, COARSE)
    spent = round(time.process_time() - began, 1)
    return {"upper": upper, **(kept[upper] if upper else {}), "search": spent}


def simulated_share(system: DelaySystem, upper: float, points: int = 30) -> float:
    """Return the share of constant histories from which solutions stay and converge, at three delays (float64)."""
    grid = grid_points(system, points)
    domain = torch.tensor([[float(lo), float(hi)] for lo, hi in system.domain or ()])
    present, delayed = (m.numpy() for m in system.jacobians())
    keep = torch.ones(len(grid), dtype=torch.bool)
    for tau in (0.0, upper / 2, upper):
        decay = -spectral_abscissa(present, delayed, tau)
        times = torch.linspace(0.0, min(LONGEST, 4 + 6 / decay), 601, dtype=torch.float64)
        options = {"step": 0.3 / rate(system), "bound": 10 * float(domain.max())}
        states = solutions(system, grid, {system.delays[0]: tau}, times, **options)
        inside = ((states >= domain[:, 0]) & (states <= domain[:, 1])).all(-1).all(0)
        keep &= inside & ((states[-1] / domain[:, 1]).abs().amax(-1) < 0.02)
    return float(keep.double().mean())


def entry(box: tuple[float, ...], local: float, kept: dict[str, Any]) -> dict[str, Any]:
    """Return a row; what is kept of it is not done again."""
    system, row = system_on(box), {"box": list(box), **kept}
    for name in PROGRAMS:
        if name not in row:
            row[name] = program(name, system, local)
            print(box, name, row[name], flush=True)
    if "on the box" not in row:
        row["on the box"] = certified_on_box(system, local)
        print(box, row["on the box"], flush=True)
    if "quadratic" not in row:
        row["quadratic"] = certified(system, local)
        print(box, row["quadratic"], flush=True)
    upper = row["on the box"]["upper"] or row["quadratic"]["upper"]
    if upper and row.get("simulated", {}).get("upper") != upper:
        row["simulated"] = {"upper": upper, "share": simulated_share(system, upper)}
    return row


def main() -> None:
    """Find the rows named, or all, and keep each as it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boxes", nargs="*", type=int, default=list(range(len(BOXES))))
    parser.add_argument("--again", nargs="*", default=())
    options = parser.parse_args()
    local = local_margin(load_problem(PROBLEM), 1.0)
    for box in (BOXES[k] for k in options.boxes):
        kept = json.loads(TARGET.read_text())["rows"] if TARGET.exists() else []
        old = next((row for row in kept if tuple(row["box"]) == box), {})
        row = entry(box, local, {k: v for k, v in old.items() if k not in options.again})
        kept = json.loads(TARGET.read_text())["rows"] if TARGET.exists() else []
        rows = sorted([r for r in kept if tuple(r["box"]) != box] + [row], key=lambda r: r["box"])
        data = {"machine": machine(), "local": local, "step": STEP, "coarse": COARSE, "rows": rows}
        TARGET.write_text(json.dumps(data, indent=1) + "\n")
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
