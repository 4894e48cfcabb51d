"""Certificates of kind "several", and of kind "spectral" with multiples, made by hand from the specification."""

from __future__ import annotations

import copy
import io
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from certdde.certificates.part import Radius
from certdde.certificates.windows import WindowsPart
from certdde.delays.classes import Constant, Several
from certdde.learning.certify import certify
from certdde.systems.delay_system import DelaySystem
from certdde.verify.lmi.windows import LaggedSystem, windows_lmi

from . import spectral_maker, writer

ONE = np.eye(1)
PAIR = (0 * ONE, {(0, 1): -0.7 * ONE, (1, 1): -0.4 * ONE})
PAIR_TEXT = ["x' = -0.7*x(t - tau1) - 0.4*x(t - tau2)"]
BENCHMARK = (
    np.diag([-2.0, -0.9]),
    {(0, 1): np.array([[-1.0, 0], [0, 0]]), (1, 1): np.array([[0, 0], [-1.0, -1.0]])},
)
BENCHMARK_TEXT = ["a' = -2*a - a(t - tau1)", "b' = -0.9*b - a(t - tau2) - b(t - tau2)"]
FRICTION = (
    np.array([[0, 1], [-2, 0.1]]),
    {(0, 1): np.array([[0, 0], [0.6, 0]]), (0, 2): np.array([[0, 0], [0.4, 0]])},
)
FRICTION_TEXT = ["x' = v", "v' = -2*x + 0.1*v + 0.6*x(t - tau) + 0.4*x(t - 2*tau)"]

Matrices = tuple[np.ndarray, dict[tuple[int, int], np.ndarray]]


def part(matrices: Matrices, order: int, breaks: list[list[float]]) -> dict[str, np.ndarray]:
    """The arrays of one part, by the LMI."""
    present, delayed = matrices
    lags = tuple(sorted(delayed))
    system = LaggedSystem(present, lags, tuple(delayed[lag] for lag in lags))
    found = windows_lmi(system, order, breaks)
    if found is None:
        raise ValueError("the LMI has no solution")
    v = found[0]
    ends = {f"breaks{j}": np.array(one, dtype=float) for j, one in enumerate(breaks)}
    return {"P": v.P, "S": v.S, "R": v.R, **ends}


@dataclass
class Draft:
    """The document, the arrays of each part, the codes of the tree."""

    document: dict[str, Any]
    parts: list[dict[str, np.ndarray]]
    codes: list[int]

    def entries(self) -> dict[str, bytes]:
        arrays = {f"part{i}.npz": writer.npz_bytes(one) for i, one in enumerate(self.parts)}
        return arrays | {"several.npz": writer.npz_bytes({"codes": np.array(self.codes, "u1")})}

    def save(self, path: Path) -> Path:
        self.document["claim"] = claim(self.document)
        return writer.write(path, self.document, self.entries())

    def changed(self, part: int = 0, **arrays: Any) -> Draft:
        """A copy with some arrays of a part replaced."""
        other = copy.deepcopy(self)
        other.parts[part] |= arrays
        return other

    def claiming(self, *ranges: list[float]) -> Draft:
        """A copy that claims other ranges."""
        other = copy.deepcopy(self)
        for one, ends in zip(other.document["delay"]["delays"], ranges, strict=True):
            one["range"] = ends
        return other

    def about(self, *equations: str) -> Draft:
        """A copy that claims its theorem for other equations."""
        other = copy.deepcopy(self)
        other.document["system"]["equations"] = list(equations)
        return other


def claim(document: dict[str, Any]) -> str:
    """The sentence of section 14, written out a second time."""
    delays = document["delay"]["delays"]
    one = dict(document, delay={"name": "tau", "class": "constant", "range": [0, 1]})
    rest = writer.claim(one).partition("[0.0, 1.0], ")[2]
    shown = ", ".join(
        f"{d['name']} in [{float(d['range'][0])!r}, {float(d['range'][1])!r}]" for d in delays
    )
    kind = "every constant delay" if len(delays) == 1 else "all constant delays"
    return f"For {kind} {shown}, {rest}"


def document(
    equations: list[str], delays: dict[str, list[float]], order: int, count: int, **extra: Any
) -> dict[str, Any]:
    """A complete `certificate.json`."""
    states = [equation.split("'")[0].strip() for equation in equations]
    found = writer.document(states, equations, [0, 1], order, [{}] * count, **extra)
    found["kind"], found["engine"] = "several", "lmi"
    listed = [{"name": k, "class": "constant", "range": v} for k, v in delays.items()]
    found["delay"] = {"class": "several", "delays": listed}
    return found


