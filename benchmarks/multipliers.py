"""What multipliers on boxes save: one functional proved and checked with and without them.

Run: python benchmarks/multipliers.py, then benchmarks/tables.py.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from nonlinear_systems import CASES

from certdde.certificates.certificate import certified
from certdde.delays.classes import Constant
from certdde.functionals import Functional
from certdde.learning.cegis import search
from certdde.learning.finish import exact_cover, finish
from certdde.learning.levels import FULL
from certdde.learning.settings import CegisSettings
from certdde.learning.training import TrainSettings
from certdde.systems.delay_system import DelaySystem
from certdde.systems.problem import Problem
from certdde.verify.bound_propagation.branch import Settings
from examples import machine

LOWER, UPPER = 1.38, 1.4
TARGET = Path(__file__).resolve().parent / "results" / "multipliers.json"
NAMES = {False: "term by term", True: "with multipliers"}


def trained(system: DelaySystem) -> Functional:
    """Return a functional that a search proves."""
    training = TrainSettings(steps=1500, region=0.02, pruned=False)
    settings = CegisSettings(order=2, moments=2, training=training, least=FULL)
    found = search(system, LOWER, UPPER, settings, cover=exact_cover)
    if found is None or found.finished.part is None:
        raise SystemExit("the search found no functional")
    return found.finished.part.functional


def row(system: DelaySystem, functional: Functional, multipliers: bool) -> dict[str, Any]:
    """Prove a functional again, and check the certificate."""
    settings, began = Settings(max_boxes=5_000_000, multipliers=multipliers), time.process_time()
    part = finish(system, functional, exact_cover(LOWER, UPPER), settings, least=FULL).part
    middle = time.process_time()
    if part is None:
        raise SystemExit("it was not proved again")
    nonlinear, boxes = {"states": ["x"], "delayed": ["x"]}, dict(part.boxes)
    certificate = certified(
        system,
        Constant("tau", LOWER, UPPER),
        [part],
        nonlinear=nonlinear,
        area=None,
        engine="neural",
    )
    with tempfile.TemporaryDirectory() as folder:
        result = certificate.save(Path(folder) / "certificate.certdde").check()
    if not result.valid:
        raise SystemExit(f"it is not accepted: {result.reason}")
    seconds = {"search": middle - began, "check": time.process_time() - middle}
    return {"bound": NAMES[multipliers], "leaves": boxes["leaves"], **seconds}


def main() -> None:
    """Run both and keep the result."""
    torch.set_num_threads(1)
    system = Problem.from_dict(CASES["hutchinson"].problem(LOWER, UPPER)).build()
    functional = trained(system)
    rows = [row(system, functional, multipliers) for multipliers in NAMES]
    TARGET.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    print(TARGET.read_text())


if __name__ == "__main__":
    main()
