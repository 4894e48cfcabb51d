"""Delay margins that are known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from certdde.studies.regularity.classes import Regularity
from certdde.studies.regularity.matrices import Matrices
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import crossing_delays


@dataclass(frozen=True, slots=True)
class Known:
    """The exact margin, and where it is from."""

    margin: float
    source: str


def known(matrices: Matrices, regularity: Regularity, stop: float) -> Known | None:
    """Return the exact margin of a linear system if it is known: constant delays, and a few scalar equations.

    For x' = -p x - m x(t - tau), m > |p|: constant delays up to arccos(-p/m)/sqrt(m^2 - p^2); sample and hold, where
    |M(g)| < 1 is needed at each gap, up to log((m + p)/(m - p))/p, which is 2/m for p = 0; measurable delays, p = 0, up
    to 3/(2 m) (Myshkis 1951, Yorke 1970). Others: constant delays up to the first root on the axis, in float64.
    """
    if matrices.size == 1:
        return _scalar(-float(matrices.present[0, 0]), -float(matrices.delayed[0, 0]), regularity)
    if regularity.kind == "constant":
        crossing = first_crossing(matrices, stop)
        return None if crossing is None else Known(crossing, "characteristic roots (float64)")
    return None


def first_crossing(matrices: Matrices, stop: float) -> float | None:
    """Return the smallest constant delay below ``stop`` with a root on the imaginary axis, in float64."""
    terms = tuple(
        tuple(tuple(Fraction(float(v)) for v in row) for row in matrix)
        for matrix in (matrices.present, matrices.delayed)
    )
    found = crossing_delays(LinearDelaySystem(terms), 0.0, stop)
    return float(found[0]) if found else None


def _scalar(p: float, m: float, regularity: Regularity) -> Known | None:
    if not m > abs(p):
        return None
    if regularity.kind == "constant":
        return Known(math.acos(-p / m) / math.sqrt(m * m - p * p), "characteristic equation")
    if regularity.kind == "sampled":
        margin = 2 / m if p == 0 else math.log((m + p) / (m - p)) / p
        return Known(margin, "|M(gap)| < 1")
    if regularity.kind == "measurable" and p == 0:
        return Known(3 / (2 * m), "Myshkis 1951, Yorke 1970")
    return None
