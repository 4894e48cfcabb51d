"""Nonlinear systems: how far each method certifies, and how much of the region, all with checked certificates.

Run: python benchmarks/nonlinear.py [NAME ..], then benchmarks/tables.py. A margin is the end of the range from 0 of a
certificate that the checker has accepted, so that every number in the table is rigorous but the simulated region.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
from nonlinear_systems import CASES, Case

from certdde.certificates.certificate import Certificate
from certdde.delays.classes import Constant
from certdde.errors import CertddeError
from certdde.learning.certify import certify
from certdde.studies.covering import covering_certificate
from certdde.studies.march import March
from certdde.studies.margin import margin
from certdde.systems.problem import Problem
from certdde.verify.bound_propagation.branch import Settings
from certdde.verify.bound_propagation.engines import encloser
from certdde.verify.spectral import spectral_abscissa
from examples import machine

TARGET = Path(__file__).resolve().parent / "results" / "nonlinear.json"
BUDGET = {
    "lmi": 30.0,
    "quadratic": 60.0,
    "sos": 90.0,
    "razumikhin": 30.0,
    "theorem": 20.0,
    "neural": 240.0,
}
SHARE = 0.8  # of the LMI's margin (of the quadratic one where there is none): where regions are compared


def local_margin(case: Case) -> float:
    """Return the delay at which the linearisation loses stability, to about 1e-4 (float64)."""
    present, delayed = (m.numpy() for m in Problem.from_dict(case.problem()).build().jacobians())
    grid = np.linspace(0.0, 3 * case.stop, 3001)
    return float(next((t for t in grid if spectral_abscissa(present, delayed, t) > 0), np.inf))


def marched(case: Case, method: str, order: int) -> dict[str, Any]:
    """March with a method, and certify what it covers from 0."""
    began, system = time.monotonic(), Problem.from_dict(case.problem()).build()
    deadline = began + BUDGET[method]
    march = March(
        system, "constant", order, 0, 0.0, case.stop, encloser("intervals"), deadline, None
    )
    march.advance("quadratic" if method == "neural" else method)
    if method == "neural":
        march.advance_neural()
    end = floor(march.position * 1e4) / 1e4
    row: dict[str, Any] = {"method": method, "order": order, "margin": None, "boxes": 0}
    if end > 0:
        parts = [part for _, part in sorted(march.parts, key=lambda pair: pair[0])]
        settings = Settings(max_boxes=3_000_000)
        certificate = covering_certificate(
            system, Constant("tau", 0.0, end), parts, method, settings
        )
        result = checked(certificate)
        row |= {"margin": end, "boxes": result.boxes, "rigor": result.rigor, "parts": len(parts)}
    return {**row, "seconds": round(time.monotonic() - began, 1)}


def searched(case: Case, method: str) -> dict[str, Any]:
    """Let the study of margins search, and certify the range again where it was not rigorous."""
    began, problem = (
        time.monotonic(),
        Problem.from_dict(case.problem(degree=4) if method == "sos" else case.problem()),
    )
    row: dict[str, Any] = {"method": method, "order": 1, "margin": None, "boxes": 0}
    try:
        found = margin(problem, method=method, stop=case.stop, budget=BUDGET[method])
    except CertddeError as error:
        return {**row, "objection": str(error)}
    if found.delay_margin:
        end = floor(found.delay_margin * 1e4) / 1e4
        certificate = certify(
            problem, Constant("tau", 0.0, end), method=method, budget=BUDGET[method]
        )
        row |= {
            "margin": end,
            "rigor": certificate.rigor if certificate.status == "certified" else "none",
        }
    return {**row, "seconds": round(time.monotonic() - began, 1)}


def checked(certificate: Certificate | None) -> Any:
    """Return the checker's answer."""
    if certificate is None:
        raise SystemExit("a part could not be proved again")
    with tempfile.TemporaryDirectory() as folder:
        return certificate.save(Path(folder) / "certificate.certdde").check()


def regions(case: Case, upper: float) -> dict[str, Any]:
    """Compare the shares of the simulated region at one range of delays."""
    problem = Problem.from_dict(case.problem(0.0, upper))
    certificate = certify(problem, method="neural", budget=240.0)
    rows = {row["method"]: row["area"] for row in certificate.data["statistics"]["baselines"]}
    area = certificate.data["region"].get("area") or {}
    simulated = area.get("simulated", 0) / area["domain"] if area else None
    own = area["certified"] / area["domain"] if area else None
    found = {"upper": upper, "simulated": simulated, "neural": own, "rigor": certificate.rigor}
    return {**found, "lmi": rows.get("lmi"), "quadratic": rows.get("quadratic")}


def entry(name: str, case: Case) -> dict[str, Any]:
    """Return everything about one system."""
    scalar = len(case.equations) == 1
    rows = [marched(case, "lmi", 1), marched(case, "quadratic", 1)]
    rows += [searched(case, method) for method in ("sos", "razumikhin", "theorem")]
    rows.append(marched(case, "neural", 2 if scalar else 1))
    ends = {row["method"]: row["margin"] for row in rows}
    base = ends["lmi"] or ends["quadratic"] or ends["neural"] or case.stop
    at = regions(case, floor(SHARE * base * 1e3) / 1e3)
    return {
        "system": name,
        "source": case.source,
        "local": local_margin(case),
        "rows": rows,
        "region": at,
    }


def main() -> None:
    """Run the systems named, or all, and keep each as it is done."""
    for name in sys.argv[1:] or CASES:
        found = entry(name, CASES[name])
        kept = json.loads(TARGET.read_text()) if TARGET.exists() else {"systems": {}}
        kept["machine"] = machine()
        kept["systems"][name] = found
        TARGET.write_text(json.dumps(kept, indent=1) + "\n")
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
