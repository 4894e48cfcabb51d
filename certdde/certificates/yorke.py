"""Certificates of kind ``yorke`` (docs/certificate-format.md): delayed negative feedback, by the 3/2 theorem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from certdde.certificates.bundle import array_entry
from certdde.certificates.certificate import Certificate, claimed, system_section

if TYPE_CHECKING:
    from certdde.delays.classes import DelayClass
    from certdde.systems.delay_system import DelaySystem

ENTRY = "yorke.npz"
FUNCTIONAL = {"kind": "none"}


def linear_certified(system: DelaySystem, delay: DelayClass, **extra: Any) -> Certificate:
    """Build a global certificate of a linear equation; everything follows from its coefficients.

    Parameters
    ----------
    system, delay
        What is certified.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    proof = {"slopes": None}
    return claimed("yorke", system, delay, functional=FUNCTIONAL, proof=proof, **extra)


def feedback_certified(
    system: DelaySystem,
    delay: DelayClass,
    *,
    rho: float,
    box: tuple[float, float],
    rise: tuple[float, float],
    back: tuple[float, float],
    codes: np.ndarray,
    **extra: Any,
) -> Certificate:
    """Build a certificate of a nonlinear equation on a domain.

    Parameters
    ----------
    system, delay
        What is certified.
    rho : float
        The radius of the histories.
    box : (float, float)
        What they do not leave, in the user's coordinates.
    rise, back : (float, float)
        Bounds of the gains, for x above and below the equilibrium.
    codes : array of uint8
        The trees of the four quadrants.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    [state], section = system.states, system_section(system)
    region = {
        "domain": section["domain"],
        "level": None,
        "radius": {"rho": rho, "box": list(box)},
        "area": None,
    }
    proof = {
        "nonlinear": {"states": [state], "delayed": [state]},
        "slopes": {"rise": list(rise), "back": list(back)},
    }
    entries = {ENTRY: array_entry({"codes": codes})}
    return claimed(
        "yorke",
        system,
        delay,
        functional=FUNCTIONAL,
        proof=proof,
        region=region,
        entries=entries,
        **extra,
    )
