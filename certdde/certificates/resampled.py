"""Certificates of kind ``resampled`` (docs/certificate-format.md): the delay of a scheme is drawn at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from certdde.certificates.bundle import array_entry
from certdde.certificates.certificate import Certificate, claimed, system_section

if TYPE_CHECKING:
    from certdde.delays.classes import Resampled
    from certdde.systems.delay_system import DelaySystem

ENTRY = "resampled.npz"


def resampled_certified(
    system: DelaySystem,
    delay: Resampled,
    arrays: Mapping[str, np.ndarray],
    *,
    nonlinear: Mapping[str, Sequence[str]],
    region: tuple[float, float] | None,
    **extra: Any,
) -> Certificate:
    """Build a certificate from a quadratic function of the lifted state whose mean falls.

    Parameters
    ----------
    system, delay
        What is certified.
    arrays : mapping
        ``P``, and perhaps ``Q``, a bound for each delay.
    nonlinear : mapping
        ``proof.nonlinear``.
    region : (level, radius) or None
        None for a global claim.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    section = None
    if region is not None:
        section = {
            "domain": system_section(system)["domain"],
            "level": [region[0]],
            "radius": {"rho": region[1]},
            "area": None,
        }
    return claimed(
        "resampled",
        system,
        delay,
        functional={"kind": "lifted"},
        proof={"nonlinear": dict(nonlinear)},
        region=section,
        entries={ENTRY: array_entry(arrays)},
        **extra,
    )
