"""Several delays: cubes of independent delays by LMI, and multiples of one delay by spectrum, beside exact values.

Run: python benchmarks/several.py, then benchmarks/tables.py. A size is rounded down to three decimals, and the checker
has accepted a certificate of each range.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from itertools import product
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from certdde.delays.classes import Constant, Several
from certdde.learning.boxes import Box, abscissa_at, windows_part
from certdde.learning.certify import certify
from certdde.learning.several import lagged_system
from certdde.systems.delay_system import DelaySystem
from certdde.verify.lmi.windows import LaggedSystem
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import stable_windows
from examples import machine

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cube:
    """Independent delays in [start, h] each: the equations, and a size beyond the exact one."""

    equations: tuple[str, ...]
    delays: int
    stop: float
    start: float = 0.0
    orders: tuple[int, ...] = (0, 1, 2, 3)


CUBES = {
    "scalar, 2 delays": Cube(("x' = -0.7*x(t - t1) - 0.4*x(t - t2)",), 2, 2.0),
    "KR, 2 delays": Cube(("x' = -2*x - x(t - t1)", "y' = -0.9*y - x(t - t2) - y(t - t2)"), 2, 8.0),
    "GU, 2 delays": Cube(
        ("x' = y", "y' = -2*x + 0.1*y + 0.6*x(t - t1) + 0.4*x(t - t2)"), 2, 2.5, 0.2, (1, 2, 3)
    ),
    "scalar, 3 delays": Cube(
        ("x' = -x - 0.5*x(t - t1) - 0.4*x(t - t2) - 0.5*x(t - t3)",), 3, 8.0, 0.0, (0, 1, 2)
    ),
    "ring, 3 delays": Cube(
        ("x' = -x - 1.1*z(t - t1)", "y' = -y + 1.1*x(t - t2)", "z' = -z + 1.1*y(t - t3)"),
        3,
        4.0,
        0.0,
        (0, 1, 2),
    ),
}


def several(cube: Cube, size: float) -> Several:
    """Return the class of all delays in [start, size]."""
    names = (f"t{j + 1}" for j in range(cube.delays))
    return Several(tuple(Constant(name, cube.start, size) for name in names))


def system_of(cube: Cube) -> DelaySystem:
    """Return the system of a cube."""
    return DelaySystem.from_equations(
        cube.equations, delays=[f"t{j + 1}" for j in range(cube.delays)]
    )


def worst(system: LaggedSystem, cube: Cube, size: float) -> float:
    """Return the largest spectral abscissa over the cube: a grid, then ascent from the best points."""
    axes = [np.linspace(cube.start, size, 9 if cube.delays == 2 else 3)] * cube.delays
    points = sorted(product(*axes), key=lambda p: -abscissa_at(system, p))[:2]
    found = [
        -minimize(
            lambda p: -abscissa_at(system, p),
            point,
            method="Nelder-Mead",
            bounds=[(cube.start, size)] * cube.delays,
            options={"maxfev": 80, "xatol": 1e-7, "fatol": 1e-12},
        ).fun
        for point in points
    ]
    return max(found)


def bisected(good: Any, low: float, high: float, steps: int) -> float:
    """Return about the largest size that is good."""
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if good(middle) else (low, middle)
    return low


def checked(certificate: Any) -> tuple[bool, float]:
    """Return whether the checker accepts, and how long it takes."""
    with tempfile.TemporaryDirectory() as folder:
        result = certificate.save(Path(folder) / "a.certdde").check()
    return result.valid, round(result.seconds, 3)


def cube_row(name: str, cube: Cube) -> dict[str, Any]:
    """Return the largest certified cube by one functional of each order, and the exact size."""
    system = system_of(cube)
    lagged = lagged_system(system, several(cube, cube.stop))
    exact = bisected(lambda h: worst(lagged, cube, h) < 0, cube.start + 1e-3, cube.stop, 18)
    row: dict[str, Any] = {"system": name, "start": cube.start, "exact": round(exact, 4)}
    for order in cube.orders:

        def proved(size: float, order: int = order) -> bool:
            box = Box((cube.start,) * cube.delays, (size,) * cube.delays)
            return any(windows_part(lagged, order, grid) for grid in box.grids())

        low = cube.start + 1e-3
        if not proved(low):
            row[f"order {order}"] = None
            continue
        size = floor(bisected(proved, low, exact, 12) * 1e3) / 1e3
        began = time.perf_counter()
        certificate = certify(system, several(cube, size), method="lmi", order=order)
        seconds = round(time.perf_counter() - began, 2)
        valid, check = checked(certificate)
        parts = len((certificate.data["functional"] or {"parts": []})["parts"])
        row[f"order {order}"] = {
            "size": size if valid else None,
            "seconds": seconds,
            "check": check,
            "parts": parts,
        }
    return row


def multiples() -> dict[str, list[str]]:
    """Return systems with multiples of one delay."""
    rng = np.random.default_rng(0)
    lags = " + ".join(f"x{{i}}(t - {k}*tau)" for k in range(1, 11))
    found = {
        "x' = -x(t - tau) - x(t - 2 tau)/2": ["x' = -x(t - tau) - 0.5*x(t - 2*tau)"],
        "x' = -x(t - tau) - x(t - 7 tau)": ["x' = -x(t - tau) - x(t - 7*tau)"],
        "GU with tau and 2 tau": [
            "x' = y",
            "y' = -2*x + 0.1*y + 0.6*x(t - tau) + 0.4*x(t - 2*tau)",
        ],
        "10 states, 10 delays, uncoupled": [
            f"x{i}' = -0.1*(" + lags.format(i=i) + ")" for i in range(1, 11)
        ],
    }
    for n, m in ((4, 3), (6, 3), (10, 10)):
        size = 0.4 / m
        matrices = [np.round(-np.eye(n) / m + size * rng.normal(size=(n, n)), 3) for _ in range(m)]
        found[f"{n} states, {m} delays, random"] = [
            f"s{i}' = "
            + " + ".join(
                f"({one[i, j]})*s{j}(t - {k}*tau)"
                for k, one in enumerate(matrices, 1)
                for j in range(n)
            )
            for i in range(n)
        ]
    return found


def multiple_row(name: str, equations: list[str]) -> dict[str, Any]:
    """Return the first window of stable delays, and the certificate of nearly all of it."""
    system = DelaySystem.from_equations(equations)
    low, high = stable_windows(LinearDelaySystem.required(system), 0.0, 2.0)[0]
    start = 0.0 if low == 0 else ceil(low * 1e6 + 1) / 1e6
    end = floor(high * (1 - 1e-6) * 1e6) / 1e6
    began = time.perf_counter()
    certificate = certify(system, Constant("tau", start, end), method="spectral")
    seconds = round(time.perf_counter() - began, 2)
    valid, check = checked(certificate)
    return {
        "system": name,
        "exact": [round(float(low), 7), round(float(high), 7)],
        "range": [start, end] if valid else None,
        "boxes": certificate.data["statistics"]["boxes"].get("leaves", 0),
        "seconds": seconds,
        "check": check,
    }


def main() -> None:
    """Run all and keep the result."""
    rows, cubes = [], []
    for name, equations in multiples().items():
        rows.append(multiple_row(name, equations))
        print(rows[-1], flush=True)
    for name, cube in CUBES.items():
        cubes.append(cube_row(name, cube))
        print(cubes[-1], flush=True)
    target = ROOT / "benchmarks" / "results" / "several.json"
    result = {"machine": machine(), "multiples": rows, "cubes": cubes}
    target.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
