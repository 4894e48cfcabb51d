"""Certificates of kind ``resampled`` (docs/certificate-format.md): the delay of a scheme is drawn at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from certdde.certificates.bundle import array_entry
from certdde.certificates.scheme import quadratic

if TYPE_CHECKING:
    import numpy as np

    from certdde.certificates.certificate import Certificate
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
    levels = None if region is None else ([region[0]], region[1])
    entries = {ENTRY: array_entry(arrays)}
    return quadratic(
        "resampled", system, delay, entries, nonlinear=nonlinear, region=levels, **extra
    )
