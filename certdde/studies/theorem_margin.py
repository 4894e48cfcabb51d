"""The largest delay for which a theorem gives a certificate, by bisection; each answer is checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from certdde.learning.certify import certify

if TYPE_CHECKING:
    from certdde.delays.classes import DelayClass
    from certdde.systems.delay_system import DelaySystem

RESOLUTION = 1e-7  # of the range that is searched
Progress = Callable[[str, dict[str, Any]], None]


def theorem_margin(
    system: DelaySystem,
    delay: DelayClass,
    start: float,
    stop: float,
    *,
    deadline: float,
    progress: Progress | None = None,
) -> float | None:
    """Return the largest b found such that the delays of [start, b] have a certificate; None if there is none.

    Parameters
    ----------
    system : DelaySystem
    delay : DelayClass
        Its class and name; its range is not used.
    start, stop : float
        0 <= start < stop.
    deadline : float
        On ``time.monotonic``.
    progress : callable, optional

    Soundness
    ---------
    Rigorous: the checker accepted a certificate of [start, b].
    """

    def accepted(upper: float) -> bool:
        if progress:
            progress("margin", {"from": start, "to": upper, "method": "theorem"})
        claim = replace(delay, lower=start, upper=upper)
        return certify(system, claim, method="theorem", budget=60.0).rigor == "rigorous"

    if accepted(stop):
        return stop
    low, high = start, stop
    while high - low > RESOLUTION * (stop - start) and time.monotonic() < deadline:
        middle = (low + high) / 2
        if accepted(middle):
            low = middle
        else:
            high = middle
    return low if low > start else None
