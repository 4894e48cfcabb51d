"""Shifted Legendre moments: the constants of the Bessel-Legendre reduction (docs/math.md, section 2)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch

ABOUT_ZERO = 1e-12  # of a range: pieces that grow from there are too many, or do not grow


def moment_rates(
    x: torch.Tensor, y: torch.Tensor, moments: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    """Return G_0 .. G_N, G_k = x - (-1)^k y - sum_{j<k} (2j+1)(1 - (-1)^{k+j}) Omega_j, for N = len(moments).

    The arguments are row matrices (n, M) that pick x, y and the moments from one vector, or vectors themselves.
    """
    rates = []
    for k in range(len(moments) + 1):
        rate = x - (-1) ** k * y
        for j in range(k):
            if (k + j) % 2:
                rate = rate - 2 * (2 * j + 1) * moments[j]
        rates.append(rate)
    return rates


def delay_pieces(
    lower: float, upper: float, ratio: float = 1.25, first: float = 0.3
) -> list[float]:
    """Return break points of [lower, upper], geometric; a range from about 0 starts with a piece to first * upper."""
    breaks = [lower]
    if lower < ABOUT_ZERO * upper:
        breaks.append(first * upper)
    while breaks[-1] * ratio < upper * (1 - 1e-9):
        breaks.append(breaks[-1] * ratio)
    if breaks[-1] < upper:
        breaks.append(upper)
    return breaks


def reciprocal_minorant(breaks: Sequence[float]) -> list[float]:
    """Return kappa at the breaks: linear between them, nowhere above 1/tau.

    On a piece [s, t] the tangent of 1/tau at the middle is used, 1/t if s = 0, and the lesser of two at a shared break.
    """
    values = [float("inf")] * len(breaks)
    for i, (s, t) in enumerate(itertools.pairwise(breaks)):
        c = (s + t) / 2
        ends = (1 / t, 1 / t) if s == 0 else (2 / c - s / c**2, 2 / c - t / c**2)
        values[i], values[i + 1] = min(values[i], ends[0]), min(values[i + 1], ends[1])
    if len(breaks) == 1:
        values = [1 / breaks[0]]
    return values
