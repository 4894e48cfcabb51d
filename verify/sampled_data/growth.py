"""Sampling steps that, repeated for ever, make solutions grow (float64)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from certdde.verify.sampled_data.held import HeldSystem

GRIDS = {1: 193, 2: 41, 3: 15, 4: 9}  # steps to choose from, by the number of letters of a word
GROWS = 1e-6  # of a spectral radius over 1: less is rounding
BEST = 3  # words of each length that are improved


@dataclass(frozen=True, slots=True)
class Growth:
    """A word of steps and the spectral radius of the map over it."""

    word: tuple[float, ...]
    radius: float

    @property
    def rate(self) -> float:
        """The exponent of the growth per unit of time."""
        return math.log(max(self.radius, 1e-300)) / sum(self.word)

    @property
    def grows(self) -> bool:
        """Whether solutions grow, beyond what rounding may feign."""
        return self.radius > 1 + GROWS


def fastest_growth(system: HeldSystem, lower: float, upper: float) -> Growth:
    """Return the shortest word of steps that makes solutions grow, else the word that comes closest to it.

    Parameters
    ----------
    system : HeldSystem
    lower, upper : float
        0 <= lower <= upper.

    Soundness
    ---------
    float64: that solutions grow is evidence; that no word was found proves nothing.
    """
    found: list[Growth] = []
    for word in _words(system, lower, upper):
        found.append(word)
        if word.grows:
            return word
    return max(found, key=lambda one: one.rate)


def _words(system: HeldSystem, lower: float, upper: float) -> Iterator[Growth]:
    for letters, count in GRIDS.items():
        steps = np.unique(np.linspace(max(lower, upper / count), upper, count))
        radii = _radii(system, steps, letters)
        rates = np.log(np.maximum(radii, 1e-300)) / _lengths(steps, letters)
        best = np.argsort(rates, axis=None)[::-1][:BEST]
        for place in zip(*np.unravel_index(best, rates.shape), strict=True):
            yield _improved(system, steps[list(place)], (lower, upper))


def _radii(system: HeldSystem, steps: np.ndarray, letters: int) -> np.ndarray:
    """Return the spectral radii of all words, one axis a letter."""
    maps = system.maps(steps)
    total = maps
    for _ in range(letters - 1):
        total = np.einsum("...ij,kjl->...kil", total, maps)
    return np.abs(np.linalg.eigvals(total)).max(-1)


def _lengths(steps: np.ndarray, letters: int) -> np.ndarray:
    """Return the times that all words take."""
    total = steps
    for _ in range(letters - 1):
        total = total[..., None] + steps
    return total


def radius_of(system: HeldSystem, word: Sequence[float]) -> float:
    """Return the spectral radius of the map over a word."""
    return float(np.abs(np.linalg.eigvals(system.product(word))).max())


def _improved(system: HeldSystem, word: np.ndarray, ends: tuple[float, float]) -> Growth:
    """Move the steps of a word so that it grows faster."""
    low = max(ends[0], 1e-3 * ends[1])
    bounds = [(low, ends[1])] * len(word)

    def lost(steps: np.ndarray) -> float:
        return -Growth(tuple(steps), radius_of(system, steps)).rate

    start = Growth(tuple(map(float, word)), radius_of(system, word))
    if start.grows or low == ends[1]:
        return start
    options = {"maxfev": 60 * len(word), "xatol": 1e-9 * ends[1], "fatol": 1e-12}
    moved = minimize(lost, word, method="Nelder-Mead", bounds=bounds, options=options).x
    better = Growth(tuple(map(float, moved)), radius_of(system, moved))
    return max(start, better, key=lambda one: one.rate)
