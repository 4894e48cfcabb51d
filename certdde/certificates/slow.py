"""Certificates of kind ``slow`` (docs/certificate-format.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from certdde.certificates.bundle import array_entry
from certdde.certificates.certificate import Certificate, claimed

if TYPE_CHECKING:
    from certdde.delays.classes import Slow
    from certdde.functionals.slow import SlowFunctional
    from certdde.systems.delay_system import DelaySystem

ENTRY = "slow.npz"


def slow_certified(
    system: DelaySystem,
    delay: Slow,
    functional: SlowFunctional,
    breaks: Sequence[float],
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
    entries = {ENTRY: array_entry(arrays)}
    return claimed("slow", system, delay, functional=section, entries=entries, **extra)
