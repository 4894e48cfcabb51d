"""Certificates of kind ``slow`` (docs/certificate-format.md)."""

from __future__ import annotations

from collections.abc import Sequence
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
    from certdde.delays.classes import Slow
    from certdde.functionals.slow import SlowFunctional
    from certdde.systems.delay_system import DelaySystem

ENTRY = "slow.npz"


def slow_certified(
    system: DelaySystem,
    delay: Slow,
    functional: SlowFunctional,
    breaks: Sequence[float],
    region: tuple[float, Radius] | None = None,
    **extra: Any,
) -> Certificate:
    """Build a certificate of kind ``slow``.

    Parameters
    ----------
    system, delay
        What is certified.
    functional : SlowFunctional
        Its window is at least the longest delay.
    breaks : sequence of float
        Pieces of alpha = tau / window, from at most the least value to 1.
    region : (level, Radius) or None
        None for a global claim.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    arrays = {
        name: np.ascontiguousarray(value, dtype=np.float64)
        for name, value in functional.matrices.items()
    }
    arrays["window"] = np.array([functional.window], dtype=np.float64)
    arrays["breaks"] = np.array(breaks, dtype=np.float64)
    section = {"kind": "quadratic", "order": functional.order}
    bounded = None
    if region is not None:
        bounded = {
            "domain": system_section(system)["domain"],
            "level": [region[0]],
            "radius": smallest_radius([region[1]]),
            "area": None,
        }
    return claimed(
        "slow",
        system,
        delay,
        functional=section,
        proof={"nonlinear": nonlinear_states(system)},
        region=bounded,
        entries={ENTRY: array_entry(arrays)},
        **extra,
    )
