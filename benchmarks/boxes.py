"""How many boxes a second: each bound engine, and the checker, on one neural functional.

Run: python benchmarks/boxes.py, then benchmarks/tables.py.

Ratios between the rows mean something; the absolute numbers are this machine's.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from certdde.certificates import Certificate
from certdde.certificates.bundle import array_entry, read_arrays, read_tensors
from certdde.certificates.part import read_functional
from certdde.inequalities.inequality import Inequality, dissipation
from certdde.learning.certify import certify
from certdde.systems.problem import load_problem
from certdde.verify.bound_propagation.branch import Encloser, Settings, by_intervals, prove
from certdde.verify.bound_propagation.lirpa import METHODS, by_lirpa
from certdde.verify.bound_propagation.taylor import quadratic_upper_bound
from certdde.verify.checker import check_file
from examples import machine

ROOT = Path(__file__).resolve().parent.parent
BOXES, REPEATS = 8192, 5


def inequality_of(certificate: Certificate, path: Path) -> Inequality:
    """Return the dissipation inequality of a certificate's only part."""
    system = load_problem(path).build()
    arrays, tensors = read_arrays(certificate.entries, 0), read_tensors(certificate.entries, 0)
    description, order = (
        certificate.data["functional"]["parts"][0],
        certificate.data["functional"]["order"],
    )
    functional = read_functional(description, system.states, order, arrays, tensors)
    return dissipation(system, functional, arrays["breaks"].tolist()).inequality


def boxes_per_second(inequality: Inequality, enclose: Encloser) -> float:
    """Time the bounds of many boxes of a hundredth of the domain."""
    generator = torch.Generator().manual_seed(0)
    unit = torch.rand(BOXES, inequality.dimension, generator=generator, dtype=torch.float64)
    width = inequality.upper - inequality.lower
    lower = inequality.lower + 0.99 * width * unit
    upper = lower + 0.01 * width
    quadratic_upper_bound(enclose(inequality, lower, upper), inequality.forms)
    began = time.perf_counter()
    for _ in range(REPEATS):
        quadratic_upper_bound(enclose(inequality, lower, upper), inequality.forms)
    return REPEATS * BOXES / (time.perf_counter() - began)


def leaves(inequality: Inequality, enclose: Encloser) -> int | None:
    """Count the boxes that a proof by this engine takes; None if it gives up."""
    answer = prove(inequality, Settings(max_boxes=200_000), enclose=enclose)
    return answer.proof.leaves if hasattr(answer, "proof") else None


def checked_per_second(certificate: Certificate, per_axis: int = 300) -> float:
    """Time the checker on the same functional with a uniform grid of leaves and the proof's own star leaves.

    Cells near the origin are star leaves, so that the grid is a proof too.
    """
    d = len(certificate.data["proof"]["nonlinear"]["states"]) + len(
        certificate.data["proof"]["nonlinear"]["delayed"]
    )
    domain = [certificate.data["region"]["domain"][s] for s in certificate.data["system"]["states"]]
    edges = [np.linspace(lo, hi, per_axis + 1) for lo, hi in (domain * 2)[:d]]
    near = [np.maximum(np.abs(e[:-1]), np.abs(e[1:])) < 0.05 for e in edges]
    star = np.logical_and.reduce(np.meshgrid(*near, indexing="ij")).reshape(-1)
    arrays = read_arrays(certificate.entries, 0)
    arrays |= {
        "grid": np.full(d, per_axis),
        "blocks": np.array([star.size]),
        "codes": np.where(star, 255, 254).astype(np.uint8),
    }
    entries = dict(certificate.entries, **{"part0.npz": array_entry(arrays)})
    with tempfile.TemporaryDirectory() as folder:
        saved = Certificate(certificate.data, entries).save(Path(folder) / "grid.certdde")
        began = time.perf_counter()
        result = check_file(saved.path)
        seconds = time.perf_counter() - began
    if not result.valid:
        raise SystemExit(f"the grid is not a proof: {result.reason} {result.where}")
    return star.size / seconds


def main() -> None:
    """Run all and keep the result."""
    torch.set_num_threads(1)
    rows = []
    for name in ("hutchinson", "pendulum"):
        path = ROOT / "examples" / f"{name}.toml"
        certificate = certify(load_problem(path))
        inequality = inequality_of(certificate, path)
        for engine, enclose in [("intervals", by_intervals), *((m, by_lirpa(m)) for m in METHODS)]:
            rate, count = boxes_per_second(inequality, enclose), leaves(inequality, enclose)
            rows.append(
                {
                    "problem": name,
                    "engine": engine,
                    "boxes_per_second": round(rate),
                    "leaves": count,
                }
            )
        rows.append(
            {
                "problem": name,
                "engine": "checker",
                "boxes_per_second": round(checked_per_second(certificate)),
                "leaves": None,
            }
        )
    target = ROOT / "benchmarks" / "results" / "boxes.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    print(target.read_text())


if __name__ == "__main__":
    main()
