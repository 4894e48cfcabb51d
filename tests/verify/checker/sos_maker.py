"""Certificates of kind "sos" for the tests: found by the project's search, written from the specification."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from certdde.certificates.bundle import read_arrays
from certdde.certificates.sos import SosPart
from certdde.learning.sos import nonlinear_states, sos_part
from certdde.systems.delay_system import DelaySystem
from certdde.verify.sos.search import Settings

from . import writer


@dataclass
class Draft:
    """The document, and the arrays of each part."""

    document: dict[str, Any]
    arrays: list[dict[str, np.ndarray]]

    def entries(self) -> dict[str, bytes]:
        return {f"part{i}.npz": writer.npz_bytes(part) for i, part in enumerate(self.arrays)}

    def save(self, path: Path) -> Path:
        self.document["claim"] = writer.claim(self.document)
        return writer.write(path, self.document, self.entries())

    def changed(self, **arrays: Any) -> Draft:
        """A copy with some arrays of part 0 replaced; None takes one away. Points are written as double underscores."""
        other = copy.deepcopy(self)
        for name, array in arrays.items():
            key = name.replace("__", ".")
            assert key in other.arrays[0] or array is not None
            if array is None:
                del other.arrays[0][key]
            else:
                other.arrays[0][key] = array
        return other


def part(system: DelaySystem, lower: float, upper: float, order: int, **options: Any) -> SosPart:
    """A part, with its region made no larger than need be."""
    found = sos_part(
        system, lower, upper, order=order, settings=Settings(**{"rounds": 0, **options})
    )
    assert found is not None
    return found


def draft(system: DelaySystem, parts: list[SosPart], ends: list[float]) -> Draft:
    """The certificate of some parts."""
    names = nonlinear_states(system)
    radius = (min(p.radius.rho for p in parts), min(p.radius.rho_rate for p in parts))
    domain = {
        s: [float(lo + x), float(hi + x)]
        for s, (lo, hi), x in zip(system.states, system.domain, system.equilibrium, strict=True)
    }
    document = writer.document(
        list(system.states),
        list(system.equations),
        ends,
        parts[0].functional.order,
        [{} for _ in parts],
        domain,
        (names["states"], names["delayed"]),
        [p.level for p in parts],
        radius,
        dict(system.parameters),
        dict(zip(system.states, map(float, system.equilibrium), strict=True)),
    )
    document["kind"] = "sos"
    document["functional"] |= {
        "kind": "polynomial",
        "parts": [{"degree": p.functional.degree} for p in parts],
    }
    arrays = [read_arrays({f"part{0}.npz": p.entry()}, 0) for p in parts]
    return Draft(document, arrays)
