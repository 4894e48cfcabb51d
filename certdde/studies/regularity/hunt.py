"""For each class, the smallest delay found that destabilises; confirmed by an integration before it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import torch

from certdde.delays.paths import ConstantPath
from certdde.studies.regularity.ascent import Family, Shape, critical, lowered, searched
from certdde.studies.regularity.classes import Regularity
from certdde.studies.regularity.confirm import confirmed
from certdde.studies.regularity.courses import (
    Knots,
    LipschitzCourses,
    SmoothCourses,
    Wave,
)
from certdde.studies.regularity.gaps import Samples
from certdde.studies.regularity.known import first_crossing
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.shapes import family_of, plain
from certdde.studies.regularity.words import Words
from certdde.verify.spectral import rightmost_mode

FIRST = 0.4  # over the speed of the system: where the search begins
FACTOR = 1.25  # from one scale to the next
NEAR = 0.97  # of what all measurable delays need: there the search in a smaller class begins
EXCESS = (1e-3, 1e-2)  # relative, beyond the critical scale: where growth is confirmed
LETTERS, FINEST, LONGEST = 10, 40, 80  # first and last m of words, and the largest m n
Report = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Hunt:
    """A search on one system.

    Attributes
    ----------
    matrices : Matrices
    stop : float
        The longest delay that is tried.
    starts : int
        Shapes to begin with, at each scale.
    seed : int
    progress : callable, optional
    """

    matrices: Matrices
    stop: float
    starts: int = 48
    seed: int = 0
    progress: Report | None = None

    def found(
        self, regularity: Regularity, others: Mapping[Regularity, Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Return what was found in a class: ``delay`` (None if nothing), ``shape``, growth by both ways.

        ``others`` holds what was found in other classes, for a start; of smooth delays the answer is in ``smooth``.
        """
        if regularity.kind == "constant":
            return self.constant()
        whole = others.get(Regularity("measurable"))
        if whole is not None and whole.get("delay") is None:
            return {"delay": None, "why": "nothing was found among measurable delays"}
        scales = self._scales(NEAR * whole["delay"] if whole else FIRST / self.matrices.speed)
        if regularity.kind in ("lipschitz", "slow"):
            return self._bounded(regularity, scales, others)
        words = regularity.kind == "measurable"
        family = Words(self.matrices, LETTERS) if words else Samples(self.matrices)
        shape = self._searched(regularity.key, family, scales)
        while words and shape and family.steps < FINEST:
            if 2 * family.steps * self.matrices.size > LONGEST:
                break
            family, point = family.refined(shape.point)
            shape = lowered(family, point, shape.scale) or Shape(point, shape.scale)
        return self._confirmed(family, shape)

    def _scales(self, first: float) -> list[float]:
        scales = [min(first, self.stop)]
        while scales[-1] * FACTOR < self.stop:
            scales.append(scales[-1] * FACTOR)
        return [*scales, self.stop] if scales[-1] < self.stop else scales

    def constant(self) -> dict[str, Any]:
        """Return the first constant delay with a growing solution, from the roots."""
        delay = first_crossing(self.matrices, self.stop)
        for excess in EXCESS if delay else ():
            upper = delay * (1 + excess)
            root, vector = rightmost_mode(
                self.matrices.present, [(upper, self.matrices.delayed)], 40
            )
            if root.real <= 0:
                continue
            times = np.linspace(-upper, 0, 400)
            path = ConstantPath(torch.tensor(upper, dtype=torch.float64))
            orbit = times, np.exp(root * times)[:, None] * vector
            check = confirmed(self.matrices, path, upper, orbit, root.real * upper)
            if check.confirmed:
                shape = {"form": "constant", "scale": delay, "period": upper}
                return _answer(upper, shape, upper, root.real * upper, check.growth, check.periods)
        return {"delay": None}

    def _bounded(
        self,
        regularity: Regularity,
        scales: list[float],
        others: Mapping[Regularity, Mapping[str, Any]],
    ) -> dict[str, Any]:
        """Search piecewise linear delays, then smooth ones from there, then piecewise linear ones from those."""
        sided = regularity.kind == "slow"
        rough = LipschitzCourses(self.matrices, regularity.rate or 1.0, sided)
        soft = SmoothCourses(self.matrices, regularity.rate or 1.0, sided)
        kept = [
            (family_of(one["shape"], self.matrices, other.rate, sided)[1], other)
            for other, one in others.items()
            if other.rate is not None and one.get("shape", {}).get("form") in ("knots", "wave")
        ]
        hints = [knots_of(rough, one) for one, _ in kept]
        words = others.get(Regularity("measurable"), {}).get("shape")
        if words and words.get("form") == "word":
            hints.append(knots_of_word(rough, np.array(words["letters"]), words["steps"]))
        best = self._searched(regularity.key, rough, scales, hints)
        waves = [wave_of(soft, one) for one, _ in kept] + (
            [wave_of(soft, best.point)] if best else []
        )
        smooth = self._searched(f"{regularity.key}, smooth", soft, scales, waves)
        if smooth and (best is None or smooth.scale < best.scale):
            again = lowered(rough, knots_of(rough, smooth.point), 1.02 * smooth.scale)
            best = min((s for s in (best, again) if s), key=lambda s: s.scale, default=None)
        fine = [self._confirmed(*self._finer(f, s)) for f, s in ((rough, best), (soft, smooth))]
        reached = [one for one in fine if one["delay"] is not None]
        answer = min(reached, key=lambda one: one["delay"], default=fine[0])
        return {**answer, "smooth": fine[1]["delay"]}

    def _searched(
        self,
        name: str,
        family: Family[Any],
        scales: list[float],
        hints: list[Any] | None = None,
    ) -> Shape[Any] | None:
        def report(scale: float | None, done: int, total: int) -> None:
            if self.progress:
                self.progress(
                    "search", {"class": name, "delay": scale, "done": done, "total": total}
                )

        generator = np.random.default_rng([self.seed, sum(name.encode())])
        return searched(family, scales, self.starts, generator, hints=hints or (), report=report)

    def _finer(
        self, family: Any, shape: Shape[Any] | None
    ) -> tuple[Family[Any], Shape[Any] | None]:
        """Find the critical scale again with a finer mesh."""
        if shape is None:
            return family, None
        kept = plain(family, shape)
        fine, point = family_of(kept, self.matrices, family.fastest, family.one_sided)
        above = 1.01 * shape.scale
        if fine.value(point, above).growth <= 0:
            return fine, None
        return fine, Shape(point, critical(fine, point, above))

    def _confirmed(self, family: Family[Any], shape: Shape[Any] | None) -> dict[str, Any]:
        if shape is None or not isfinite(shape.scale):
            return {"delay": None}
        if self.progress:
            self.progress("simulate", {"delay": shape.scale})
        for excess in EXCESS:
            scale = shape.scale * (1 + excess)
            growth = family.value(shape.point, scale).growth
            path, period = family.path(shape.point, scale)
            times, states, _ = family.orbit(shape.point, scale)
            repeats = max(1, round(-times[0] / period)) if hasattr(shape.point, "period") else 1
            check = confirmed(self.matrices, path, period, (times, states), growth, repeats=repeats)
            if check.confirmed:
                kept = plain(family, shape)
                return _answer(scale, kept, repeats * period, growth, check.growth, check.periods)
        return {"delay": None, "why": "the integration did not confirm what was found"}


