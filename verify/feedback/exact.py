"""The 3/2 theorem in exact arithmetic, as the checker will apply it (docs/math.md)."""

from __future__ import annotations

from fractions import Fraction

Pair = tuple[Fraction, Fraction]


def ramp(rho: Fraction, size: Fraction, back: Fraction, h: Fraction) -> Fraction:
    """Return int_0^h max(rho, size min(1, back w)) dw, for 0 <= rho <= size and back > 0."""
    first, last = min(h, rho / (size * back)), min(h, 1 / back)
    return rho * first + size * back * (last**2 - first**2) / 2 + size * (h - last)


def stays(rho: Fraction, box: Pair, rise: Pair, back: Pair, h: Fraction) -> bool:
    """Tell whether histories within rho stay strictly inside the box (P, N), given the bounds of the gains."""
    return rho < min(box) and all(
        rise[k] * ramp(rho, box[1 - k], back[1 - k], h) < box[k]
        and rho * (1 + rise[k] * h) < box[k]
        for k in (0, 1)
    )


def swing(p: Fraction, m: Fraction, h: Fraction) -> Fraction:
    """Return the bound of a swing of x' = -p x - m x(t - tau) relative to the one before; below 1 it is stable."""
    return m * ramp(Fraction(0), Fraction(1), p + m, h)
