"""Nonlinear systems on a domain with several constant delays, with one and many states, or with a slow delay.

Run: python benchmarks/polytopic.py [NAME ..], then benchmarks/tables.py. With names only these rows are found anew. A
size is the largest h, rounded down to three decimals, for which the checker has accepted a certificate of all delays
in [0, h] (each of them, independently); `local` is where the linearisation loses stability, sampled over the box.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from nonlinear_systems import CASES as ONE_DELAY

from certdde.certificates.certificate import Certificate
from certdde.delays.classes import AnyDelay, Constant, Several, Slow
from certdde.learning.boxes import abscissa_at
from certdde.learning.certify import certify
from certdde.systems.delay_system import DelaySystem
from certdde.verify.lmi.windows import LaggedSystem
from examples import machine

TARGET = Path(__file__).resolve().parent / "results" / "polytopic.json"
RESOLUTION, BUDGET = 1e-3, 30.0
ORDERS = (1, 2)


@dataclass(frozen=True)
class Case:
    """A system, its delays, where the search ends, and for a slow delay the bound of its rate."""

    equations: tuple[str, ...]
    domain: dict[str, list[float]]
    stop: float
    source: str
    delays: tuple[str, ...] = ("tau",)
    rate: float | None = None
    orders: tuple[int, ...] = ORDERS
    parameters: dict[str, float] = field(default_factory=dict)

    def system(self) -> DelaySystem:
        """Return the system."""
        return DelaySystem.from_equations(
            self.equations, domain=self.domain, delays=self.delays, parameters=self.parameters
        )

    def delay(self, size: float) -> AnyDelay:
        """Return the class of all delays up to a size."""
        if self.rate is not None:
            return Slow(self.delays[0], 0.0, size, -self.rate, self.rate)
        ranges = tuple(Constant(name, 0.0, size) for name in self.delays)
        return Several(ranges) if len(ranges) > 1 else ranges[0]

    @property
    def words(self) -> str:
        """What is said of the delay in the table."""
        if self.rate is not None:
            return f"slow, rate in [-{self.rate:g}, {self.rate:g}]"
        return f"{len(self.delays)} constant" if len(self.delays) > 1 else "constant"


RING, PENDULUM = ONE_DELAY["four neurons"], ONE_DELAY["pendulum"]
NEURON = "x' = -x - a*tanh(x(t - tau1)) - b*tanh(x(t - tau2))"
GAINS = {"a": 2.0, "b": 1.0}
CASES = {
    "neuron": Case(
        (NEURON,),
        {"x": [-2.0, 2.0]},
        0.7,
        "Belair, Campbell 1994",
        ("tau1", "tau2"),
        parameters=GAINS,
    ),
    "two neurons": Case(
        (
            "x' = -x - 1.5*tanh(x(t - tau1)) + a*tanh(y(t - tau2))",
            "y' = -y - 1.5*tanh(y(t - tau1)) + b*tanh(x(t - tau2))",
        ),
        {"x": [-1.0, 1.0], "y": [-1.0, 1.0]},
        0.94,
        "Shayer, Campbell 2000",
        ("tau1", "tau2"),
        parameters={"a": 0.8, "b": -0.8},
    ),
    "four neurons": Case(RING.equations, RING.domain, RING.stop, RING.source),
    "neuron, slow": Case(
        ("x' = -x - 3*tanh(x(t - tau))",),
        {"x": [-2.0, 2.0]},
        0.7,
        "Marcus, Westervelt 1989",
        rate=0.2,
    ),
    "pendulum, slow": Case(
        PENDULUM.equations, PENDULUM.domain, 0.585, PENDULUM.source, rate=0.2, orders=(1,)
    ),
}


def local_size(case: Case) -> float:
    """Return the largest size whose delays all leave the linearisation stable, on a grid (float64)."""
    system = case.system()
    present, matrices = system.linearisation()
    lags = tuple((case.delays.index(name), k) for (name, k), _ in matrices)
    lagged = LaggedSystem(present.numpy(), lags, tuple(m.numpy() for _, m in matrices))

    def stable(size: float) -> bool:
        axes = [np.linspace(0, size, 9)] * len(case.delays)
        return max(abscissa_at(lagged, point) for point in product(*axes)) < 0

    return bisected(stable, 0.0, 2 * case.stop, 1e-4)


def bisected(good: Any, low: float, high: float, step: float) -> float:
    """Return about the largest size that is good."""
    while high - low > step:
        middle = (low + high) / 2
        low, high = (middle, high) if good(middle) else (low, middle)
    return low


def found(case: Case, order: int) -> dict[str, Any]:
    """Search the largest certified size, by certificates that the checker accepts."""
    system, kept, began = case.system(), dict[float, Certificate](), time.perf_counter()

    def proved(steps: float) -> bool:
        size = round(int(steps) * RESOLUTION, 3)
        if size not in kept:
            kept[size] = certify(system, case.delay(size), method="lmi", order=order, budget=BUDGET)
        return kept[size].rigor == "rigorous"

    top = round(case.stop / RESOLUTION)
    last = top if proved(top) else int(bisected(proved, 1, top, 1.0))
    size = round(last * RESOLUTION, 3)
    if not proved(last):
        return {"size": None, "search": round(time.perf_counter() - began, 1)}
    statistics = kept[size].data["statistics"]
    return {
        "size": size,
        "share": statistics["baselines"][-1]["area"],
        "parts": len(kept[size].data["functional"].get("parts", [None])),
        "seconds": round(statistics["seconds"]["total"], 1),
        "check": round(statistics["seconds"]["check"], 1),
        "search": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    """Find the named rows, or all, and keep each as it is done."""
    for name in sys.argv[1:] or CASES:
        case = CASES[name]
        row: dict[str, Any] = {"system": name, "delays": case.words, "source": case.source}
        row |= {"local": round(local_size(case), 4)}
        row |= {f"order {order}": found(case, order) for order in case.orders}
        rows = json.loads(TARGET.read_text())["rows"] if TARGET.exists() else {}
        kept = {key: rows[key] for key in CASES if key in rows} | {name: row}
        TARGET.write_text(json.dumps({"machine": machine(), "rows": kept}, indent=1) + "\n")
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
