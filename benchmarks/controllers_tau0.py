"""Neural controllers without delay: certified regions and seconds, beside what is published.

Run: python benchmarks/controllers_tau0.py [CASE ..], then benchmarks/tables.py. CASE counts from 0; what is kept in
results/controllers_tau0.json is not done again unless it is named. The equations hold no delayed term, so that the
certificate is one for every delay; V is quadratic in the state but for terms that are next to nothing, and the origin
is in it. Volumes are of constant histories with V <= level, which for an equation without delay are its states, by a
million samples (float64); that they are a region, the checker says. What is published: controllers_tau0_published.py.
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
import time
import tomllib
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from certdde.delays.classes import Constant
from certdde.learning.outcome import checked
from certdde.learning.proposals import attempt
from certdde.learning.region import inside
from certdde.studies.covering import covering_certificate
from certdde.systems.delay_system import DelaySystem
from certdde.verify.bound_propagation.branch import Settings
from examples import machine

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
TARGET = ROOT / "benchmarks" / "results" / "controllers_tau0.json"
DELAYS, ORDER, SEED = 1.0, 0, 0
LONGEST, BOXES, SAMPLES = 600.0, 2_000_000, 1_000_000
LATE, FORCE = "(t - tau)", "u(x, theta, v, omega)"  # of the cart-pole, at most 30 in the literature


@dataclass(frozen=True)
class Case:
    """A plant of the published ones, an example of its controller ("" for the pendulum below), and half-sides."""

    plant: str
    example: str
    box: tuple[float, ...]


CASES = (
    Case("pendulum of Dai", "dai_pendulum", (0.314159, 0.5)),
    Case("pendulum of Dai", "dai_pendulum", (2.0, 4.0)),
    Case("pendulum, torque 6", "", (12.0, 12.0)),
    Case("pendulum, torque 6", "", (20.0, 100.0)),
    Case("path following, 0.84", "path", (3.0, 3.0)),
    Case("path following, 0.84", "path", (10.0, 4.0)),
    Case("cart-pole", "cart_pole", (0.3, 0.1, 0.3, 0.3)),
    Case("cart-pole", "cart_pole", (1.0, 0.5, 1.5, 1.5)),
    Case("planar quadrotor", "quadrotor", (0.15, 0.15, 0.1, 0.25, 0.12, 0.5)),
    Case("planar quadrotor", "quadrotor", (0.3, 0.3, 0.2, 0.5, 0.25, 1.0)),
)
# m = 0.15, l = 0.5, damping 0.1, |u| <= 6: theta'' = g/l sin theta - b/(m l^2) theta' + u/(m l^2)
PENDULUM = (
    "theta' = omega",
    "omega' = 19.62*sin(theta) - 8/3*omega + 80/3*clip(u(theta, omega), -6, 6)",
)


def system_of(case: Case) -> DelaySystem:
    """Return the loop without delay."""
    if not case.example:
        states, equations, parameters = ("theta", "omega"), list(PENDULUM), {}
        networks: dict[str, Any] = {"u": torque_network()}
    else:
        content = tomllib.loads((EXAMPLES / "controllers" / f"{case.example}.toml").read_text())
        system = content["system"]
        states, parameters = tuple(system["domain"]), system.get("parameters", {})
        equations = [e.replace(LATE, "") for e in system["equations"]]
        if case.example == "cart_pole":
            equations = [e.replace(FORCE, f"clip({FORCE}, -30, 30)") for e in equations]
        networks = {name: placed(entry) for name, entry in system["networks"].items()}
    domain = {s: [-side, side] for s, side in zip(states, case.box, strict=True)}
    found = DelaySystem.from_equations(
        equations, domain=domain, networks=networks, parameters=parameters
    )
    ends = tuple((-Fraction(str(side)), Fraction(str(side))) for side in case.box)
    return replace(found, domain=ends)


def placed(entry: str | dict[str, Any]) -> str | dict[str, Any]:
    """Return the entry of a network with its path made whole."""
    folder = EXAMPLES / "controllers"
    if isinstance(entry, str):
        return str(folder / entry)
    return {**entry, "file": str(folder / entry["file"])}


def torque_network() -> torch.nn.Module:
    """Return a 2-8-8-1 network that imitates 6 tanh(K x / 6), K by LQR, on the box 12 x 12."""
    make = maker()
    gains = make.lqr([[0, 1], [19.62, -8 / 3]], [[0], [80 / 3]], [1, 1], [1])
    layers = make.train(make.Law("torque", gains, 6.0, (12.0, 12.0), (8, 8)), SEED)
    parts: list[torch.nn.Module] = []
    for weight, _ in layers:
        linear = torch.nn.Linear(*reversed(weight.shape), bias=False, dtype=torch.float64)
        linear.weight.data.copy_(weight)
        parts += [linear, torch.nn.Tanh()]
    return torch.nn.Sequential(*parts[:-1])


def maker() -> ModuleType:
    """Return examples/make_controllers.py as a module."""
    spec = importlib.util.spec_from_file_location(
        "make_controllers", EXAMPLES / "make_controllers.py"
    )
    if spec is None or spec.loader is None:
        raise SystemExit("examples/make_controllers.py is not there")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def measured(case: Case) -> dict[str, Any]:
    """Search a quadratic V, prove it, have the certificate checked, and measure its region."""
    system, row = system_of(case), {"plant": case.plant, "box": list(case.box), "volume": None}
    settings = Settings(max_boxes=BOXES, deadline=time.monotonic() + LONGEST)
    began = time.process_time()
    arguments = {"order": ORDER, "seed": SEED, "settings": settings}
    part = attempt("quadratic", system, 0.0, DELAYS, **arguments).part
    row["seconds"] = round(time.process_time() - began, 2)
    if part is None:
        return row
    delay = Constant("tau", 0.0, DELAYS)
    certificate = covering_certificate(system, delay, [part], "quadratic", settings)
    began = time.process_time()
    found = None if certificate is None else checked(certificate)[0]
    row["check"] = round(time.process_time() - began, 2)
    row |= {"boxes": part.boxes["leaves"], "rigor": found.rigor if found else "none"}
    row["volume"] = volume(system, [(part.functional, part.windows, part.level or 0.0)])
    return row


def volume(system: DelaySystem, pieces: list[Any]) -> float:
    """Return the volume of the states with V <= level, by samples of the box around them."""
    generator = torch.Generator().manual_seed(SEED)
    ends = torch.tensor([[float(lo), float(hi)] for lo, hi in system.domain or ()])
    ends = ends.double()
    unit = torch.rand(SAMPLES, len(ends), generator=generator, dtype=torch.float64)
    points = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * unit
    share = float(inside(pieces, points).double().mean())
    return share * math.prod((ends[:, 1] - ends[:, 0]).tolist())


def main() -> None:
    """Find the cases named, or those not kept, and keep each as it is done."""
    named = [CASES[int(k)] for k in sys.argv[1:]]
    for case in named or CASES:
        kept = json.loads(TARGET.read_text())["rows"] if TARGET.exists() else []
        place = (case.plant, list(case.box))
        if not named and any((r["plant"], r["box"]) == place for r in kept):
            continue
        row = measured(case)
        rows = {(r["plant"], tuple(r["box"])): r for r in [*kept, row]}
        order = [(c.plant, c.box) for c in CASES]
        ordered = [rows[key] for key in order if key in rows]
        TARGET.write_text(json.dumps({"machine": machine(), "rows": ordered}, indent=1) + "\n")
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
