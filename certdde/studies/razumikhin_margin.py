"""The largest delay for which a quadratic Razumikhin function gives a certificate, by bisection; each is checked."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from certdde.certificates.razumikhin import razumikhin_certified
from certdde.learning.razumikhin import linear_proof, quadratic_certificate
from certdde.learning.task import Options, make_task

if TYPE_CHECKING:
    from certdde.certificates.certificate import Certificate
    from certdde.delays.classes import DelayClass
    from certdde.systems.delay_system import DelaySystem

LINEAR, NONLINEAR = 1e-4, 2e-3  # relative resolution
Progress = Callable[[str, dict[str, Any]], None]


def razumikhin_margin(
    system: DelaySystem,
    delay: DelayClass,
    start: float,
    stop: float,
    *,
    seed: int = 0,
    deadline: float,
    progress: Progress | None = None,
) -> float | None:
    """Return the largest b found such that the delays of [start, b] have a certificate; None if there is none.

    Parameters
    ----------
    system : DelaySystem
    delay : DelayClass
        Its class and name; its range is not used.
    start, stop : float
        0 <= start < stop.
    seed : int
        Of the points at which a nonlinear system is sampled.
    deadline : float
        On ``time.monotonic``.
    progress : callable, optional

    Soundness
    ---------
    Rigorous: the checker accepted a certificate of [start, b].
    """
    search = _Bisection(system, delay, start, seed, deadline, progress)
    if search.accepted(stop):
        return stop
    low, high = start, stop
    resolution = LINEAR if system.linear else NONLINEAR
    while high - low > resolution * high and time.monotonic() < deadline:
        middle = (low + high) / 2
        if search.accepted(middle):
            low = middle
        else:
            high = middle
    return low if low > start else None


@dataclass(slots=True)
class _Bisection:
    """What does not change from delay to delay, and the last multipliers that were good."""

    system: DelaySystem
    delay: DelayClass
    start: float
    seed: int
    deadline: float
    progress: Progress | None
    good: list[np.ndarray] = field(default_factory=list)

    def accepted(self, upper: float) -> bool:
        """Tell whether the checker accepts a certificate of [start, upper]."""
        if self.progress:
            info = {"from": self.start, "to": upper, "method": "razumikhin"}
            self.progress("margin", info)
        claim = replace(self.delay, lower=self.start, upper=upper)
        found = self._linear(claim) if self.system.linear else self._nonlinear(claim)
        if found is None:
            return False
        with tempfile.TemporaryDirectory() as folder:
            return found.save(Path(folder) / "certificate.certdde").check().valid

    def _linear(self, claim: DelayClass) -> Certificate | None:
        matrices = (m.numpy() for m in self.system.jacobians())
        starts = tuple(self.good[-1:])
        found = linear_proof(*matrices, claim.upper, starts=starts, deadline=self.deadline)
        if found is None:
            return None
        proof, multipliers = found
        if multipliers is not None:
            self.good.append(multipliers)
        return razumikhin_certified(self.system, claim, proof)

    def _nonlinear(self, claim: DelayClass) -> Certificate | None:
        budget = max(1.0, self.deadline - time.monotonic())
        options = Options("razumikhin", seed=self.seed, budget=budget)
        task = make_task(self.system, claim, options, None, None)
        return quadratic_certificate(task)
