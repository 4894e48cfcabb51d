"""Certificates of kind ``spectral`` (docs/certificate-format.md, section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from certdde.certificates.bundle import array_entry
from certdde.certificates.certificate import Certificate, certified, claimed
from certdde.certificates.windows import WindowsPart, windows_section

if TYPE_CHECKING:
    from certdde.certificates.part import Part
    from certdde.delays.classes import Constant
    from certdde.systems.delay_system import DelaySystem

ENTRY = "spectral.npz"


def spectral_certified(
    system: DelaySystem,
    delay: Constant,
    anchor: Part | WindowsPart,
    proved: tuple[float, float],
    codes: np.ndarray,
    **extra: Any,
) -> Certificate:
    """Build a certificate from one delay's functional and a proof that no root crosses.

    Parameters
    ----------
    system, delay
        What is certified.
    anchor : Part or WindowsPart
        A functional for some delays, the latter if multiples of the delay occur; one of them at least in ``proved``.
    proved : (float, float)
        The delays, a range that holds ``delay``, for which there is no root on the imaginary axis.
    codes : array of uint8
        The tree over frequency and delay.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    arrays = {
        "delays": np.array(proved, dtype=np.float64),
        "grid": np.array([1, 1], dtype=np.int64),
        "blocks": np.array([1], dtype=np.int64),
        "codes": codes,
    }
    partition = {ENTRY: array_entry(arrays)}
    if isinstance(anchor, WindowsPart):
        entries = {"part0.npz": anchor.entry(), **partition}
        functional = windows_section([anchor])
        return claimed("spectral", system, delay, functional=functional, entries=entries, **extra)
    nonlinear: dict[str, list[str]] = {"states": [], "delayed": []}
    plain = certified(system, delay, [anchor], nonlinear=nonlinear, area=None, **extra)
    return Certificate({**plain.data, "kind": "spectral"}, {**plain.entries, **partition})
