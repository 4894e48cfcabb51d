"""Search for the smallest delay at which some path of a family destabilises: ascent of the multiplier, many starts.

Every path is scaled so that its delays fill [0, 1]; a scale h stretches delays and time alike, which leaves the
bounds of its rate as they are, and is the same as h A, h B in place of A, B. So one shape has one critical scale, and
the search alternates: better shapes at the scale reached, then the scale at which the better shape is critical.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from scipy.optimize import brentq

from certdde.delays.paths import DelayPath

Point = TypeVar("Point")
GROWS = 1e-7  # log |mu| above this counts as growth
STEP_DOWN = 0.97
BOLD, BELOW = (
    1e-2,
    3e-4,
)  # relative: a better shape is looked for at a scale that is shorter by so much
Report = Callable[[float | None, int, int], None]


@dataclass(frozen=True, slots=True)
class Value:
    """log |mu| of a shape at a scale, and its derivatives or gains in whatever the family moves."""

    growth: float
    gain: np.ndarray


class Family(ABC, Generic[Point]):
    """Shapes of a delay that varies, with delays in [0, 1], of one regularity.

    Implementations owe: every point that ``starts``, ``moves`` and ``variants`` give is in the class, by construction.
    """

    @abstractmethod
    def value(self, point: Point, scale: float) -> Value:
        """Return how the dominant solution grows over a period, and the gains."""

    @abstractmethod
    def starts(self, count: int, generator: np.random.Generator) -> Iterator[Point]:
        """Yield shapes to begin with."""

    @abstractmethod
    def moves(self, point: Point, gain: np.ndarray) -> Iterator[Point]:
        """Yield shapes that should be better, bold ones first."""

    @abstractmethod
    def length(self, point: Point) -> float:
        """Return how long it is until the growth that ``value`` gives, in any unit."""

    @abstractmethod
    def variants(self, point: Point) -> Iterator[Point]:
        """Yield shapes with another period."""

    @abstractmethod
    def path(self, point: Point, scale: float) -> tuple[DelayPath, float]:
        """Return the path with delays in [0, scale], and its period."""

    @abstractmethod
    def orbit(self, point: Point, scale: float) -> tuple[np.ndarray, np.ndarray, complex]:
        """Return times in one period ending at 0, the dominant solution there, complex (K, n), and mu."""


@dataclass(frozen=True, slots=True)
class Shape(Generic[Point]):
    """A shape, and the scale at which its dominant solution begins to grow."""

    point: Point
    scale: float


def ascended(
    family: Family[Point], point: Point, scale: float, most: int = 30
) -> tuple[Point, float]:
    """Return the end of an ascent from a shape, and log |mu| there."""
    value, tries = family.value(point, scale), 0
    improved = True
    while improved and tries < most:
        improved = False
        for other in family.moves(point, value.gain):
            found, tries = family.value(other, scale), tries + 1
            if found.growth > value.growth + 1e-3 * abs(value.growth) + 1e-9:
                point, value, improved = other, found, True
                break
    return point, value.growth


def critical(family: Family[Point], point: Point, scale: float) -> float:
    """Return the largest scale below one with growth at which there is none."""
    high, low = scale, STEP_DOWN * scale
    while family.value(point, low).growth > 0 and low > 1e-6 * scale:
        high, low = low, STEP_DOWN * low
    return float(
        brentq(lambda s: family.value(point, s).growth, low, high, xtol=1e-8 * scale, rtol=1e-10)
    )


def lowered(family: Family[Point], point: Point, scale: float) -> Shape[Point] | None:
    """Return a shape with growth below a scale, reached from a point; None if the ascent finds none."""
    best, step = None, BOLD
    while step >= BELOW:
        point, growth = ascended(family, point, scale * (1 - step))
        if growth > GROWS:
            scale = critical(family, point, scale * (1 - step))
            best = Shape(point, scale)
        else:
            step /= 4
    return best


def searched(
    family: Family[Point],
    scales: Sequence[float],
    starts: int,
    generator: np.random.Generator,
    *,
    hints: Sequence[Point] = (),
    report: Report | None = None,
) -> Shape[Point] | None:
    """Return the shape with the smallest scale found: ascents at growing scales until one destabilises, then more.

    Parameters
    ----------
    family : Family
    scales : sequence of float
        Increasing; the last is where the search ends.
    starts : int
        Shapes to begin with at each scale; of these, and of the hints, the sixth part that grows fastest is improved.
    generator : numpy.random.Generator
    hints : sequence of points
        Shapes that are tried too.
    report : callable, optional
        Called with the smallest scale so far (or the one tried), the number of the ascent and how many there are.

    Soundness
    ---------
    float64: a shape is evidence, to be confirmed by an integration; that none is found proves nothing.
    """
    best: Shape[Point] | None = None
    for scale in scales:
        best = _round(family, scale, None, starts, generator, hints, report)
        if best:
            break
    if best is None:
        return None
    best = _round(family, best.scale, best, starts, generator, hints, report)
    return best and _varied(family, best)


def _round(
    family: Family[Point],
    scale: float,
    best: Shape[Point] | None,
    starts: int,
    generator: np.random.Generator,
    hints: Sequence[Point],
    report: Report | None,
) -> Shape[Point] | None:
    """Improve the most promising of a number of new shapes."""
    points = [*hints, *family.starts(starts, generator)]
    speeds = [family.value(one, scale).growth / family.length(one) for one in points]
    chosen = np.argsort(speeds)[::-1][: max(2, starts // 6)]
    for k, i in enumerate(chosen):
        if report:
            report(best.scale if best else scale, k, len(chosen))
        best = lowered(family, points[i], best.scale if best else scale) or best
    return best


def _varied(family: Family[Point], best: Shape[Point], most: int = 12) -> Shape[Point]:
    """Try other periods as long as they pay."""
    for _ in range(most):
        trials = [*family.variants(best.point)]
        growths = [family.value(one, best.scale).growth for one in trials]
        k = int(np.argmax(growths)) if trials else 0
        if not trials or growths[k] <= GROWS:
            break
        better = lowered(family, trials[k], best.scale)
        if better is None:
            break
        gained, best = best.scale - better.scale, better
        if gained < 5 * BELOW * best.scale:
            break
    return best
