"""The march along delays that finds a margin."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from certdde.certificates.part import Part
from certdde.functionals import Functional
from certdde.functionals.functional import MOMENTS
from certdde.learning.cegis import CegisSettings, Searched, search
from certdde.learning.finish import COVERS, exact_cover
from certdde.learning.levels import FULL
from certdde.learning.polynomial_start import WHOLE, chosen_start
from certdde.learning.proposals import attempt
from certdde.learning.training import TrainSettings
from certdde.studies.local_margin import linearised
from certdde.systems.delay_system import DelaySystem
from certdde.verify.bound_propagation.branch import Encloser, Settings
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import stable_windows

MOST_READ = 4  # moments of states that V0 reads: each is one more nonlinear variable
STRIDE, SHORT = 0.2, 0.06  # of the position: the first part that is tried, with moments and without
FIRST, LATER, AGAIN = 1500, 600, 1000  # training steps: anew, from the part before, once failed

Progress = Callable[[str, dict[str, Any]], None]


@dataclass(slots=True)
class March:
    """Where the march stands."""

    system: DelaySystem
    kind: str
    order: int
    seed: int
    start: float
    stop: float
    enclose: Encloser
    deadline: float
    progress: Progress | None
    proved: list[tuple[float, float]] = field(default_factory=list)
    parts: list[tuple[float, Part]] = field(default_factory=list)
    settings: CegisSettings = field(default_factory=CegisSettings)
    windows: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        exact = self.kind == "constant" and LinearDelaySystem.of(self.system)
        linear = exact or (linearised(self.system) if self.kind == "constant" else None)
        self.windows = stable_windows(linear, self.start, self.stop) if linear else []

    @property
    def position(self) -> float:
        """End of what is proved."""
        return max((end for _, end in self.proved), default=self.start)

    @property
    def resolution(self) -> float:
        """Width below which a failure ends the march; an attempt by LMI on a constant delay is cheap."""
        cheap = self.kind == "constant" and self.system.linear
        return (2e-5 if cheap else 5e-4) * (self.stop - self.start)

    def advance(self, method: str) -> None:
        """March by quadratic functionals from the position to where they stop."""
        if self.kind != "constant":
            self._bisect(method)
            return
        place = self.position
        last = self._promising(place)
        width = last - place
        while width > self.resolution and place < last and time.monotonic() < self.deadline:
            end = min(last, place + width)
            if self._quadratic(method, place, end):
                place, width = end, 2 * width
            else:
                width = (end - place) / 2

    def _promising(self, place: float) -> float:
        """Return where the float64 spectrum becomes unstable beyond a place: no attempt is worth it there."""
        ends = [b for a, b in self.windows if a <= place < b]
        return (
            min(self.stop, ends[0] - 1e-7 * ends[0]) if ends and ends[0] < self.stop else self.stop
        )

    def _bisect(self, method: str) -> None:
        """Find the largest range from the start that one functional covers: the delay varies."""
        low, high = self.start, self.stop
        if self._quadratic(method, self.start, self.stop):
            return
        while high - low > self.resolution and time.monotonic() < self.deadline:
            middle = (low + high) / 2
            if self._quadratic(method, self.start, middle):
                low = middle
            else:
                high = middle

    def hop(self, method: str) -> None:
        """Look for further stable windows beyond the first failure, on a grid of fifty cells."""
        if self.kind != "constant":
            return
        cell = (self.stop - self.start) / 50
        places = [self.start + k * cell for k in range(50)]
        for place in places:
            if place < self.position or time.monotonic() > self.deadline:
                continue
            if self.windows and not any(a <= place + cell and place <= b for a, b in self.windows):
                continue
            if self._quadratic(method, place, min(self.stop, place + cell)):
                self.advance(method)

    def _quadratic(self, method: str, lower: float, upper: float) -> bool:
        if self.progress:
            self.progress("margin", {"from": lower, "to": upper, "method": method})
        settings = Settings(max_boxes=1_000_000, deadline=self.deadline)
        found = attempt(
            method,
            self.system,
            lower,
            upper,
            order=self.order,
            seed=self.seed,
            settings=settings,
            enclose=self.enclose,
            cover=COVERS[self.kind],
            least=FULL,
        )
        if found.part is None:
            return False
        self.proved.append((lower, upper))
        self.parts.append((lower, found.part))
        return True

    def advance_neural(self) -> None:
        """March on by neural functionals, each started from the one before.

        V0 reads as many moments as it may: what fewer do, more do with less training. None first from 0 on, where it
        must read none, and for several states, where moments cost most.
        """
        most = min(MOMENTS, self.order, MOST_READ // self.system.dimension)
        most = most if self.kind == "constant" else 0
        plain = self.position <= 0 or self.system.dimension > 1
        for moments in sorted({0, most} if plain else {most}):
            self._advance_neural(moments)

    def _advance_neural(self, moments: int) -> None:
        stride, steps = (STRIDE, FIRST) if moments else (SHORT, LATER)
        width, start = max(stride * self.position, 4 * self.resolution), None
        if moments and self.position <= 0:
            return
        last = self._promising(self.position)
        while self.position < last and width > 8 * self.resolution:
            if time.monotonic() > self.deadline:
                return
            upper = min(last, self.position + width)
            found = self._search(upper, moments, start, steps)
            if found is not None and found.finished.part is not None:
                self.parts.append((self._first(), found.finished.part))
                self.proved.append((self._first(), upper))
                start, width, steps = found.finished.part.functional, 1.2 * width, LATER
            else:
                width, steps = width / 2, max(steps, AGAIN if moments else LATER)

    def _first(self) -> float:
        """Return where the next functional begins: a delay that varies does not stay in a part."""
        return self.position if self.kind == "constant" else self.start

    def _search(
        self, upper: float, moments: int, start: Functional | None, steps: int
    ) -> Searched | None:
        settings = replace(
            self.settings,
            order=self.order,
            seed=self.seed,
            moments=moments,
            training=TrainSettings(steps=steps, region=0.02, pruned=False),
            later_steps=LATER,
            rounds=4,
            least=FULL,  # a margin is that of the domain: no small level set in place of it
            deadline=self.deadline,
        )
        begun = None
        if start is None:
            begun = chosen_start(self.system, self.kind, self._first(), upper, settings, WHOLE)
        return search(
            self.system,
            self._first(),
            upper,
            settings,
            enclose=self.enclose,
            cover=exact_cover if moments else COVERS[self.kind],
            progress=self.progress,
            **(begun.arguments() if begun else {"start": start}),
        )
