"""What an attack simulates: goals, batches of histories with their delays, and the violations found."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.functionals import Functional
from certdde.learning.domain_box import Box
from certdde.studies.instability import Rightmost
from certdde.studies.starts import onto_level, sampled_histories
from certdde.studies.window import PIECES, Flow, Lag
from certdde.systems.delay_system import DelaySystem

BATCH = 32
SHORT = 0.2  # a step times the size of the slopes of f
MOST_PANELS, MOST_WINDOWS = 96, 150
MOST_VARYING = 20  # windows, for a delay that varies: a slow case of the solver


@dataclass(frozen=True, slots=True)
class Goal:
    """What to attack: V and its level (None: a problem, or a global claim), delays, the window if they vary.

    Without V, ``radius`` bounds the histories of a claim, and ``rate`` their rates: then solutions have to stay in
    the domain and to converge. With neither, as for a problem, leaving the domain refutes nothing.
    """

    functional: Functional | None
    level: float | None
    delays: tuple[float, float]
    window: float | None
    radius: float | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """A counterexample, in deviations from the equilibrium.

    Attributes
    ----------
    kind : str
        ``unstable linearisation``, ``root on the imaginary axis``, ``leaves the domain``, ``V rises`` or
        ``does not converge``.
    delay : float
        The delay; its mean if it varies.
    varies : str
        How it varies; empty for a constant delay.
    measure : float
        The excursion, the rise of V, the size at the end, or the real part of the root.
    history : (K, n) Tensor, or None
        At ``history_times`` up to 0, linear in between.
    states : (T, n) Tensor, or None
        At ``times`` from 0 on.
    """

    kind: str
    delay: float
    measure: float
    varies: str = ""
    history_times: Tensor | None = None
    history: Tensor | None = None
    times: Tensor | None = None
    states: Tensor | None = None

    @classmethod
    def of_spectrum(cls, found: Rightmost) -> Violation:
        """Return what a spectrum shows."""
        return cls(found.kind, found.delay, found.abscissa)


@dataclass(frozen=True, slots=True)
class Batch:
    """Histories with their delays, and the window of V for each."""

    nodes: Float[Tensor, "nodes batch n"]
    unit: Float[Tensor, " batch"]
    longest: Float[Tensor, " batch"]
    lag: Lag
    range: tuple[float, float]
    length: int

    def rows(self, index: list[int]) -> Batch:
        """Return some samples; only for constant delays, or all in their order."""
        lag = self.lag.rows(index) if isinstance(self.lag, Varying) else self.lag
        parts = (self.nodes[:, index], self.unit[index], self.longest[index])
        return replace(self, nodes=parts[0], unit=parts[1], longest=parts[2], lag=lag)


@dataclass(frozen=True, slots=True)
class Varying:
    """Delays in windows that vary with time in windows: constant, sawtooth (sample and hold) or switching."""

    low: float
    high: float
    period: Tensor
    phase: Tensor
    shape: Tensor

    def rows(self, index: list[int]) -> Varying:
        """Return the delays of some samples."""
        parts = (self.period[index], self.phase[index], self.shape[index])
        return Varying(self.low, self.high, *parts)

    def __call__(self, t: Tensor) -> Tensor:
        """Return the delays at times that broadcast with the batch."""
        turn = torch.remainder(t / self.period + self.phase, 1.0)
        value = torch.where(self.shape == 1, turn, torch.where(turn < 0.5, 1.0, 0.0))
        value = torch.where(self.shape == 0, self.phase + 0 * turn, value)
        return self.low + (self.high - self.low) * value

    def mean(self, i: int) -> float:
        """Return the mean delay of a sample, in windows."""
        share = float(self.phase[i]) if int(self.shape[i]) == 0 else 0.5
        return self.low + (self.high - self.low) * share

    def described(self, i: int) -> str:
        """Say how the delay of a sample varies."""
        shape = ("constant", "sawtooth", "switching")[int(self.shape[i])]
        return (
            f"{shape}, period {float(self.period[i]):.6g} windows, phase {float(self.phase[i]):.6g}"
        )


def merged(better: Tensor, new: Batch, old: Batch) -> Batch:
    """Return the new samples where they are better, the old ones elsewhere."""
    nodes = torch.where(better[None, :, None], new.nodes, old.nodes)
    unit = torch.where(better, new.unit, old.unit)
    return replace(
        old, nodes=nodes, unit=unit, longest=torch.where(better, new.longest, old.longest)
    )


def _varying(goal: Goal, generator: torch.Generator) -> Varying:
    """Return delays of each shape; a sawtooth of slope 1 is a controller that samples and holds."""
    window = goal.window or 1.0
    low, high = (t / window for t in goal.delays)
    shape = torch.arange(BATCH) % 3
    draws = torch.rand(2, BATCH, generator=generator, dtype=torch.float64)
    period = torch.where(shape == 1, high - low + 1e-3, 0.1 + 3 * draws[0])
    return Varying(low, high, period, draws[1], shape)


def _within(goal: Goal, nodes: Tensor, unit: Tensor) -> Tensor:
    """Return histories scaled onto the radius of a claim, or as far as its rates allow."""
    if goal.radius is None:
        return nodes
    factor = goal.radius * (1 - 1e-12) / nodes.abs().amax((0, 2)).clamp(min=1e-9)
    if goal.rate is not None:
        steepest = (nodes[1:] - nodes[:-1]).abs().amax((0, 2)) * (len(nodes) - 1) / unit
        factor = torch.minimum(factor, goal.rate * (1 - 1e-12) / steepest.clamp(min=1e-300))
    return nodes * factor[:, None]


@dataclass(frozen=True, slots=True)
class Setting:
    """The system with its domain, the size of its slopes, and the abscissa of its linearisation."""

    system: DelaySystem
    box: Box
    speed: float
    abscissa: float

    @classmethod
    def of(cls, system: DelaySystem, abscissa: float) -> Setting:
        """Return the setting of a system with one delay."""
        present, delayed = system.jacobians()
        speed = float((present.abs() + delayed.abs()).sum(-1).max()) or 1.0
        return cls(system, Box.of(system.domain, system.dimension), speed, abscissa)

    def batches(self, goal: Goal, generator: torch.Generator) -> Iterator[Batch]:
        """Yield batches of histories by the size of the delay, so that each has a sensible length."""
        low, high = goal.delays
        if goal.window is not None:
            yield self._batch(goal, (low, high), _varying(goal, generator), generator)
            return
        if high > 0:
            cut = max(low, high / 4)
            yield self._batch(goal, (cut, high), 1.0, generator)
            if low < cut:
                yield self._batch(goal, (max(low, high / 50), cut), 1.0, generator)
        if low == 0:
            yield self._batch(goal, (0.0, 0.0), 0, generator)

    def _batch(
        self, goal: Goal, delays: tuple[float, float], lag: Lag, generator: torch.Generator
    ) -> Batch:
        low, high = delays
        share = torch.rand(BATCH, generator=generator, dtype=torch.float64)
        share[::4], share[1::4] = 1.0, 0.0
        tau = low + (high - low) * share
        unit = tau
        if goal.window is not None:
            unit = torch.full_like(tau, goal.window)
        elif high == 0:
            unit = torch.full_like(tau, 1 / self.speed)
        longest = tau if goal.window is None else unit
        nodes = sampled_histories(self.box, BATCH, generator)
        if goal.functional is not None and goal.level is None:
            nodes = nodes + 1e-3 * self.box.half * (nodes == 0)
        length = self._length(goal, float(unit.min()))
        if goal.window is not None:
            length = min(length, MOST_VARYING)
        batch = Batch(nodes, unit, longest, lag, delays, length)
        return replace(batch, nodes=self.placed(goal, batch))

    def _length(self, goal: Goal, unit: float) -> int:
        fold = 1 / max(abs(self.abscissa), 1e-3 * self.speed)
        span = (4 if goal.functional is not None else 12) * fold
        span = min(max(span, 10 / self.speed), 200 / self.speed)
        return int(min(max(math.ceil(span / unit), 6), MOST_WINDOWS))

    def placed(self, goal: Goal, batch: Batch) -> Tensor:
        """Return the histories moved into the certified set; into the domain for a problem."""
        nodes = self.box.clipped(batch.nodes) if self.box.bounded else batch.nodes
        if goal.functional is None:
            return _within(goal, nodes, batch.unit)
        with torch.no_grad():
            level = math.inf if goal.level is None else goal.level
            return onto_level(goal.functional, nodes, batch.longest, level, self.box, PIECES)

    def flow(self, batch: Batch) -> Flow:
        """Return how a batch is integrated: steps that are short for the system, by rk4."""
        each = math.ceil(float(batch.unit.max()) * self.speed / SHORT / 2 / PIECES)
        panels = PIECES * min(max(each, 1), MOST_PANELS // PIECES)
        bound = 30 * float(torch.maximum(-self.box.low, self.box.high).max())
        if not self.box.bounded:
            bound = 1e4 * float(batch.nodes.abs().max())
        function = self.system.deviation_function()
        return Flow(function, batch.unit, batch.lag, panels, batch.length, bound)
