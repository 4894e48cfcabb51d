"""Simulation and gradient ascent on the escape of solutions, for one functional and one range of delays."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.functionals import Functional
from certdde.studies.instability import Rightmost
from certdde.studies.starts import Box, onto_level, sampled_histories
from certdde.studies.window import PIECES, Flow, Run
from certdde.systems.delay_system import DelaySystem

BATCH = 32
STEPS = 40  # of the ascent
# A rise of V, relative to its start, and an excursion, relative to the domain, that count; the second
# value is for the confirmation, by an integration with tighter tolerances on half the steps.
COARSE, CONFIRMED = 1e-6, 1e-7
ROUGH, ROUGH_CONFIRMED = 1e-2, 1e-3  # the same for a delay that jumps
SETTLED = 0.05  # of the domain: a solution that ends below converges
SHORT = 0.2  # a step times the size of the slopes of f
MOST_PANELS, MOST_WINDOWS = 96, 150


@dataclass(frozen=True, slots=True)
class Goal:
    """What to attack: V and its level (None: a problem, or a global claim), delays, the window if they vary."""

    functional: Functional | None
    level: float | None
    delays: tuple[float, float]
    window: float | None


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
    lag: float | Callable[[Tensor], Tensor]
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

    def described(self, i: int) -> str:
        """Say how the delay of a sample varies."""
        shape = ("constant", "sawtooth", "switching")[int(self.shape[i])]
        return (
            f"{shape}, period {float(self.period[i]):.6g} windows, phase {float(self.phase[i]):.6g}"
        )


@dataclass(slots=True)
class Adversary:
    """Attacks goals until the deadline.

    Attributes
    ----------
    abscissa : float
        Of the linearisation, for the length of the simulations.
    """

    system: DelaySystem
    generator: torch.Generator
    deadline: float
    abscissa: float
    tried: int = 0
    worst: dict[str, float] = field(default_factory=dict)
    box: Box = field(init=False)
    speed: float = field(init=False)

    def __post_init__(self) -> None:
        self.box = Box.of(self.system.domain, self.system.dimension)
        present, delayed = self.system.jacobians()
        self.speed = float((present.abs() + delayed.abs()).sum(-1).max()) or 1.0

    def attack(self, goal: Goal, share: int) -> Violation | None:
        """Sample and climb on a goal, in its share of the time that is left."""
        left = self.deadline - time.monotonic()
        batches = list(self._batches(goal))
        weak: Violation | None = None
        for k, batch in enumerate(batches):
            end = time.monotonic() + left / share / len(batches)
            found = self._climb(goal, batch, end)
            if found is not None and (
                goal.functional is not None or found.kind != "leaves the domain"
            ):
                return found
            weak = weak or found
            left = self.deadline - time.monotonic()
            share = max(share, 1)
        return weak

    def exhibit(self, goal: Goal, violation: Violation) -> Violation:
        """Return the violation with the solution that grows fastest from a few histories."""
        tau, n = violation.delay, self.system.dimension
        unit = torch.full((8,), tau or 1 / self.speed, dtype=torch.float64)
        span = 10 / max(violation.measure, 1e-3) / float(unit[0])
        length = int(min(max(span, 20), 400))
        nodes = 0.1 * sampled_histories(self.box, 8, self.generator)
        longest = torch.full((8,), tau, dtype=torch.float64)
        batch = Batch(nodes, unit, longest, 1.0 if tau else 0, (tau, tau), length)
        if goal.functional is not None and goal.window is None:
            batch = replace(batch, nodes=self._placed(goal, batch))
        with torch.no_grad():
            run = self._flow(batch).run(batch.nodes)
        self.tried += 8
        size = run.states.abs().nan_to_num(nan=math.inf).reshape(len(run.times), 8, n).amax(-1)
        grown = size[-1] / size[0].clamp(min=1e-300)
        return self._with(violation, run, batch, int(grown.argmax()))

    # ---- what is simulated

    def _batches(self, goal: Goal) -> Iterator[Batch]:
        """Yield batches of histories by the size of the delay, so that each has a sensible length."""
        low, high = goal.delays
        if goal.window is not None:
            yield self._batch(goal, (low, high), self._varying(goal))
            return
        if high > 0:
            cut = max(low, high / 4)
            yield self._batch(goal, (cut, high), 1.0)
            if low < cut:
                yield self._batch(goal, (max(low, high / 50), cut), 1.0)
        if low == 0:
            yield self._batch(goal, (0.0, 0.0), 0)

    def _batch(self, goal: Goal, delays: tuple[float, float], lag: object) -> Batch:
        low, high = delays
        share = torch.rand(BATCH, generator=self.generator, dtype=torch.float64)
        share[::4], share[1::4] = 1.0, 0.0
        tau = low + (high - low) * share
        unit = tau
        if goal.window is not None:
            unit = torch.full_like(tau, goal.window)
        elif high == 0:
            unit = torch.full_like(tau, 1 / self.speed)
        longest = tau if goal.window is None else unit
        nodes = sampled_histories(self.box, BATCH, self.generator)
        if goal.functional is not None and goal.level is None:
            nodes = nodes + 1e-3 * self.box.half * (nodes == 0)
        length = self._length(goal, float(unit.min()))
        batch = Batch(nodes, unit, longest, lag, delays, length)  # type: ignore[arg-type]
        return replace(batch, nodes=self._placed(goal, batch))

    def _varying(self, goal: Goal) -> Varying:
        """Return delays of each shape; a sawtooth of slope 1 is a controller that samples and holds."""
        window = goal.window or 1.0
        low, high = (t / window for t in goal.delays)
        shape = torch.arange(BATCH) % 3
        draws = torch.rand(2, BATCH, generator=self.generator, dtype=torch.float64)
        period = torch.where(shape == 1, high - low + 1e-3, 0.1 + 3 * draws[0])
        return Varying(low, high, period, draws[1], shape)

    def _length(self, goal: Goal, unit: float) -> int:
        fold = 1 / max(abs(self.abscissa), 1e-3 * self.speed)
        span = (4 if goal.functional is not None else 12) * fold
        span = min(max(span, 10 / self.speed), 200 / self.speed)
        return int(min(max(math.ceil(span / unit), 6), MOST_WINDOWS))

    def _placed(self, goal: Goal, batch: Batch) -> Tensor:
        """Return the histories moved into the certified set; into the domain for a problem."""
        nodes = self.box.clipped(batch.nodes) if self.box.bounded else batch.nodes
        if goal.functional is None:
            return nodes
        with torch.no_grad():
            level = math.inf if goal.level is None else goal.level
            return onto_level(goal.functional, nodes, batch.longest, level, self.box, PIECES)

    def _flow(self, batch: Batch) -> Flow:
        each = math.ceil(float(batch.unit.max()) * self.speed / SHORT / 2 / PIECES)
        panels = PIECES * min(max(each, 1), MOST_PANELS // PIECES)
        bound = 30 * float(torch.maximum(-self.box.low, self.box.high).max())
        if not self.box.bounded:
            bound = 1e4 * float(batch.nodes.abs().max())
        function = self.system.deviation_function()
        return Flow(function, batch.unit, batch.lag, panels, batch.length, bound)

    # ---- ascent

    def _climb(self, goal: Goal, batch: Batch, end: float) -> Violation | None:
        """Simulate, look, and move along the gradient; each sample keeps the best it has reached."""
        step = torch.full((BATCH,), 0.3, dtype=torch.float64)
        value, slopes, found = self._look(goal, batch)
        for _ in range(STEPS):
            if found is not None or time.monotonic() > end:
                break
            other = self._moved(goal, batch, slopes, step)
            new, new_slopes, found = self._look(goal, other)
            better = new > value
            step = torch.where(better, 1.3 * step, 0.5 * step)
            batch = _merged(better, other, batch)
            value = torch.where(better, new, value)
            slopes = (
                torch.where(better[:, None], new_slopes[0], slopes[0]),
                torch.where(better, new_slopes[1], slopes[1]),
            )
        return found

    def _look(
        self, goal: Goal, batch: Batch
    ) -> tuple[Tensor, tuple[Tensor, Tensor], Violation | None]:
        """Simulate; return what is climbed, its gradient, and what was found."""
        nodes = batch.nodes.clone().requires_grad_()
        unit = batch.unit.clone().requires_grad_(requires_grad=batch.lag == 1.0)
        longest = unit if batch.lag == 1.0 else batch.longest
        run = replace(self._flow(batch), unit=unit).run(nodes)
        self.tried += BATCH
        value = self._escape(goal, run, longest)
        known = torch.isfinite(value)
        total = torch.where(known, value, torch.zeros_like(value)).sum()
        wanted = [nodes, unit] if batch.lag == 1.0 else [nodes]
        slopes = [torch.zeros_like(nodes), torch.zeros_like(unit)]
        if total.requires_grad:
            for k, g in enumerate(torch.autograd.grad(total, wanted, allow_unused=True)):
                slopes[k] = slopes[k] if g is None else g.nan_to_num()
        with torch.no_grad():
            found = self._judged(goal, batch, run)
        return value.detach().nan_to_num(nan=-math.inf), (slopes[0], slopes[1]), found

    def _escape(self, goal: Goal, run: Run, longest: Tensor) -> Tensor:
        """Return what the ascent climbs: the excursion for every other sample, growth for the rest."""
        excursion = self.box.excursion(run.states).nan_to_num(nan=-1.0).amax(0)
        if goal.functional is None:
            quarter = len(run.times) // 4
            growth = (
                self.box.size(run.states[-quarter:]).nan_to_num().amax(0).clamp(min=1e-12).log()
            )
        else:
            v = run.energy(goal.functional, longest)
            k = run.flow.panels
            large = v[:-k] > 1e-6 * v[:1]
            ratio = (v[k:] / v[:-k].clamp(min=1e-300)).clamp(min=1e-12).log()
            growth = torch.where(large, ratio, -math.inf).nan_to_num(nan=-math.inf).amax(0)
        if not self.box.bounded:
            return growth
        return torch.where(torch.arange(len(growth)) % 2 == 0, excursion, growth)

    def _moved(
        self, goal: Goal, batch: Batch, slopes: tuple[Tensor, Tensor], step: Tensor
    ) -> Batch:
        scale = slopes[0].abs().amax((0, 2)).clamp(min=1e-300)
        size = self.box.half if self.box.bounded else batch.nodes.abs().amax((0, 2))[:, None]
        nodes = batch.nodes + step[:, None] * size * slopes[0] / scale[:, None]
        unit, longest = batch.unit, batch.longest
        low, high = batch.range
        if batch.lag == 1.0 and high > low:
            unit = (unit + 0.3 * step * (high - low) * slopes[1].sign()).clamp(low, high)
            longest = unit
        other = replace(batch, nodes=nodes, unit=unit, longest=longest)
        return replace(other, nodes=self._placed(goal, other))

    # ---- judgement

    def _judged(self, goal: Goal, batch: Batch, run: Run) -> Violation | None:
        """Return the worst confirmed violation among solutions, if there is one."""
        tolerance = ROUGH if callable(batch.lag) else COARSE
        measures = self._measures(goal, batch, run)
        for kind, measure in measures.items():
            name = {"V rises": "rise", "leaves the domain": "excursion"}.get(kind, "size")
            largest = float(measure.nan_to_num(nan=-math.inf).max())
            self.worst[name] = max(largest, self.worst.get(name, -math.inf))
        for kind, measure in measures.items():
            limit = SETTLED if kind == "does not converge" else tolerance
            ranked = measure.nan_to_num(nan=-math.inf).argsort(descending=True)[:2]
            for i in ranked.tolist():
                if measure[i] > limit:
                    found = self._confirmed(goal, batch.rows([i]), kind, float(measure[i]))
                    if found is not None:
                        return found
        return None

    def _measures(self, goal: Goal, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Return by kind how much each sample violates, the gravest kind first."""
        found: dict[str, Tensor] = {}
        if goal.functional is None:
            found["does not converge"] = self._unsettled(run)
        if self.box.bounded:
            beyond = self.box.excursion(run.states)
            found["leaves the domain"] = beyond.nan_to_num(nan=-1.0).amax(0)
        if goal.functional is not None:
            v = run.energy(goal.functional, batch.longest)
            v = torch.where(torch.isfinite(v), v, v[:1])
            found["V rises"] = ((v - v.cummin(0).values) / v[:1]).amax(0)
        return found

    def _unsettled(self, run: Run) -> Tensor:
        """Return the size at the end of solutions that do not become smaller; zero for the others."""
        size = self.box.size(run.states).nan_to_num(nan=math.inf)
        quarter = len(size) // 4
        late, before = size[-quarter:].amax(0), size[-2 * quarter : -quarter].amax(0)
        return torch.where((late >= 0.97 * before) | late.isinf(), late, torch.zeros_like(late))

    def _confirmed(self, goal: Goal, one: Batch, kind: str, coarse: float) -> Violation | None:
        """Integrate one history again, exactly: the violation must persist, from inside the certified set."""
        longer = 2 if kind == "does not converge" else 1
        flow = replace(self._flow(one).finer(), length=longer * one.length)
        run = flow.run(one.nodes, exact=True)
        rough = callable(one.lag)
        limit = max(ROUGH_CONFIRMED if rough else CONFIRMED, coarse / 2)
        if kind == "does not converge":
            limit = SETTLED
        if goal.level is not None and goal.functional is not None:
            start = run.energy(goal.functional, one.longest)[0]
            if not (bool(start <= goal.level) and bool((self.box.excursion(one.nodes) <= 0).all())):
                return None
        measure = float(self._measures(goal, one, run)[kind][0])
        if not measure > limit:
            return None
        tau = float(one.longest[0])
        if isinstance(one.lag, Varying):
            tau = float(one.unit[0] * (one.lag.low + one.lag.high) / 2)
        return self._with(Violation(kind, tau, measure), run, one, 0)

    def _with(self, violation: Violation, run: Run, batch: Batch, i: int) -> Violation:
        """Return the violation with the history and solution of a sample, up to where it was given up."""
        unit = float(batch.unit[i])
        states = run.states[:, i].detach()
        good = int(torch.isfinite(states).all(-1).sum())
        span = unit * torch.linspace(-1.0, 0.0, PIECES + 1, dtype=states.dtype)
        return replace(
            violation,
            varies=batch.lag.described(i) if isinstance(batch.lag, Varying) else "",
            history_times=span,
            history=batch.nodes[:, i].detach(),
            times=unit * run.times[:good],
            states=states[:good],
        )


def _merged(better: Tensor, new: Batch, old: Batch) -> Batch:
    nodes = torch.where(better[None, :, None], new.nodes, old.nodes)
    unit = torch.where(better, new.unit, old.unit)
    return replace(
        old, nodes=nodes, unit=unit, longest=torch.where(better, new.longest, old.longest)
    )
