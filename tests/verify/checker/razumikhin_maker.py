"""Certificates of kind "razumikhin" made by hand; partitions by the bisection of ``maker``."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from certdde.verify.checker import razumikhin, razumikhin_forms, schema, system
from certdde.verify.checker.dissipation import layout, reduced
from certdde.verify.checker.document import parse
from certdde.verify.checker.exact import Matrix
from certdde.verify.checker.features import Features
from certdde.verify.checker.rounding import enclose
from certdde.verify.checker.rules import RULES
from certdde.verify.razumikhin.linear import averaged as search

from . import maker, writer

Q = np.array([1 + 2.0**-20])


def claim(document: dict[str, Any]) -> str:
    """The sentence, written out a second time."""
    section, delay, region = document["system"], document["delay"], document["region"]
    bare = document | {
        "system": section | {"domain": None},
        "delay": delay | {"class": "constant"},
    }
    text = writer.claim(bare)
    if delay["class"] == "measurable":
        name = delay["name"]
        text = text.replace(
            f"constant delay {name} in", f"measurable delay {name}(t) with values in", 1
        )
    if section["domain"] is None:
        return text
    box = ", ".join(
        f"{float(section['domain'][s][0])!r} <= {s} <= {float(section['domain'][s][1])!r}"
        for s in section["states"]
    )
    radius, level = region["radius"], float(region["level"][0])
    known = {key: repr(float(value)) for key, value in radius.items()}
    start, kind, end = f"values in {box} and V <= {level!r}", "continuous", ""
    if "rates" in radius:
        kind = "absolutely continuous"
        start += f" and rates r with r^T Q r <= {known['rates']}"
        end = f" with rates at most {known['rho_rate']}"
    return text.replace(
        "globally asymptotically stable.",
        f"asymptotically stable, and every {kind} history with {start} has a solution that keeps to these values "
        f"and tends to the equilibrium; all {kind} histories within {known['rho']} of the equilibrium in every "
        f"state{end} are among them.",
    )


@dataclass
class Draft:
    """The document, the arrays, the weights."""

    document: dict[str, Any]
    arrays: dict[str, np.ndarray]
    tensors: dict[str, np.ndarray] = field(default_factory=dict)

    def entries(self) -> dict[str, bytes]:
        found = {"razumikhin.npz": writer.npz_bytes(self.arrays)}
        if self.tensors:
            found["razumikhin.safetensors"] = writer.safetensors_bytes(self.tensors)
        return found

    def save(self, path: Path) -> Path:
        self.document["claim"] = claim(self.document)
        return writer.write(path, self.document, self.entries())

    def changed(self, arrays: dict[str, Any] | None = None, **keys: Any) -> Draft:
        """A copy with some arrays or some keys of the document replaced."""
        other = copy.deepcopy(self)
        other.arrays |= arrays or {}
        other.document |= keys
        return other


def document(
    equations: list[str],
    end: float,
    form: str,
    domain: dict[str, list[float]] | None = None,
    network: dict[str, Any] | None = None,
    nonlinear: tuple[list[str], list[str]] = ((), ()),
) -> dict[str, Any]:
    states = [equation.split("'")[0].strip() for equation in equations]
    found = writer.document(states, equations, [0, end], 0, [{}], domain, nonlinear, [1.0], (1, 1))
    radius = {"rho": 0.1}
    if form == "dependent":
        radius |= {"rho_rate": 0.1, "rates": 0.1}
    region = {"domain": domain, "level": [1.0], "radius": radius, "area": None}
    if domain is None:
        region |= {"level": None, "radius": None}
    functional = {"kind": "neural" if network else "quadratic", "form": form}
    found |= {"kind": "razumikhin", "engine": "razumikhin", "region": region}
    found["functional"] = functional | {"networks": {"V0": network} if network else {}}
    found["delay"] = found["delay"] | {"class": "measurable"}
    return found


def scalar(a: float = 2.0, b: float = 1.5, end: float = 100.0) -> Draft:
    """x' = -a x + b x(t - tau), |b| < a: V = x^2, b^2 < beta (2 a - beta q) for beta = a."""
    arrays = {"P": np.eye(1), "q": Q, "beta": np.array([a])}
    return Draft(document([f"x' = -{a}*x + {b}*x(t - tau)"], end, "independent"), arrays)


