"""Stable windows of a linear system, each with a certificate that the checker accepts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from certdde.delays.classes import Constant
from certdde.learning.certify import certify
from certdde.learning.drawn_in import FARTHEST, drawn_in
from certdde.studies.local_margin import unstable_beyond
from certdde.verify.spectral.crossing import PossibleCrossing
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import stable_windows

if TYPE_CHECKING:
    from certdde.systems.delay_system import DelaySystem

Progress = Callable[[str, dict[str, Any]], None]


@dataclass(slots=True)
class SpectralWindows:
    """All certified windows of [start, stop], and where the search stands.

    Attributes
    ----------
    certified : list of (float, float)
        Each was certified by a file that the checker accepted.
    """

    system: DelaySystem
    start: float
    stop: float
    order: int = 1
    seed: int = 0
    deadline: float = inf
    progress: Progress | None = None
    certified: list[tuple[float, float]] = field(default_factory=list)

    def search(self) -> None:
        """Certify every window as close to its ends as the proof goes: 1e-9 relative, if it can."""
        linear = LinearDelaySystem.required(self.system)
        open_ = stable_windows(linear, self.start, self.stop)[::-1]
        while open_ and time.monotonic() < self.deadline:
            lower, upper = open_.pop()
            if self.progress:
                self.progress("margin", {"from": lower, "to": upper, "method": "spectral"})
            still = lower == self.start, upper == self.stop
            found = drawn_in(linear, lower, upper, still, self.deadline)
            if isinstance(found, PossibleCrossing):
                pieces = [(found.delay, upper), (lower, found.delay)]
                open_ += [(a, b) for a, b in pieces if b - a > FARTHEST * b]
            elif found is not None and self._accepted(*found):
                self.certified.append(found)

    def unstable_beyond(self, delay: float | None) -> float | None:
        """Return a delay just beyond ``delay`` at which the float64 spectrum is unstable, or None."""
        linear = LinearDelaySystem.required(self.system)
        if delay is None or delay >= self.stop:
            return None
        return unstable_beyond(linear, delay)

    def _accepted(self, lower: float, upper: float) -> bool:
        name = self.system.delay()
        left = min(max(self.deadline - time.monotonic(), 1.0), 1e6)
        certificate = certify(
            self.system,
            Constant(name, lower, upper),
            method="spectral",
            order=self.order,
            seed=self.seed,
            budget=left,
        )
        return certificate.status == "certified" and certificate.rigor == "rigorous"
