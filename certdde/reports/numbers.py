"""How numbers are shown in tables."""

from __future__ import annotations

import math

MISSING = "–"  # noqa: RUF001


def exact(value: float | None) -> str:
    """Return a number in full, as Python writes it."""
    return MISSING if value is None else repr(value)


def count(value: float | None) -> str:
    """Return a whole number with thin groups of three digits."""
    return MISSING if value is None else f"{int(value):,}"


def short(value: float | None, digits: int = 4) -> str:
    """Return a number in a few significant digits."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.{digits}g}"


def percent(share: float | None) -> str:
    """Return a share in percent."""
    return MISSING if share is None or not math.isfinite(share) else f"{100 * share:.1f} %"


def seconds(value: float | None) -> str:
    """Return a time in seconds: three digits, but no more than milliseconds."""
    if value is None or not math.isfinite(value):
        return MISSING
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1
    return f"{value:.{digits}f}"
