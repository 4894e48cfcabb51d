"""Small smooth perturbations of a constant delay: by gradient ascent, and random ones of the same size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from certdde.studies.regularity.floquet import Floquet, Mesh, floquet
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.paths import trigonometric
from certdde.verify.spectral import rightmost_mode

STEPS = (1.0, 0.3, 0.1, 0.03, 0.01)
STRETCHES = (0.93, 0.98, 1.02, 1.07)


@dataclass(frozen=True, slots=True)
class Perturbation:
    """tau(t) = delay + size p(t), p a trigonometric polynomial of a period, |p| <= 1 (Ehlich and Zeller's bound).

    Attributes
    ----------
    period : float
    cosines, sines : (K,) arrays
        Of p.
    """

    period: float
    cosines: Float[np.ndarray, " terms"]
    sines: Float[np.ndarray, " terms"]

    @classmethod
    def of(
        cls, period: float, cosines: Float[np.ndarray, " terms"], sines: Float[np.ndarray, " terms"]
    ) -> Perturbation:
        """Return p scaled so that its bound is 1."""
        value, _, factor = trigonometric(0.0, cosines, sines)
        size = factor * max(float(np.abs(value).max()), 1e-12)
        return cls(period, cosines / size, sines / size)

    def at(self, times: Float[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        """Return p."""
        angles = 2 * math.pi * np.outer(times, np.arange(1, len(self.cosines) + 1)) / self.period
        return np.cos(angles) @ self.cosines + np.sin(angles) @ self.sines


@dataclass(frozen=True, slots=True)
class Perturbed:
    """A system at a constant delay, and perturbations of at most ``size`` (sup norm).

    Attributes
    ----------
    matrices : Matrices
    delay, size : float
        0 <= size <= delay.
    terms : int
        Of p.
    """

    matrices: Matrices
    delay: float
    size: float
    terms: int = 6

    def exponent(self, perturbation: Perturbation) -> float:
        """Return the Floquet exponent: growth of log |x| in a unit of time."""
        found, mesh = self._solved(perturbation)
        return found.growth / mesh.period

    def _solved(self, one: Perturbation) -> tuple[Floquet, Mesh]:
        elements = max(2 * self.terms, math.ceil(4 * one.period))
        repeats = math.ceil((self.delay + self.size) / one.period + 1 / elements)
        mesh = Mesh(np.linspace(0, repeats * one.period, repeats * elements + 1))
        return floquet(self.matrices, mesh, self.delay + self.size * one.at(mesh.points)), mesh

    def drawn(self, count: int, generator: np.random.Generator) -> Iterator[Perturbation]:
        """Yield random perturbations: Gaussian coefficients, periods from half the delay to eight of it."""
        for _ in range(count):
            period = self.delay * float(np.exp(generator.uniform(math.log(0.5), math.log(8.0))))
            yield Perturbation.of(period, *generator.normal(size=(2, self.terms)))

    def worst(self, generator: np.random.Generator, starts: int = 6) -> tuple[Perturbation, float]:
        """Return the perturbation with the largest exponent that ascent finds, and that exponent.

        Half of the starts have twice the frequency of the dominant root of the constant delay, where a parameter that
        oscillates does most (parametric resonance).
        """
        root, _ = rightmost_mode(self.matrices.present, [(self.delay, self.matrices.delayed)], 40)
        resonant = math.pi / root.imag if abs(root.imag) > 1e-6 else self.delay
        best: tuple[Perturbation, float] | None = None
        for k, start in enumerate(self.drawn(starts, generator)):
            period = abs(resonant) if k % 2 == 0 else start.period
            found = self._ascended(Perturbation.of(period, start.cosines, start.sines))
            best = max((b for b in (best, found) if b), key=lambda b: b[1])
        if best is None:
            raise ValueError("no start")
        return best

    def _ascended(self, one: Perturbation, most: int = 40) -> tuple[Perturbation, float]:
        value, tries, improved = self.exponent(one), 0, True
        while improved and tries < most:
            improved = False
            for other in self._moves(one):
                found, tries = self.exponent(other), tries + 1
                if found > value + 1e-3 * abs(found - value) + 1e-7:
                    one, value, improved = other, found, True
                    break
        return one, value

    def _moves(self, one: Perturbation) -> Iterator[Perturbation]:
        found, mesh = self._solved(one)
        k = np.arange(1, self.terms + 1)
        angles = 2 * math.pi * np.outer(k, mesh.points) / one.period
        cosines, sines = np.cos(angles) @ found.gain, np.sin(angles) @ found.gain
        size = max(float(np.abs(cosines).max()), float(np.abs(sines).max()), 1e-12)
        for step in STEPS:
            moved = one.cosines + step * cosines / size, one.sines + step * sines / size
            yield Perturbation.of(one.period, *moved)
        for factor in STRETCHES:
            yield Perturbation.of(factor * one.period, one.cosines, one.sines)
