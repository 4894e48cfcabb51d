"""Certificates of kind ``sos``: polynomial functionals with sums of squares (docs/certificate-format.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from certdde.certificates.bundle import array_entry
from certdde.certificates.certificate import Certificate, claimed, smallest_radius, system_section
from certdde.certificates.part import Radius
from certdde.functionals.polynomial import PolynomialFunctional, Terms

if TYPE_CHECKING:
    from certdde.delays.classes import Constant
    from certdde.systems.delay_system import DelaySystem

KIND = "sos"


@dataclass(frozen=True, slots=True)
class SosPart:
    """What ``part<i>.npz`` holds, in the user's coordinates.

    Attributes
    ----------
    functional : PolynomialFunctional
    breaks, windows : sequence of float
        Delays of the proof, and those at which V of a constant history is looked at.
    identities : mapping
        Arrays of the sums of squares.
    level : float
    radius : Radius
    boxes : mapping
        Information: how many identities.
    """

    functional: PolynomialFunctional
    breaks: Sequence[float]
    windows: Sequence[float]
    identities: Mapping[str, np.ndarray]
    level: float
    radius: Radius
    boxes: Mapping[str, int] = field(default_factory=dict)

    def entry(self) -> bytes:
        """Return the arrays of the part as an entry of the file."""
        v = self.functional
        arrays = {name: getattr(v, name).numpy().astype(np.float64) for name in "PSBR"}
        for name, terms, count in (("V0", v.p, v.P.shape[0]), ("W", v.q, v.dimension)):
            exponents = np.array(list(terms), dtype=np.int64).reshape(-1, count)
            arrays[f"{name}.exponents"] = exponents
            arrays[f"{name}.values"] = np.array(list(terms.values()), dtype=np.float64)
        arrays["breaks"] = np.asarray(self.breaks, dtype=np.float64)
        return array_entry({**arrays, **self.identities})


def sos_certified(
    system: DelaySystem,
    delay: Constant,
    parts: Sequence[SosPart],
    nonlinear: Mapping[str, Sequence[str]],
    area: Mapping[str, Any] | None,
    **extra: Any,
) -> Certificate:
    """Build a certificate of kind ``sos`` (rigor ``float64`` until the checker has accepted it).

    Parameters
    ----------
    system, delay, parts
        What is certified, and the parts that cover the delay range, in order.
    nonlinear : mapping
        ``proof.nonlinear``.
    area : mapping or None
        Information on the region's size.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    region = {
        "domain": system_section(system)["domain"],
        "level": [float(part.level) for part in parts],
        "radius": smallest_radius([part.radius for part in parts]),
        "area": dict(area) if area else None,
    }
    functional = {
        "kind": "polynomial",
        "order": parts[0].functional.order,
        "parts": [{"degree": part.functional.degree} for part in parts],
    }
    return claimed(
        KIND,
        system,
        delay,
        functional=functional,
        proof={"nonlinear": {key: list(names) for key, names in nonlinear.items()}},
        region=region,
        entries={f"part{i}.npz": part.entry() for i, part in enumerate(parts)},
        **extra,
    )


def read_polynomial(
    description: Mapping[str, Any], order: int, arrays: Mapping[str, np.ndarray]
) -> PolynomialFunctional:
    """Rebuild the functional of a part, for reports and attacks."""
    p, s, b, r = (torch.as_tensor(arrays[k].copy()) for k in "PSBR")
    degree = int(description["degree"])
    v0, w = (_terms(arrays, name) for name in ("V0", "W"))
    return PolynomialFunctional(order, degree, p, s, b, r, v0, w)


def _terms(arrays: Mapping[str, np.ndarray], name: str) -> Terms:
    rows, values = arrays[f"{name}.exponents"].tolist(), arrays[f"{name}.values"].tolist()
    return {tuple(row): value for row, value in zip(rows, values, strict=True)}
