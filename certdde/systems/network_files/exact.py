"""Sums and products of binary64 numbers, or None where they would be rounded."""

from __future__ import annotations

import numpy as np


def exact_sum(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """Return a + b if no entry is rounded, by the error term of Knuth's two-sum."""
    if not a.any():
        return b
    total: np.ndarray = a + b
    part = total - a
    error = (a - (total - part)) + (b - part)
    return total if not error.any() else None


def exact_product(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """Return a * b if one factor is of -1, 0, 1 only, or both are float32 numbers: 48 bits are enough."""
    if _unit(a) or _unit(b) or (_single(a) and _single(b)):
        product: np.ndarray = a * b + 0.0
        return product
    return None


def _unit(a: np.ndarray) -> bool:
    return bool(np.isin(a, (-1.0, 0.0, 1.0)).all())


def _single(a: np.ndarray) -> bool:
    with np.errstate(over="ignore", under="ignore"):
        return bool((a.astype(np.float32) == a).all())
