"""Simulation and gradient ascent on the escape of solutions, for one functional and one range of delays."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from certdde.studies.batches import BATCH, Batch, Goal, Setting, Varying, Violation, merged
from certdde.studies.starts import sampled_histories
from certdde.studies.window import PIECES, Run

STEPS = 40  # of the ascent
# A rise of V, relative to its start, and an excursion, relative to the domain, that count; the second
# value is for the confirmation, by an integration with tighter tolerances on half the steps.
COARSE, CONFIRMED = 1e-6, 1e-7
ROUGH, ROUGH_CONFIRMED = 1e-2, 1e-3  # the same for a delay that jumps
SETTLED = 0.05  # of the domain: a solution that ends below converges


@dataclass(slots=True)
class Adversary:
    """Attacks goals until the deadline."""

    setting: Setting
    generator: torch.Generator
    deadline: float
    tried: int = 0
    worst: dict[str, float] = field(default_factory=dict)

    def attack(self, goal: Goal, share: int) -> Violation | None:
        """Sample and climb on a goal, in its share of the time that is left."""
        left = self.deadline - time.monotonic()
        batches = list(self.setting.batches(goal, self.generator))
        weak: Violation | None = None
        for batch in batches:
            end = time.monotonic() + left / share / len(batches)
            found = self._climb(goal, batch, end)
            if found is not None and (
                goal.functional is not None
                or goal.radius is not None
                or found.kind != "leaves the domain"
            ):
                return found
            weak = weak or found
        return weak

    def exhibit(self, goal: Goal, violation: Violation) -> Violation:
        """Return the violation with the solution that grows fastest from a few histories."""
        tau, n = violation.delay, self.setting.system.dimension
        unit = torch.full((8,), tau or 1 / self.setting.speed, dtype=torch.float64)
        span = 10 / max(violation.measure, 1e-3) / float(unit[0])
        length = int(min(max(span, 20), 400))
        nodes = 0.1 * sampled_histories(self.setting.box, 8, self.generator)
        longest = torch.full((8,), tau, dtype=torch.float64)
        batch = Batch(nodes, unit, longest, 1.0 if tau else 0, (tau, tau), length)
        if goal.functional is not None and goal.window is None:
            batch = replace(batch, nodes=self.setting.placed(goal, batch))
        with torch.no_grad():
            run = self.setting.flow(batch).run(batch.nodes)
        self.tried += 8
        size = run.states.abs().nan_to_num(nan=math.inf).reshape(len(run.times), 8, n).amax(-1)
        grown = size[-1] / size[0].clamp(min=1e-300)
        return self._with(violation, run, batch, int(grown.argmax()))

    # ---- ascent

    def _climb(self, goal: Goal, batch: Batch, end: float) -> Violation | None:
        """Simulate, look, and move along the gradient; each sample keeps the best it has reached.

        Where the delay varies there are new samples instead.
        """
        if isinstance(batch.lag, Varying):
            return self._drawn(goal, batch, end)
        step = torch.full((BATCH,), 0.3, dtype=torch.float64)
        value, slopes, found = self._look(goal, batch)
        for _ in range(STEPS):
            if found is not None or time.monotonic() > end:
                break
            other = self._moved(goal, batch, slopes, step)
            new, new_slopes, found = self._look(goal, other)
            better = new > value
            step = torch.where(better, 1.3 * step, 0.5 * step)
            batch = merged(better, other, batch)
            value = torch.where(better, new, value)
            slopes = (
                torch.where(better[:, None], new_slopes[0], slopes[0]),
                torch.where(better, new_slopes[1], slopes[1]),
            )
        return found

    def _drawn(self, goal: Goal, batch: Batch, end: float) -> Violation | None:
        """Simulate one batch after the other."""
        while True:
            with torch.no_grad():
                run = self.setting.flow(batch).run(batch.nodes)
                self.tried += BATCH
                found = self._judged(goal, batch, run)
            if found is not None or time.monotonic() > end:
                return found
            batch = next(self.setting.batches(goal, self.generator))

    def _look(
        self, goal: Goal, batch: Batch
    ) -> tuple[Tensor, tuple[Tensor, Tensor], Violation | None]:
        """Simulate; return what is climbed, its gradient, and what was found."""
        moves = batch.lag == 1.0  # the delay can be climbed too
        nodes = batch.nodes.clone().requires_grad_()
        unit = batch.unit.clone().requires_grad_(requires_grad=moves)
        run = replace(self.setting.flow(batch), unit=unit).run(nodes)
        self.tried += BATCH
        value = self._escape(goal, run, unit if moves else batch.longest)
        known = torch.isfinite(value)
        total = torch.where(known, value, torch.zeros_like(value)).sum()
        slopes = [torch.zeros_like(nodes), torch.zeros_like(unit)]
        if total.requires_grad:
            wanted = [nodes, unit] if moves else [nodes]
            for k, g in enumerate(torch.autograd.grad(total, wanted, allow_unused=True)):
                slopes[k] = slopes[k] if g is None else g.nan_to_num()
        with torch.no_grad():
            found = self._judged(goal, batch, run)
        return value.detach().nan_to_num(nan=-math.inf), (slopes[0], slopes[1]), found

    def _escape(self, goal: Goal, run: Run, longest: Tensor) -> Tensor:
        """Return what the ascent climbs: the excursion for every other sample, growth for the rest."""
        excursion = self.setting.box.excursion(run.states).nan_to_num(nan=-1.0).amax(0)
        if goal.functional is None:
            quarter = len(run.times) // 4
            growth = (
                self.setting.box.size(run.states[-quarter:])
                .nan_to_num()
                .amax(0)
                .clamp(min=1e-12)
                .log()
            )
        else:
            v = run.energy(goal.functional, longest)
            k = run.flow.panels
            large = v[:-k] > 1e-6 * v[:1]
            ratio = (v[k:] / v[:-k].clamp(min=1e-300)).clamp(min=1e-12).log()
            growth = torch.where(large, ratio, -math.inf).nan_to_num(nan=-math.inf).amax(0)
        if not self.setting.box.bounded:
            return growth
        return torch.where(torch.arange(len(growth)) % 2 == 0, excursion, growth)

    def _moved(
        self, goal: Goal, batch: Batch, slopes: tuple[Tensor, Tensor], step: Tensor
    ) -> Batch:
        scale = slopes[0].abs().amax((0, 2)).clamp(min=1e-300)
        size = (
            self.setting.box.half
            if self.setting.box.bounded
            else batch.nodes.abs().amax((0, 2))[:, None]
        )
        nodes = batch.nodes + step[:, None] * size * slopes[0] / scale[:, None]
        unit, longest = batch.unit, batch.longest
        low, high = batch.range
        if batch.lag == 1.0 and high > low:
            unit = (unit + 0.3 * step * (high - low) * slopes[1].sign()).clamp(low, high)
            longest = unit
        other = replace(batch, nodes=nodes, unit=unit, longest=longest)
        return replace(other, nodes=self.setting.placed(goal, other))

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
        if self.setting.box.bounded:
            beyond = self.setting.box.excursion(run.states)
            found["leaves the domain"] = beyond.nan_to_num(nan=-1.0).amax(0)
        if goal.functional is not None:
            v = run.energy(goal.functional, batch.longest)
            v = torch.where(torch.isfinite(v), v, v[:1])
            found["V rises"] = ((v - v.cummin(0).values) / v[:1]).amax(0)
        return found

    def _unsettled(self, run: Run) -> Tensor:
        """Return the size at the end of solutions that do not become smaller; zero for the others.

        What the linearisation does to small deviations in that time is allowed for.
        """
        size = self.setting.box.size(run.states).nan_to_num(nan=math.inf)
        quarter = len(size) // 4
        late, before = size[-quarter:].amax(0), size[-2 * quarter : -quarter].amax(0)
        span = run.flow.unit * run.flow.length / 4
        slow = torch.exp(0.3 * min(self.setting.abscissa, 0.0) * span).clamp(min=0.97)
        return torch.where((late >= slow * before) | late.isinf(), late, torch.zeros_like(late))

    def _confirmed(self, goal: Goal, one: Batch, kind: str, coarse: float) -> Violation | None:
        """Integrate one history again, exactly: the violation must persist, from inside the certified set."""
        longer = 2 if kind == "does not converge" else 1
        flow = replace(self.setting.flow(one).finer(), length=longer * one.length)
        run = flow.run(one.nodes, exact=True)
        rough = callable(one.lag)
        limit = max(ROUGH_CONFIRMED if rough else CONFIRMED, coarse / 2)
        if kind == "does not converge":
            limit = SETTLED
        if goal.level is not None and goal.functional is not None:
            start = run.energy(goal.functional, one.longest)[0]
            if not (
                bool(start <= goal.level)
                and bool((self.setting.box.excursion(one.nodes) <= 0).all())
            ):
                return None
        measure = float(self._measures(goal, one, run)[kind][0])
        if not measure > limit:
            return None
        tau = float(one.longest[0])
        if isinstance(one.lag, Varying):
            tau = float(one.unit[0]) * one.lag.mean(0)
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
