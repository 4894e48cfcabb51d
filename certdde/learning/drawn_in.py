"""A stable window of delays as far as it can be proved: its ends are drawn in until no root crosses."""

from __future__ import annotations

import time
from math import inf

from certdde.verify.spectral.crossing import PossibleCrossing, prove_no_crossing
from certdde.verify.spectral.linear import LinearDelaySystem

CLOSEST, FARTHEST = 1e-9, 1e-3  # of the upper end: how close to a crossing, and how far from it


def drawn_in(
    system: LinearDelaySystem,
    lower: float,
    upper: float,
    still: tuple[bool, bool],
    deadline: float = inf,
) -> tuple[float, float] | PossibleCrossing | None:
    """Draw the ends in until there is no crossing.

    Parameters
    ----------
    system : LinearDelaySystem
    lower, upper : float
    still : (bool, bool)
        Which ends are no crossings, so that they stay where they are.
    deadline : float
        On ``time.monotonic``.

    Returns
    -------
    (float, float), PossibleCrossing or None
        The range without a crossing (float64); a crossing far from both ends; or None, if neither is found.
    """
    gaps = [0.0 if here else CLOSEST for here in still]
    while max(gaps) < FARTHEST and time.monotonic() < deadline:
        a, b = lower + gaps[0] * upper, upper - gaps[1] * upper
        found = prove_no_crossing(system, a, b, deadline=deadline) if a < b else None
        if found is None or not isinstance(found, PossibleCrossing):
            return None if found is None else (a, b)
        end = 0 if found.delay - a < b - found.delay else 1
        if abs(found.delay - (a, b)[end]) > FARTHEST * upper:
            return found
        reached = 2 * abs(found.delay - (lower, upper)[end]) / upper
        gaps[end] = max(2 * gaps[end], reached, CLOSEST)
    return None
