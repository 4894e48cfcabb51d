"""Sequences of delays, repeated for ever, under which a scheme does not settle: refutations in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from certdde.verify.schemes.lifted import LiftedScheme, spectral_radius

TOLERANCE = 1e-7  # a multiple root is known to the root of the precision only
MOST, MOST_CONSTANTS = 16, 48
MOST_SIZE = 400  # of a lifted state whose roots are computed


@dataclass(frozen=True, slots=True)
class Growth:
    """A word of delays, and by how much the lifted state grows a step under it in the long run."""

    word: tuple[int, ...]
    radius: float


def constant_growth(scheme: LiftedScheme, lower: int, upper: int) -> Growth | None:
    """Return a constant delay of the range at which the linear part has a root outside the unit circle."""
    return _first(scheme, _constants(lower, upper), upper)


def varying_growth(scheme: LiftedScheme, lower: int, upper: int) -> Growth | None:
    """Return a periodic sequence of delays under which the linear part grows, among a few hundred likely ones.

    The worst that was met for x[t+1] = x[t] - q x[t-d] is i, i+1, .., upper (the same past value is used again and
    again), then upper for a while (docs/math.md: it decides there).
    """
    return _first(scheme, _words(lower, upper), upper)


def _words(lower: int, upper: int) -> Iterator[list[int]]:
    yield from _constants(lower, upper)
    for start in _spread(lower, upper - 1):
        for run in _spread(0, 2 * upper):
            yield [*range(start, upper + 1), *[upper] * run]
    for first in _spread(1, upper + 1):
        for run in _spread(1, upper + 1):
            yield [*[lower] * first, *[upper] * run]


def _constants(lower: int, upper: int) -> Iterator[list[int]]:
    yield [upper]
    yield from ([d] for d in reversed(_spread(lower, upper - 1, MOST_CONSTANTS)))


def _spread(first: int, last: int, most: int = MOST) -> list[int]:
    """Return at most so many whole numbers of a range, evenly."""
    step = max(1, -(-(last - first + 1) // most))
    return list(range(first, last + 1, step))


def _first(scheme: LiftedScheme, words: Iterator[list[int]], window: int) -> Growth | None:
    if scheme.dimension * (window + 1) > MOST_SIZE:
        return None
    for word in words:
        radius = spectral_radius(scheme, word)
        if radius > 1 + TOLERANCE:
            return Growth(tuple(word), radius)
    return None
