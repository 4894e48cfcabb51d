"""The level for which dissipation is proved: chosen by sampling, lowered where a proof fails, raised where it holds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch

from certdde.inequalities.inequality import Inequality
from certdde.verify.answers import Answer, Proved, Refuted, Unknown
from certdde.verify.bound_propagation.branch import Encloser, Settings, prove

TOP = 0.999  # of the least v_0 at sampled points of the faces
LEAST = 0.05  # below it a level is not worth a proof
FULL = 0.79  # a level from here on counts as that of the domain
BELOW = 0.96  # of the least v_0 at which the inequality fails
SMALLER = 0.7  # where a proof did not end, without a point at which the inequality fails
TRIALS, RAISES = 5, 2
SHARE = 4  # trials after the first may take a part of the boxes
KEPT = 200
NOWHERE = torch.zeros(0, 0, dtype=torch.float64)


@dataclass(frozen=True, slots=True)
class Leveled:
    """A level and the answer for it.

    Attributes
    ----------
    level : float
    answer : Answer
        If not proved, that of the first trial.
    failing : (k, d) Tensor
        Points with v_0 <= 1 at which the inequality fails, those of the least v_0 first.
    """

    level: float
    answer: Answer
    failing: torch.Tensor = field(default_factory=lambda: NOWHERE)


@dataclass(slots=True)
class LevelSearch:
    """Prove an inequality where v_0 <= c, for a level c as large as can be found up to ``TOP``.

    Attributes
    ----------
    inequality : Inequality
        Dissipation.
    outside : Inequality or None
        1 - v_0 < 0 over the same variables; None: there is one trial, on all of the domain.
    settings : Settings
        Of each trial; ``max_boxes`` is for the first, if that is at the level ``TOP``; the others take a share of it.
    enclose : Encloser
    least : float
        The smallest level that is of use.
    progress : callable, optional
    """

    inequality: Inequality
    outside: Inequality | None
    settings: Settings
    enclose: Encloser
    least: float = LEAST
    progress: Callable[[int, int], None] | None = None

    def run(self) -> Leveled:
        """Look for the level."""
        if self.outside is None:
            answer = prove(
                self.inequality, self.settings, enclose=self.enclose, progress=self.progress
            )
            return Leveled(TOP, answer)
        failing, least = self._nearest(self._sample())
        if BELOW * least < self.least:
            return Leveled(0.0, Refuted(failing, len(failing)), failing)
        level, first, boxes = min(TOP, BELOW * least), None, self.settings.max_boxes
        for trial in range(TRIALS):
            answer = self._prove(level, boxes if trial == 0 and level == TOP else boxes // SHARE)
            if isinstance(answer, Proved):
                return self._raised(Leveled(level, answer, failing), least)
            first = first or answer
            if isinstance(answer, Refuted):
                points, least = self._nearest(answer.points)
                failing = torch.cat([points, failing])[:KEPT]
                lower = BELOW * least
            else:
                least, lower = min(level, least), SMALLER * level
            if lower < self.least or self._late():
                break
            level = lower
        return Leveled(0.0, first or Unknown("no trial", NOWHERE, 0), failing)

    def _raised(self, found: Leveled, bound: float) -> Leveled:
        """Try levels between what is proved and what is not, if there is much between them."""
        bound = min(bound, TOP)
        for _ in range(RAISES):
            if found.level > FULL * bound or self._late():
                break
            level = math.sqrt(found.level * bound)
            answer = self._prove(level, self.settings.max_boxes // SHARE)
            if isinstance(answer, Proved):
                found = replace(found, level=level, answer=answer)
            else:
                bound = level
        return found

    def _prove(self, level: float, boxes: int) -> Answer:
        return prove(
            self.inequality,
            replace(self.settings, max_boxes=boxes),
            enclose=self.enclose,
            outside=self.outside and self.outside.with_offset(level),
            progress=self.progress,
        )

    def _late(self) -> bool:
        return bool(time.monotonic() > self.settings.deadline)

    def _sample(self, count: int = 30_000) -> torch.Tensor:
        """Return points of the box: a half uniform, a half scaled towards 0."""
        generator, low = torch.Generator().manual_seed(0), self.inequality.lower
        unit = torch.rand(count, len(low), generator=generator, dtype=low.dtype)
        points = low + (self.inequality.upper - low) * unit
        scale = torch.rand(len(points[::2]), 1, generator=generator, dtype=low.dtype)
        points[::2, : self.inequality.coordinates] *= scale
        return points

    def _nearest(self, points: torch.Tensor, rounds: int = 12) -> tuple[torch.Tensor, float]:
        """Return points with v_0 <= 1 at which the inequality fails, and the least v_0 of these (infinite without).

        The lowest are moved at random as long as that finds lower ones; behind them stand some of those given, for
        training, which needs failures from all over the level set.
        """
        generator = torch.Generator().manual_seed(1)
        best, values = self._failing(points)
        spread = best[:: max(1, len(best) // KEPT)]
        width = self.inequality.upper - self.inequality.lower
        for k in range(rounds):
            if not len(best) or self._late():
                break
            seeds = best[:40].repeat(50, 1)
            shape = seeds.shape
            noise = torch.randn(shape, generator=generator, dtype=best.dtype)
            towards = torch.rand(shape[0], 1, generator=generator, dtype=best.dtype)
            moved = seeds * (1 - 0.3 * towards * 0.7**k) + noise * width * 0.1 * 0.7**k
            moved = torch.minimum(
                torch.maximum(moved, self.inequality.lower), self.inequality.upper
            )
            more, lower = self._failing(moved)
            order = torch.argsort(torch.cat([values, lower]))[:KEPT]
            best, values = torch.cat([best, more])[order], torch.cat([values, lower])[order]
        found = torch.cat([best[: KEPT // 4], spread])[:KEPT]
        return found, float(values[0]) if len(values) else math.inf

    def _failing(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the points at which the inequality fails, the least v_0 <= 1 first, and v_0 there."""
        if self.outside is None:
            return points[:0], points[:0, 0]
        value = 1 - self.outside.with_offset(1.0).value(points).amax(0)
        away = (points[:, : self.inequality.coordinates] != 0).any(-1)
        bad = ~(self.inequality.value(points).amax(0) < 0) & away & (value <= 1)
        order = torch.argsort(value[bad])
        return points[bad][order], value[bad][order]
