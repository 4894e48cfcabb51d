"""Delays with a bounded rate: piecewise linear courses, and smooth ones; Floquet multipliers by collocation."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from certdde.delays.paths import FourierPath
from certdde.studies.regularity.ascent import Family, Value
from certdde.studies.regularity.floquet import Floquet, Mesh, floquet
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.paths import PeriodicPath, fourier_path, trigonometric

STRETCHES = (0.8, 0.9, 0.95, 1.05, 1.1, 1.25)
STEPS = (1.0, 0.3, 0.1, 0.03, 0.01)
FEWEST, MOST = 10, 40
ROUNDING = 1e-9  # kept from the bounds of the rate
Course = TypeVar("Course", "Knots", "Wave")


@dataclass(frozen=True, slots=True)
class Knots:
    """A piecewise linear shape: values at even knots of one period."""

    period: float
    values: Float[np.ndarray, " knots"]


@dataclass(frozen=True, slots=True)
class Wave:
    """A trigonometric shape: mean + sum_k cosines[k] cos(2 pi (k+1) t / period) + the same with sines."""

    period: float
    mean: float
    cosines: Float[np.ndarray, " terms"]
    sines: Float[np.ndarray, " terms"]


def density(matrices: Matrices, scale: float) -> float:
    """Return elements per longest delay: few, since multipliers converge twice as fast as solutions."""
    return float(np.clip(matrices.speed * scale / 5, 2.0, 5.0))


@dataclass(frozen=True, slots=True)
class Courses(Family[Course]):
    """Shapes with tau' <= fastest, and -fastest <= tau' unless they may fall as they like.

    Attributes
    ----------
    matrices : Matrices
    fastest : float
    one_sided : bool
    terms : int
        Of the smooth ones.
    fine : int
        How many times more elements than a search needs.
    """

    matrices: Matrices
    fastest: float
    one_sided: bool = False
    terms: int = 6
    fine: int = 1

    @abstractmethod
    def delay(
        self, point: Course, times: Float[np.ndarray, " times"]
    ) -> Float[np.ndarray, " times"]:
        """Return the delay at times of one period."""

    @abstractmethod
    def restretched(self, point: Course, factor: float) -> Course:
        """Return the shape with another period, put back into the class."""

    def mesh(self, point: Course, scale: float) -> Mesh:
        """Return elements for the period, or for as many periods as are longer than the delay."""
        elements = self.elements(point, scale)
        repeats = math.ceil(1 / point.period + 1 / elements)
        return Mesh(np.linspace(0, repeats * point.period, repeats * elements + 1))

    def elements(self, point: Course, scale: float) -> int:
        """Return how many elements a period needs."""
        wanted = self.fine * point.period * density(self.matrices, scale)
        return max(math.ceil(wanted), 2 * self.terms)

    def solved(self, point: Course, scale: float) -> tuple[Floquet, Mesh]:
        """Return the dominant multiplier, in units of time with a longest delay of 1."""
        mesh = self.mesh(point, scale)
        delay = self.delay(point, np.remainder(mesh.points, point.period))
        return floquet(self.matrices.scaled(scale), mesh, delay), mesh

    def value(self, point: Course, scale: float) -> Value:
        """Return log |mu| over a period (or several), and the gains at even times of it."""
        found, mesh = self.solved(point, scale)
        turn = np.remainder(mesh.points, point.period) / point.period
        return Value(found.growth, np.stack([turn, found.gain]))

    def length(self, point: Course) -> float:
        """Return the period, or as many of them as are longer than the delay."""
        return point.period * math.ceil(1 / point.period)

    def variants(self, point: Course) -> Iterator[Course]:
        """Yield shorter and longer periods."""
        for factor in STRETCHES:
            yield self.restretched(point, factor)

    def orbit(self, point: Course, scale: float) -> tuple[np.ndarray, np.ndarray, complex]:
        """Return the dominant solution over the period before 0."""
        found, mesh = self.solved(point, scale)
        times = np.linspace(0, mesh.period, 400)
        whole = np.concatenate([found.solution[-1:] / found.multiplier, found.solution])
        states = mesh.rows(times) @ whole / found.multiplier
        return scale * (times - mesh.period), states, found.multiplier

    def periods(self, count: int, generator: np.random.Generator) -> Iterator[float]:
        """Yield periods, from shorter than a delay to what it takes to go from 0 to 1 and back."""
        longest = max(4.0, 2.4 / self.fastest)
        for _ in range(count):
            yield float(np.exp(generator.uniform(math.log(0.6), math.log(longest))))


@dataclass(frozen=True, slots=True)
class LipschitzCourses(Courses[Knots]):
    """Piecewise linear shapes, kept in the class by the mean of least Lipschitz majorant and greatest minorant."""

    def projected(self, period: float, values: Float[np.ndarray, " knots"]) -> Knots:
        """Return the shape that is put into the class: values in [0, 1], and the bounds of the rate."""
        values = np.clip(values, 0.0, 1.0)
        count = len(values)
        ahead = np.remainder(np.arange(count)[:, None] - np.arange(count), count) * period / count
        # reach[i, j]: how much larger the value at knot i may be than the one at knot j.
        reach = (
            (1 - ROUNDING)
            * self.fastest
            * (ahead if self.one_sided else np.minimum(ahead, period - ahead))
        )
        below = (values + reach).min(axis=1)
        above = (values[:, None] - reach).max(axis=0)
        return Knots(period, (below + above) / 2)

    def starts(self, count: int, generator: np.random.Generator) -> Iterator[Knots]:
        """Yield triangles and rough shapes, put into the class."""
        for k, period in enumerate(self.periods(count, generator)):
            knots = int(np.clip(math.ceil(6 * period), FEWEST, MOST))
            turn = np.arange(knots) / knots
            rough = generator.uniform(0, 1, knots)
            peak = generator.uniform(0.1, 0.9)
            triangle = np.where(turn < peak, turn / peak, (1 - turn) / (1 - peak))
            centre = generator.uniform(0, 1)
            yield self.projected(period, triangle if k % 2 else centre + 2 * (rough - 0.5))

    def delay(
        self, point: Knots, times: Float[np.ndarray, " times"]
    ) -> Float[np.ndarray, " times"]:
        """Interpolate linearly."""
        whole = np.append(point.values, point.values[0])
        return np.interp(times, np.linspace(0, point.period, len(whole)), whole)

    def elements(self, point: Knots, scale: float) -> int:
        """Return how many elements a period needs: one or more between each two knots."""
        knots = len(point.values)
        wanted = self.fine * point.period * density(self.matrices, scale)
        return knots * math.ceil(wanted / knots)

    def moves(self, point: Knots, gain: np.ndarray) -> Iterator[Knots]:
        """Yield steps along the gradient, from very long ones (to the bounds) to short ones."""
        turn, slope = gain
        place = turn * len(point.values)
        left = np.minimum(place.astype(int), len(point.values) - 1)
        weights = np.zeros_like(point.values)
        np.add.at(weights, left, (1 - place + left) * slope)
        np.add.at(weights, (left + 1) % len(weights), (place - left) * slope)
        size = np.abs(weights).max()
        for step in (30.0, 5.0, *STEPS) if size > 0 else ():
            yield self.projected(point.period, point.values + step * weights / size)

    def restretched(self, point: Knots, factor: float) -> Knots:
        """Return the shape with another period, put back into the class."""
        return self.projected(factor * point.period, point.values)

    def path(self, point: Knots, scale: float) -> tuple[PeriodicPath, float]:
        """Return the path of the solver."""
        count, period = len(point.values), scale * point.period
        times, values = period * np.arange(count) / count, scale * point.values
        slopes = (np.roll(values, -1) - values) * count / period
        return PeriodicPath.of(times, values, slopes, period), period


@dataclass(frozen=True, slots=True)
class SmoothCourses(Courses[Wave]):
    """Trigonometric shapes, of class C^infinity; shrunk until the bounds of range and rate hold (Ehlich and Zeller)."""

    def projected(self, wave: Wave) -> Wave:
        """Return the shape that is put into the class: smaller oscillations, then a mean that fits."""
        value, slope, factor = trigonometric(0.0, wave.cosines, wave.sines)
        centre = (value.max() + value.min()) / 2
        largest = factor * max(
            float(np.abs(value - centre).max()) + abs(centre) * (factor - 1), 1e-12
        )
        steepest = slope.max() if self.one_sided else np.abs(slope).max()
        # The factor bounds |p'|; for a bound from above only the excess is that of the modulus.
        steepest = steepest + (factor - 1) * float(np.abs(slope).max())
        allowed = self.fastest * wave.period / (2 * math.pi)
        shrink = min(1.0, 0.5 / largest, allowed / max(float(steepest), 1e-12))
        low, high = shrink * (largest - centre), 1 - shrink * (largest + centre)
        mean = float(np.clip(wave.mean, low, max(low, high)))
        return Wave(wave.period, mean, shrink * wave.cosines, shrink * wave.sines)

    def starts(self, count: int, generator: np.random.Generator) -> Iterator[Wave]:
        """Yield sines and random sums, put into the class."""
        for k, period in enumerate(self.periods(count, generator)):
            size = (
                np.ones(self.terms) / np.arange(1, self.terms + 1)
                if k % 2
                else np.eye(self.terms)[0]
            )
            draws = generator.normal(size=(2, self.terms)) * size
            wave = Wave(period, generator.uniform(0, 1), draws[0], draws[1])
            yield self.projected(wave)

    def delay(self, point: Wave, times: Float[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        """Sum the terms."""
        angles = 2 * math.pi * np.outer(times, np.arange(1, self.terms + 1)) / point.period
        return np.clip(
            point.mean + np.cos(angles) @ point.cosines + np.sin(angles) @ point.sines, 0, 1
        )

    def moves(self, point: Wave, gain: np.ndarray) -> Iterator[Wave]:
        """Yield steps along the gradient in the coefficients."""
        turn, slope = gain
        angles = 2 * math.pi * np.outer(np.arange(1, self.terms + 1), turn)
        cosines, sines, mean = np.cos(angles) @ slope, np.sin(angles) @ slope, slope.sum()
        size = max(float(np.abs(cosines).max()), float(np.abs(sines).max()), abs(float(mean)))
        for step in (5.0, *STEPS) if size > 0 else ():
            yield self.projected(
                Wave(
                    point.period,
                    point.mean + step * mean / size,
                    point.cosines + step * cosines / size,
                    point.sines + step * sines / size,
                )
            )

    def restretched(self, point: Wave, factor: float) -> Wave:
        """Return the shape with another period, put back into the class."""
        return self.projected(Wave(factor * point.period, point.mean, point.cosines, point.sines))

    def path(self, point: Wave, scale: float) -> tuple[FourierPath, float]:
        """Return the path of the solver."""
        coefficients = scale * point.cosines, scale * point.sines
        period = scale * point.period
        return fourier_path(scale * point.mean, *coefficients, period, scale), period
