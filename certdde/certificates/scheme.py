"""Certificates of kind ``scheme`` (docs/certificate-format.md): x[t+1] = g(x[t], x[t-tau])."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from certdde.certificates.bundle import array_entry
from certdde.certificates.certificate import Certificate, claimed, system_section

if TYPE_CHECKING:
    from certdde.delays.classes import DelayClass
    from certdde.systems.delay_system import DelaySystem


ENTRY = "scheme.npz"


def lifted_certified(
    system: DelaySystem,
    delay: DelayClass,
    arrays: Mapping[str, np.ndarray],
    *,
    nonlinear: Mapping[str, Sequence[str]],
    region: tuple[Sequence[float], float] | None,
    **extra: Any,
) -> Certificate:
    """Build a certificate from quadratic functions of the lifted state.

    Parameters
    ----------
    system, delay
        What is certified.
    arrays : mapping
        ``P`` and ``step`` for a delay that varies, else ``P<d>`` for each delay d.
    nonlinear : mapping
        ``proof.nonlinear``.
    region : (levels, radius) or None
        None for a global claim.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    entries = {ENTRY: array_entry(arrays)}
    return quadratic("scheme", system, delay, entries, nonlinear=nonlinear, region=region, **extra)


def quadratic(
    kind: str,
    system: DelaySystem,
    delay: DelayClass,
    entries: Mapping[str, bytes],
    *,
    nonlinear: Mapping[str, Sequence[str]],
    region: tuple[Sequence[float], float] | None,
    **extra: Any,
) -> Certificate:
    """Build a certificate of a kind of schemes from its entries; else as for ``lifted_certified``."""
    section = None if region is None else _region(system, list(region[0]), region[1])
    return claimed(
        kind,
        system,
        delay,
        functional={"kind": "lifted"},
        proof={"nonlinear": dict(nonlinear)},
        region=section,
        entries=dict(entries),
        **extra,
    )


def peaks_certified(
    system: DelaySystem,
    delay: DelayClass,
    *,
    nonlinear: Mapping[str, Sequence[str]],
    radius: float | None,
    **extra: Any,
) -> Certificate:
    """Build a certificate by the sharp condition on the peaks of a scalar scheme; everything follows from its slopes.

    Parameters
    ----------
    system, delay
        What is certified.
    nonlinear : mapping
        ``proof.nonlinear``.
    radius : float or None
        Of the histories; None for a global claim.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    region = None if radius is None else _region(system, None, radius)
    return claimed(
        "scheme",
        system,
        delay,
        functional={"kind": "peaks"},
        proof={"nonlinear": dict(nonlinear)},
        region=region,
        **extra,
    )


def _region(system: DelaySystem, levels: list[float] | None, radius: float) -> dict[str, Any]:
    domain = system_section(system)["domain"]
    return {"domain": domain, "level": levels, "radius": {"rho": radius}, "area": None}