def averaged(present: np.ndarray, delayed: np.ndarray, h: float, equations: list[str]) -> Draft:
    """A linear system with delays up to h."""
    found = search(h * present, h * delayed, float(Q[0]))
    if found is None:
        raise ValueError("no multipliers")
    weights = found.multipliers
    arrays = {
        "P": found.at.P,
        "Q": found.at.Q,
        "N": found.at.N / h,
        "q": Q,
        "beta": np.concatenate([weights[:3] / h, weights[8:]]),
        "rho": weights[3:8] / h,
        "window": np.array([h]),
    }
    return Draft(document(equations, h, "averaged"), arrays)


def scalar_averaged(h: float = 1.1875) -> Draft:
    """x' = -x(t - tau): beyond the classical bound h = 1."""
    return averaged(np.zeros((1, 1)), -np.eye(1), h, ["x' = -x(t - tau)"])


def hutchinson(h: float = 0.25, neural: bool = False) -> Draft:
    """x' = -(1 + x) x(t - tau) on [-0.5, 1], delays up to h."""
    net = {"inputs": ["x"], "activation": "tanh", "layers": 2} if neural else None
    made = document(
        ["x' = -(1 + x)*x(t - tau)"],
        h,
        "dependent",
        {"x": [-0.5, 1]},
        net,
        (["x"], ["x"]),
    )
    # V = x^2: 2 (1 + x) close to the slope 2 Q of -(x - y)^T Q (x - y), and h^2 Q (1 + x)^2 y^2 <= b_2 y^2
    gap = 1.25
    arrays = {
        "P": np.eye(1),
        "Q": gap * np.eye(1),
        "q": Q,
        "beta": np.array([0.02, 0.02, 4.2 * h**2 * gap]),
        "window": np.array([h]),
    }
    tensors = maker.small_network(1, 8, 2, 0.02, 1, "V0") if neural else {}
    return finish(Draft(made, arrays, tensors), [4, 4])


def decoupled() -> Draft:
    """A planar system with a term x(t - tau) y, delays of any length."""
    made = document(
        ["x' = -2*x + x(t - tau)*y", "y' = -3*y + sin(x(t - tau))"],
        7.5,
        "independent",
        {"x": [-1, 1], "y": [-1, 1]},
        nonlinear=(["y"], ["x"]),
    )
    return finish(Draft(made, {"P": np.eye(2), "q": Q, "beta": np.array([1.9])}), [2, 2])


def finish(draft: Draft, grid: list[int], share: float = 0.9) -> Draft:
    """Fill in partition, level, radius and rates."""
    n = len(draft.document["system"]["states"])
    empty = np.zeros(0, np.uint8)
    draft.arrays |= {"grid": np.array(grid), "blocks": np.array([int(np.prod(grid))])}
    draft.arrays |= {"codes": empty, "face_codes": empty}
    function, found = read(draft)
    data, network = function.data, function.network
    inputs = network.inputs if network else ()
    lay = layout(found, inputs, network.outputs if network else 0, 0)
    matrices = [razumikhin_forms.independent(lay, data)]
    matrices += [razumikhin_forms.rates(lay, data)] if data.gap else []
    forms = enclose([reduced(m, lay.head, "a condition") for m in matrices], len(found.xi))
    box = tuple(found.domain[j % n] for j in found.xi)
    draft.arrays["codes"] = maker.prove(Features(found, network, network), forms, box, grid)
    region = draft.document["region"]
    region["level"] = [c := share * maker.sampled_level(data.p, network, found.domain)]
    draft.arrays["face_codes"] = maker.face_codes(data.p, network, found.domain, c)
    region["radius"]["rho"] = 0.5**2 if n == 1 else 0.5
    if data.gap:
        rates = 0.99 * float(sum(data.beta[1:])) * c / float(data.window) ** 2
        size = sum(abs(float(v)) for row in data.gap for v in row)
        region["radius"] |= {"rates": rates, "rho_rate": 0.9 * (rates / size) ** 0.5}
    return draft


def read(draft: Draft) -> tuple[Any, Any]:
    """The function as the checker reads it, and the system."""
    _, exact = parse(json.dumps(draft.document | {"digest": "", "claim": ""}).encode())
    parsed = schema.document(exact, RULES)
    found = system.build(parsed)
    return razumikhin.read_function(parsed, found, draft.entries()), found


def as_floats(matrix: Matrix) -> np.ndarray:
    return np.array([[float(v) for v in row] for row in matrix])
