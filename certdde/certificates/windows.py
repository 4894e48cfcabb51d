"""Parts with a window for each lag, and certificates of kind ``several`` (docs/certificate-format.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from certdde.certificates.bundle import array_entry
from certdde.certificates.certificate import (
    Certificate,
    claimed,
    smallest_radius,
    system_section,
)
from certdde.systems.linear import nonlinear_states

if TYPE_CHECKING:
    from certdde.certificates.part import Radius
    from certdde.delays.classes import Several
    from certdde.functionals.windows import WindowedFunctional
    from certdde.systems.delay_system import DelaySystem

LEAF = 254


@dataclass(frozen=True, slots=True)
class WindowsPart:
    """What ``part<i>.npz`` holds for a system with several lags.

    Attributes
    ----------
    order : int
    arrays : mapping
        ``P``, ``S``, ``R`` and ``breaks0``, ``breaks1``, .. for each delay; or ``P`` alone for the delay 0.
    level : float or None
        V <= level keeps a solution inside the domain; None for a global claim.
    radius : Radius or None
    """

    order: int
    arrays: Mapping[str, np.ndarray]
    level: float | None = None
    radius: Radius | None = None

    @classmethod
    def of(
        cls,
        functional: WindowedFunctional,
        breaks: Sequence[Sequence[float]],
        level: float | None = None,
        radius: Radius | None = None,
    ) -> WindowsPart:
        """Return the part of a functional, in the user's time, for a box of delays."""
        arrays = {name: np.asarray(getattr(functional, name)) for name in "PSR"}
        ends = {f"breaks{j}": np.array(one, dtype=np.float64) for j, one in enumerate(breaks)}
        return cls(functional.order, arrays | ends, level, radius)

    @classmethod
    def undelayed(cls, p: np.ndarray) -> WindowsPart:
        """Return the part that shows stability without delay, by V = x^T P x."""
        return cls(0, {"P": p})

    def entry(self) -> bytes:
        """Return the content of the file's entry."""
        arrays = {k: np.ascontiguousarray(v, dtype=np.float64) for k, v in self.arrays.items()}
        return array_entry(arrays)


def windows_section(parts: Sequence[WindowsPart]) -> dict[str, Any]:
    """Return the section ``functional``."""
    return {
        "kind": "quadratic",
        "order": parts[0].order,
        "parts": [{"networks": {}} for _ in parts],
    }


def several_certified(
    system: DelaySystem,
    delay: Several,
    parts: Sequence[WindowsPart],
    codes: Sequence[int],
    **extra: Any,
) -> Certificate:
    """Build a certificate of kind ``several``.

    Parameters
    ----------
    system, delay
        What is certified.
    parts : sequence of WindowsPart
        One for each leaf of the tree, in level order.
    codes : sequence of int
        The tree over the box of delays, in level order: the number of the delay that is halved, 254 for a leaf.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    entries = {f"part{i}.npz": part.entry() for i, part in enumerate(parts)}
    entries["several.npz"] = array_entry({"codes": np.array(codes, dtype=np.uint8)})
    functional, region = windows_section(parts), None
    levels = [float(part.level) for part in parts if part.level is not None]
    if levels:
        region = {
            "domain": system_section(system)["domain"],
            "level": levels,
            "radius": smallest_radius([p.radius for p in parts if p.radius is not None]),
            "area": None,
        }
    proof = {"nonlinear": nonlinear_states(system)}
    return claimed(
        "several",
        system,
        delay,
        functional=functional,
        proof=proof,
        region=region,
        entries=entries,
        **extra,
    )
