"""The proof with the largest region among several: which to keep, and what a further one must reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from certdde.certificates.part import Part
from certdde.functionals import Functional
from certdde.learning.area import certified_share, domain_points
from certdde.learning.finish import Finished
from certdde.learning.levels import FULL, LEAST
from certdde.systems.delay_system import DelaySystem

WORTH = 1.05  # times the share of the best: less is not worth a proof


def full(part: Part | None) -> bool:
    """Tell whether there is a part, and it is global or its level set comes near the faces of the domain."""
    return part is not None and (part.level is None or part.level >= FULL)


def largest(system: DelaySystem, *choices: Sequence[Part]) -> list[Part]:
    """Return the parts with the largest certified share of the domain; of equals the first."""
    there = [list(parts) for parts in choices if parts]
    if len(there) <= 1:
        return there[0] if there else []
    return max(there, key=lambda parts: certified_share(system, parts) or 0.0)


def level_of_share(
    system: DelaySystem, functional: Functional, windows: Sequence[float], share: float
) -> float:
    """Return the level at which a functional certifies a share of the domain's constant histories (float64)."""
    points = domain_points(system)
    values = torch.stack([functional.on_constant_histories(points, tau) for tau in windows])
    return float(values.amax(0).quantile(min(1.0, share)))


@dataclass(slots=True)
class Best:
    """The proof with the largest region so far.

    Attributes
    ----------
    system : DelaySystem
    finished : Finished or None
    share : float
        Of the domain's constant histories.
    weights : mapping or None
        The state of the module that gave it, for a checkpoint.
    """

    system: DelaySystem
    finished: Finished | None = None
    share: float = 0.0
    weights: Mapping[str, Any] | None = None

    def offer(self, finished: Finished, weights: Mapping[str, Any]) -> None:
        """Keep a proof if there is none with a larger region."""
        if finished.part is None:
            return
        share = certified_share(self.system, [finished.part]) or 0.0
        if self.finished is None or share > self.share:
            self.finished, self.share = finished, share
            self.weights = {name: value.clone() for name, value in weights.items()}

    def least(self, functional: Functional, windows: Sequence[float], least: float) -> float:
        """Return the smallest level at which a proof would be worth its time, between ``least`` and ``FULL``."""
        if self.finished is None or least >= FULL:
            return min(least, FULL)
        wanted = level_of_share(self.system, functional, windows, WORTH * self.share)
        return min(FULL, max(least, LEAST, wanted))
