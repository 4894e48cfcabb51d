"""The sharp condition for x[t+1] = x[t] - s y with y = x[t - d(t)], 0 < s <= q, d in 0..k (docs/math.md)."""

from __future__ import annotations

from fractions import Fraction


def largest_peak(q: Fraction, k: int, bound: Fraction, history: Fraction) -> Fraction:
    """Return the largest value after a zero, for histories within ``history`` and past values within ``bound``.

    ``max over a >= 0 of -a + q sum_{j=0..k} max(history, min(bound, a + j q bound))``, exactly.
    """
    steps = [j * q * bound for j in range(k + 1)]
    breaks = {Fraction(0)} | {e - step for step in steps for e in (bound, history) if e > step}
    return max(q * sum(max(history, min(bound, a + s)) for s in steps) - a for a in breaks)


def contracts(q: Fraction, k: int) -> bool:
    """Tell whether every peak is below the ones before it, so that the scheme is stable for every sequence."""
    return largest_peak(q, k, Fraction(1), Fraction(0)) < 1


def ball(q: Fraction, k: int, bound: Fraction) -> Fraction | None:
    """Return (nearly) the largest radius of histories whose solutions stay within ``bound``, or None."""
    low, high = Fraction(0), bound / (1 + k * q)
    for _ in range(30):
        middle = (low + high) / 2
        inside = largest_peak(q, k, bound, middle) <= bound
        low, high = (middle, high) if inside else (low, middle)
    return low or None
