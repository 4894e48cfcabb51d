"""Certificates of kind "spectral" made by hand: a bisection that asks the checker's own leaf test."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from certdde.verify.checker import forest, regular, schema, spectral, system
from certdde.verify.checker.document import parse
from certdde.verify.checker.rules import RULES

from . import maker, writer

SCALAR = (np.zeros((1, 1)), -np.eye(1))
FRICTION = (np.array([[0, 1], [-2, 0.1]]), np.array([[0, 0], [1.0, 0]]))
FRICTION_TEXT = ["x' = v", "v' = -2*x + 0.1*v + x(t - tau)"]


@dataclass
class Draft:
    """The document, the arrays of the part, the arrays of the partition."""

    document: dict[str, Any]
    part: dict[str, np.ndarray]
    spectral: dict[str, np.ndarray]

    def entries(self) -> dict[str, bytes]:
        return {
            "part0.npz": writer.npz_bytes(self.part),
            "spectral.npz": writer.npz_bytes(self.spectral),
        }

    def save(self, path: Path) -> Path:
        self.document["claim"] = writer.claim(self.document)
        return writer.write(path, self.document, self.entries())

    def changed(
        self,
        part: dict[str, Any] | None = None,
        spectral: dict[str, Any] | None = None,
        **keys: Any,
    ) -> Draft:
        """A copy with some arrays or some keys of the document replaced."""
        other = copy.deepcopy(self)
        other.part |= part or {}
        other.spectral |= spectral or {}
        other.document |= keys
        return other


def read(document: dict[str, Any]) -> Any:
    """The system as the checker reads it."""
    _, exact = parse(json.dumps(document | {"digest": "", "claim": ""}).encode())
    found = schema.document(exact, RULES)
    return system.build(found, RULES[found.kind].lags)


def partition(
    found: Any, delays: list[float], grid: list[int], least: int = 1
) -> dict[str, np.ndarray]:
    """Bisect until every box passes the checker's test; ValueError where that does not end."""
    data = regular.pencil(found)
    ends = ((0, spectral.frequency(found)), tuple(delays))
    lo, hi = forest.outward(ends, "prover")
    axes = [forest.edges(*e) for e in zip(lo.tolist(), hi.tolist(), grid, strict=True)]
    low, high = forest.roots(axes, 0, int(np.prod(grid)))
    codes: list[np.ndarray] = []
    while low.shape[1]:
        span = (high - low) * np.array([[1 + delays[1]], [float(spectral.frequency(found))]])
        code = np.argmax(span, axis=0).astype(np.uint8)
        if len(codes) >= least:
            with np.errstate(all="ignore"):
                code[regular.regular(data, low, high)] = 254
        codes.append(code)
        split = code < 2
        if sum(map(len, codes)) > 50_000:
            raise ValueError("the bisection does not end")
        low, high = forest.halves(low[:, split], high[:, split], code[split], "prover")
    return {
        "delays": np.array(delays, dtype=float),
        "grid": np.array(grid),
        "blocks": np.array([int(np.prod(grid))]),
        "codes": np.concatenate(codes),
    }


def draft(
    equations: list[str],
    delays: list[float],
    anchor: tuple[tuple[np.ndarray, np.ndarray], list[float], int],
    grid: tuple[int, int] = (1, 1),
    **extra: Any,
) -> Draft:
    """A certificate for `delays`, with a functional of some order on the breaks of the anchor."""
    (present, delayed), breaks, order = anchor
    states = [equation.split("'")[0].strip() for equation in equations]
    document = writer.document(states, equations, delays, order, [{}], **extra)
    document |= {"kind": "spectral", "engine": "spectral"}
    part = maker.quadratic_arrays(maker.lmi([(present, delayed)], breaks, order), breaks)
    outer = [max(0.0, math.nextafter(delays[0], -1)), math.nextafter(delays[1], math.inf)]
    return Draft(document, part, partition(read(document), outer, list(grid)))


def scalar(end: float = 1.5707963, grid: tuple[int, int] = (1, 1)) -> Draft:
    """x' = -x(t - tau) up to just below pi/2."""
    return draft(["x' = -x(t - tau)"], [0, end], (SCALAR, [0.0, 0.25, 0.5], 1), grid)


def friction(ends: tuple[float, float] = (0.1002, 1.7178)) -> Draft:
    """Unstable without delay and with a large one: the anchor is at 0.7."""
    return draft(FRICTION_TEXT, list(ends), (FRICTION, [0.69, 0.71], 2))