def _answer(
    delay: float,
    shape: dict[str, Any],
    period: float,
    growth: float,
    simulated: float,
    periods: int,
) -> dict[str, Any]:
    numbers = {"delay": float(delay), "period": float(period), "growth": float(growth)}
    return {**numbers, "simulated": float(simulated), "periods": periods, "shape": shape}


def knots_of(family: LipschitzCourses, point: Knots | Wave) -> Knots:
    """Return a course of another class as one of this, put into it."""
    if isinstance(point, Knots):
        return family.projected(point.period, point.values)
    count = int(np.clip(np.ceil(6 * point.period), 24, 40))
    smooth = SmoothCourses(family.matrices, family.fastest, family.one_sided, len(point.cosines))
    times = point.period * np.arange(count) / count
    return family.projected(point.period, smooth.delay(point, times))


def knots_of_word(family: LipschitzCourses, word: np.ndarray, steps: int) -> Knots:
    """Return the delay of a word at the middles of at most 40 parts of its period, put into the class."""
    count = min(40, len(word))
    places = ((np.arange(count) + 0.5) * len(word) / count).astype(int)
    return family.projected(len(word) / steps, (word[places] + 0.5) / steps)


def wave_of(family: SmoothCourses, point: Knots | Wave) -> Wave:
    """Return the first terms of a course, put into the class."""
    if isinstance(point, Wave):
        return family.projected(point)
    times = np.linspace(0, point.period, 256, endpoint=False)
    values = LipschitzCourses(family.matrices, family.fastest).delay(point, times)
    terms = np.fft.rfft(values) / len(values)
    smooth = 2 * terms[1 : family.terms + 1]
    return family.projected(Wave(point.period, float(terms[0].real), smooth.real, -smooth.imag))
