"""The delays of a random delay that are not certified, piece by piece, and what is known of them: float64."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np
import torch

from certdde.delays.random import Random
from certdde.errors import CertddeError
from certdde.learning.falsify import UNSTABLE
from certdde.learning.random_pieces import Attempt
from certdde.learning.random_windows import Range, counted, gaps, linearised
from certdde.systems.delay_system import DelaySystem
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import abscissa

NARROW = 1e-6  # of the mass: such pieces are counted together
MOST_ROWS = 100


def complement(
    system: DelaySystem, delay: Random, certified: list[Range], attempts: Sequence[Attempt]
) -> list[dict[str, Any]]:
    """Return rows ``range`` (its end null: no end), ``mass``, ``status`` and ``why``.

    ``status`` is ``unstable`` (the linearisation has roots with positive real part, by counting those that cross,
    and by its spectrum at one delay), ``refuted`` (a solution from the domain does not converge there, by
    simulation) or ``unknown``.
    The range of a row that counts narrow pieces together is null.
    """
    linear = _linearised(system)
    rows: list[dict[str, Any]] = []
    counts = counted(linear, delay.lower, delay.upper) if linear else []
    for low, high in gaps(delay, certified):
        for a, b, roots in _joined(counts or [(low, high, 0)], low, high):
            row = {"range": [a, b], "mass": delay.mass(a, b)}
            rows.append(row | _status(linear, delay, attempts, (a, b), roots))
    if delay.law.upper > delay.upper:
        why = "not looked at"
        end = None if delay.law.upper == inf else delay.law.upper
        mass = delay.mass(delay.upper, delay.law.upper)
        rows.append({"range": [delay.upper, end], "mass": mass, "status": "unknown", "why": why})
    return _shortened(rows)


def _joined(
    counts: list[tuple[float, float, int]], low: float, high: float
) -> list[tuple[float, float, int]]:
    """Return the pieces within [low, high], unstable neighbours as one; the least number of their roots."""
    found: list[tuple[float, float, int]] = []
    for start, stop, roots in counts:
        a, b = max(start, low), min(stop, high)
        if a >= b:
            continue
        if found and found[-1][2] > 0 and roots > 0:
            found[-1] = found[-1][0], b, min(found[-1][2], roots)
        else:
            found.append((a, b, roots))
    return found


def _linearised(system: DelaySystem) -> LinearDelaySystem | None:
    """Return the linearisation; None where there are many, of a family of systems."""
    if system.family is not None:
        return None
    try:
        return linearised(system)
    except (CertddeError, ArithmeticError, np.linalg.LinAlgError):
        return None


def _status(
    linear: LinearDelaySystem | None,
    delay: Random,
    attempts: Sequence[Attempt],
    ends: Range,
    roots: int,
) -> dict[str, Any]:
    low, high = ends
    if linear and roots > 0 and delay.mass(*ends) >= NARROW:
        tau = _near(delay, ends)
        root = abscissa(linear, tau)
        if root > UNSTABLE:
            why = f"at least {roots} characteristic root{'s' * (roots > 1)} with positive real part"
            return {"status": "unstable", "why": f"{why} (at {tau:.6g}: {root:.4g})"}
    for one in attempts:
        shown = one.said.get("delay")
        if one.piece is None and shown is not None and low <= float(shown) <= high:
            return {"status": "refuted", "why": str(one.said["found"])}
    return {"status": "unknown", "why": _said(attempts, low, high)}


def _near(delay: Random, ends: Range) -> float:
    """Return the median of the law given that the delay lies there."""
    first, last = delay.law.cdf(torch.tensor(ends, dtype=torch.float64)).tolist()
    median = float(delay.law.quantile(torch.tensor(0.5 * (first + last), dtype=torch.float64)))
    return median if ends[0] < median < ends[1] else 0.5 * (ends[0] + ends[1])


def _said(attempts: Sequence[Attempt], low: float, high: float) -> str:
    """Return what the narrowest attempt said that failed there."""
    failed = [one for one in attempts if one.piece is None and one.lower < high and low < one.upper]
    near = min(failed, key=lambda one: one.upper - one.lower, default=None)
    return str(near.said["said"]).removeprefix("Not certified: ")[:300] if near else "not tried"


def _shortened(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Count narrow pieces together, and those beyond the most probable ones."""
    wide = sorted((r for r in rows if r["mass"] >= NARROW), key=lambda r: -r["mass"])[:MOST_ROWS]
    kept = [row for row in rows if row in wide]
    rest = [row for row in rows if row not in wide]
    if rest:
        total = sum(row["mass"] for row in rest)
        why = f"{len(rest)} narrow pieces, next to others"
        kept.append({"range": None, "mass": total, "status": "unknown", "why": why})
    return kept
