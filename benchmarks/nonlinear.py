"""Nonlinear systems: how far each method certifies, and how much of the region, all with checked certificates.

Run: python benchmarks/nonlinear.py [NAME ..] [--again METHOD ..], then benchmarks/tables.py. What is kept in
results/nonlinear.json is not done again, except for the methods named. A margin is the end of the range from 0 of a
certificate that the checker has accepted, so that every number in the table is rigorous but the simulated region.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Collection
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
    "neural": 120.0,
}
REGION = {"lmi": 30.0, "quadratic": 60.0, "sos": 60.0, "razumikhin": 30.0, "neural": 90.0}
SHARE = 0.8  # of the LMI's margin (of the quadratic one where there is none): where regions are compared


def local_margin(case: Case) -> float:
    """Return the delay at which the linearisation loses stability, to about 1e-4 (float64)."""
    present, delayed = (m.numpy() for m in Problem.from_dict(case.problem()).build().jacobians())
    grid = np.linspace(0.0, 3 * case.stop, 3001)
    return float(next((t for t in grid if spectral_abscissa(present, delayed, t) > 0), np.inf))


def states(case: Case, method: str) -> int:
    """Return by what the neural search's budget is multiplied: two from two states on."""
    return min(2, len(case.equations)) if method == "neural" else 1


def marched(case: Case, method: str, order: int) -> dict[str, Any]:
    """March with a method, and certify what it covers from 0."""
    began, system = time.monotonic(), Problem.from_dict(case.problem()).build()
    deadline = began + BUDGET[method] * states(case, method)
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


def searched(case: Case, method: str, order: int) -> dict[str, Any]:
    """Let the study of margins search, and certify the range again where it was not rigorous."""
    began, problem = (
        time.monotonic(),
        Problem.from_dict(case.problem(degree=4) if method == "sos" else case.problem()),
    )
    row: dict[str, Any] = {"method": method, "order": order, "margin": None, "boxes": 0}
    try:
        found = margin(problem, method=method, order=order, stop=case.stop, budget=BUDGET[method])
    except CertddeError as error:
        return {**row, "objection": str(error)}
    if found.delay_margin:
        end = floor(found.delay_margin * 1e4) / 1e4
        certificate = certify(
            problem, Constant("tau", 0.0, end), method=method, order=order, budget=BUDGET[method]
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


def regions(
    case: Case, upper: float, kept: dict[str, Any], again: Collection[str]
) -> dict[str, Any]:
    """Compare the certified shares of the domain's constant histories at one range of delays."""
    problem, found = Problem.from_dict(case.problem(0.0, upper)), {**kept, "upper": upper}
    for method in ("lmi", "quadratic", "sos", "razumikhin", "neural"):
        if kept.get("upper") == upper and method in kept and method not in again:
            continue
        began = time.monotonic()
        try:
            certificate = certify(
                problem, method=method, budget=REGION[method] * states(case, method)
            )
        except CertddeError:
            found[method] = None  # does not apply
            continue
        area = certificate.data["region"].get("area") or {}
        found[method] = {
            "share": area["certified"] / area["domain"] if area else None,
            "boxes": certificate.data["statistics"]["boxes"].get("leaves", 0),
            "rigor": certificate.rigor,
            "seconds": round(time.monotonic() - began, 1),
        }
        if area:
            found["simulated"] = area["simulated"] / area["domain"]
    return found


def entry(name: str, case: Case, kept: dict[str, Any], again: Collection[str]) -> dict[str, Any]:
    """Return everything about one system; what was kept of it, but for the methods of ``again``, is not done again."""
    scalar = len(case.equations) == 1
    rows = {row["method"]: row for row in kept.get("rows", ()) if row["method"] not in again}
    for method in ("lmi", "quadratic", "sos", "razumikhin", "theorem", "neural"):
        if method not in rows:
            order = 2 if scalar and method in ("sos", "neural") else 1
            run = marched if method in ("lmi", "quadratic", "neural") else searched
            rows[method] = run(case, method, order)
    ends = {method: row["margin"] for method, row in rows.items()}
    base = ends["lmi"] or ends["quadratic"] or ends["neural"] or case.stop
    at = regions(case, floor(SHARE * base * 1e3) / 1e3, kept.get("region", {}), again)
    return {
        "system": name,
        "source": case.source,
        "local": kept.get("local") or local_margin(case),
        "rows": list(rows.values()),
        "region": at,
    }


def main() -> None:
    """Run the systems named, or all, and keep each as it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*CASES, []])
    parser.add_argument("--again", nargs="*", default=())
    options = parser.parse_args()
    for name in options.names or CASES:
        kept = json.loads(TARGET.read_text()) if TARGET.exists() else {"systems": {}}
        found = entry(name, CASES[name], kept["systems"].get(name, {}), options.again)
        kept = json.loads(TARGET.read_text()) if TARGET.exists() else {"systems": {}}
        kept["machine"] = machine()
        kept["systems"][name] = found
        TARGET.write_text(json.dumps(kept, indent=1) + "\n")
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