def draft(
    equations: list[str],
    matrices: Matrices,
    delays: dict[str, list[float]],
    grids: list[list[list[float]]],
    codes: list[int],
    order: int = 1,
    **extra: Any,
) -> Draft:
    """A certificate with a part for each grid of breaks."""
    parts = [part(matrices, order, grid) for grid in grids]
    return Draft(document(equations, delays, order, len(parts), **extra), parts, codes)


def pair(end: float = 1.25, order: int = 1) -> Draft:
    """The scalar equation with two delays, one part."""
    delays, last = {"tau1": [0, end], "tau2": [0, end]}, above(end)
    return draft(PAIR_TEXT, PAIR, delays, [[[0, last], [0, last]]], [254], order)


def above(end: float) -> float:
    """The least binary64 that is no smaller than a decimal."""
    return math.nextafter(end, math.inf) if Fraction(end) < Fraction(repr(end)) else end


def tree() -> Draft:
    """Three boxes: the first delay halved, then the second one in the upper half."""
    grids = [
        [[0.0, 0.5], [0.0, 0.4, 1.25]],
        [[0.5, 1.0], [0.0, 0.625]],
        [[0.5, 0.7, 1.0], [0.625, 1.25]],
    ]
    delays = {"tau1": [0, 1.0], "tau2": [0, 1.25]}
    return draft(PAIR_TEXT, PAIR, delays, grids, [0, 254, 1, 254, 254])


def benchmark() -> Draft:
    """Two states, two delays."""
    delays = {"tau1": [0, 4], "tau2": [1, 4]}
    return draft(BENCHMARK_TEXT, BENCHMARK, delays, [[[0, 4], [1, 2, 4]]], [254])


def multiples() -> spectral_maker.Draft:
    """Kind "spectral" with a multiple of the delay, unstable without delay: the anchor has two windows."""
    found = writer.document(["x", "v"], FRICTION_TEXT, [0.2, 0.9], 2, [{}])
    found |= {"kind": "spectral", "engine": "spectral"}
    arrays = part(FRICTION, 2, [[0.5, 0.55]])
    spectrum = spectral_maker.partition(spectral_maker.read(found), [0.1875, 0.9375], [1, 1])
    return spectral_maker.Draft(found, arrays, spectrum)


def undelayed(end: float = 0.9408) -> spectral_maker.Draft:
    """Kind "spectral" with a multiple of the delay, stable without delay: the anchor is P alone."""
    found = writer.document(["x"], ["x' = -x(t - tau) - 0.5*x(t - 2*tau)"], [0, end], 0, [{}])
    found |= {"kind": "spectral", "engine": "spectral"}
    outer = [0.0, float(np.nextafter(end, 2))]
    spectrum = spectral_maker.partition(spectral_maker.read(found), outer, [1, 1])
    return spectral_maker.Draft(found, {"P": np.eye(1)}, spectrum)


NEURON_TEXT = ["x' = -x - 2*tanh(x(t - tau1)) - tanh(x(t - tau2))"]
PRODUCT_TEXT = ["x' = -(1 + x)*(0.6*x(t - tau1) + 0.4*x(t - tau2))"]


def nonlinear(
    equations: list[str],
    delays: dict[str, list[float]],
    domain: dict[str, list[float]],
    order: int = 1,
    **extra: Any,
) -> Draft:
    """A certificate of a nonlinear system, by the engine; the sentence is written here."""
    one = tuple(Constant(name, *ends) for name, ends in delays.items())
    system = DelaySystem.from_equations(equations, delays=list(delays), domain=domain, **extra)
    found = certify(system, Several(one), method="lmi", order=order)
    if found.status != "certified":
        raise ValueError(found.claim)
    entries = {k: dict(np.load(io.BytesIO(v))) for k, v in found.entries.items()}
    codes = entries.pop("several.npz")["codes"].tolist()
    parts = [entries[f"part{i}.npz"] for i in range(len(entries))]
    return Draft(copy.deepcopy(found.data), parts, codes)


def neuron(end: float = 0.6) -> Draft:
    """A scalar neuron with two delays on |x| <= 1."""
    delays = {"tau1": [0, end], "tau2": [0, end]}
    return nonlinear(NEURON_TEXT, delays, {"x": [-1, 1]})


def neuron_part() -> WindowsPart:
    """A part with a level and a radius, for documents whose arrays are not looked at."""
    empty = {name: np.eye(1) for name in "PSR"}
    return WindowsPart(0, empty, 1.0, Radius(0.1, 0.1))
