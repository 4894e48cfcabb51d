"""Training: what is verified, at sampled, hard and counterexample points, plus the region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from certdde.functionals import Functional
from certdde.inequalities.reduction import Reduction, as_reduction
from certdde.learning.mean_objective import MeanObjective, barrier
from certdde.learning.neural import NeuralFunctional
from certdde.learning.sampled import Sampled
from certdde.systems.delay_system import DelaySystem

EVERY = 100
UPDATE, PENALTY, MOST = 50, 10.0, 1e4  # steps between two multipliers, how fast they grow, how far
EDGE = 1.05  # times the least v_0 on the faces: from there on nothing is asked of D


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How training runs.

    Attributes
    ----------
    steps : int
    rate : float
        Learning rate of Adam; decays to a tenth by a cosine.
    margin : float
        D / |xi|^2 <= -margin is asked for (v_0 is about 1 on the faces).
    fresh, hard : int
        Points drawn anew, and kept as the worst, a step.
    faces, region : float
        Weights of v_0 >= 1.03 on the faces and of the mean of log V on constant histories.
    boxes : float
        Weight of the same hinge on boxes (bounds inside the loss); 0 leaves it out.
    pruned : bool
        Whether a point counts only as far as v_0 is not beyond the level there. Larger regions; but a long range of
        delays is reached sooner where all points count.
    mean : MeanObjective or None
        The mean of V in place of its logarithm on constant histories, with the weight ``region``; V >= |x|^2 is then
        built in, and nothing is asked on the faces.
    """

    steps: int = 2500
    rate: float = 3e-3
    margin: float = 0.03
    fresh: int = 900
    hard: int = 500
    faces: float = 3.0
    region: float = 2.0
    boxes: float = 0.0
    box_width: float = 0.03
    pruned: bool = True
    mean: MeanObjective | None = None


@dataclass(slots=True)
class Trainer:
    """The state of training, kept between rounds of CEGIS.

    Attributes
    ----------
    system : DelaySystem
        Well scaled.
    cover : Reduction, or sequence of float
        The delay class, in scaled time.
    module : NeuralFunctional
    generator : torch.Generator
    counterexamples, hard : (k, d) Tensor
        Points that a proof attempt found, and the worst of the last step.
    history : list
        One entry a hundred steps: loss, the worst D / |xi|^2, and the mean of V if that is the objective.
    multiplier : float
        Of the constraint, where it is one of an augmented Lagrangian.
    """

    system: DelaySystem
    cover: Sequence[float] | Reduction
    module: NeuralFunctional
    generator: torch.Generator
    counterexamples: torch.Tensor = field(
        default_factory=lambda: torch.empty(0, dtype=torch.float64)
    )
    hard: torch.Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.float64))
    history: list[dict[str, float]] = field(default_factory=list)
    multiplier: float = 1.0

    def run(
        self,
        settings: TrainSettings,
        *,
        resume: dict[str, Any] | None = None,
        save: Callable[[dict[str, Any]], None] | None = None,
        progress: Callable[[int, float], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        """Train for ``settings.steps`` steps, or until ``stop()``.

        Parameters
        ----------
        settings : TrainSettings
        resume : dict, optional
            A state that ``save`` was given: training goes on from there, to the same end.
        save, progress : callable, optional
            Called every ``EVERY`` steps with the state, and with (step, worst rate).
        stop : callable, optional
        """
        optimiser = torch.optim.Adam(self.module.parameters(), lr=settings.rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimiser, settings.steps, eta_min=settings.rate / 10
        )
        problem = Sampled.of(self.system, as_reduction(self.cover), self.module.frozen())
        first = self._restore(resume, optimiser, schedule) if resume else 0
        for step in range(first, settings.steps):
            if step % EVERY == 0:
                if save and step > first:
                    save(self._state(step, optimiser, schedule))
                if stop and stop():
                    return
            entry = self._step(problem, settings, optimiser, step)
            schedule.step()
            if step % EVERY == 0 or step == settings.steps - 1:
                self.history.append({"step": float(step), **entry})
                if progress:
                    progress(step, entry["worst"])

    def _step(
        self,
        problem: Sampled,
        settings: TrainSettings,
        optimiser: torch.optim.Optimizer,
        step: int,
    ) -> dict[str, float]:
        """Take a step; return the worst D / |xi|^2 and the loss before it."""
        points = self._points(problem, settings)
        optimiser.zero_grad()
        functional = self.module.functional()
        forms, eliminated = problem.forms(functional)
        worst = problem.rates(functional, forms, points).amax(0)
        wanted, edge, told = self._wanted(problem, functional, settings)
        room = torch.full_like(worst, torch.inf)
        if settings.pruned:
            room = EDGE * edge - problem.lower_bound(functional, points)
        excess = torch.minimum(worst + settings.margin, room)
        loss = wanted + self._constraint(excess, room > 0, settings, step)
        loss = loss + torch.relu(eliminated + 0.02 * problem.scale(functional)).sum()
        if settings.boxes:
            loss = loss + settings.boxes * problem.box_loss(
                functional, forms, points[: settings.fresh // 4], settings
            )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), 10.0)
        optimiser.step()
        detached = torch.where(room > 0, worst, -torch.inf).detach()
        self.hard = points[detached.topk(min(settings.hard, len(points))).indices].detach()
        return {"worst": float(detached.max()), "loss": float(loss.detach()), **told}

    def _wanted(
        self, problem: Sampled, functional: Functional, settings: TrainSettings
    ) -> tuple[torch.Tensor, float, dict[str, float]]:
        """Return the cost of a small region, the least v_0 on the faces, and what to tell of it."""
        if settings.mean is None:
            return *problem.region_loss(functional, settings, self.generator), {}
        with torch.no_grad():
            edge = float(problem.on_faces(functional, self.generator).min())
        windows = tuple(problem.reduction.windows())
        mean = settings.mean.mean(functional, problem.system, windows, self.generator)
        return settings.region * mean, edge, {"mean": float(mean.detach())}

    def _constraint(
        self, excess: torch.Tensor, counted: torch.Tensor, settings: TrainSettings, step: int
    ) -> torch.Tensor:
        """Return the cost of D / |xi|^2 above -margin."""
        kind = settings.mean.constraint if settings.mean else "hinge"
        violated = _hinge(excess, counted, settings.fresh)
        if kind == "barrier":
            weight = 0.1 ** (1 + 2 * step / settings.steps)
            left = barrier(excess - settings.margin, weight)[counted]
            return violated + left.sum() / max(len(left), 1)
        if kind == "hinge":
            return violated
        if step % UPDATE == UPDATE - 1:
            self.multiplier = min(self.multiplier + PENALTY * float(violated.detach()), MOST)
        return self.multiplier * violated + PENALTY / 2 * violated.square()

    def _state(self, step: int, optimiser: torch.optim.Optimizer, schedule: Any) -> dict[str, Any]:
        return {
            "step": step,
            "module": self.module.state_dict(),
            "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(),
            "generator": self.generator.get_state(),
            "hard": self.hard,
            "counterexamples": self.counterexamples,
            "history": self.history,
            "multiplier": self.multiplier,
        }

    def _restore(
        self, state: dict[str, Any], optimiser: torch.optim.Optimizer, schedule: Any
    ) -> int:
        self.module.load_state_dict(state["module"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        self.generator.set_state(state["generator"])
        self.hard, self.counterexamples = state["hard"], state["counterexamples"]
        self.history[:] = state["history"]
        self.multiplier = state.get("multiplier", 1.0)
        return int(state["step"])

    def begin_again(self, weights: Mapping[str, Any]) -> None:
        """Go back to the weights of a module before training; what failed of others is forgotten."""
        self.module.load_state_dict(weights)
        self.hard = self.counterexamples = torch.empty(0, dtype=torch.float64)
        self.multiplier = 1.0

    def add(self, points: torch.Tensor, most: int = 400) -> None:
        """Keep counterexamples, the newest first."""
        old = self.counterexamples.reshape(-1, points.shape[-1])
        self.counterexamples = torch.cat([points, old])[:most]

    def _points(self, problem: Sampled, settings: TrainSettings) -> torch.Tensor:
        fresh = problem.sample(settings.fresh, self.generator)
        kept = [fresh]
        for extra in (self.hard, self.counterexamples):
            if extra.numel():
                jitter = 1 + 0.02 * torch.randn(
                    extra.shape, generator=self.generator, dtype=extra.dtype
                )
                kept.append(
                    torch.minimum(torch.maximum(extra * jitter, problem.lower), problem.upper)
                )
        return torch.cat(kept)


def _hinge(excess: torch.Tensor, counted: torch.Tensor, fresh: int) -> torch.Tensor:
    """Return means of the positive part over the points that count, fresh ones and all, and over the worst twenty.

    The others are 0 and are not counted: else the hinge would weaken against the region where the level set is small.
    """
    positive = torch.relu(excess)
    first, all_ = counted[:fresh].sum().clamp(min=1), counted.sum().clamp(min=1)
    worst = positive.topk(min(20, len(positive))).values
    return positive[:fresh].sum() / first + positive.sum() / all_ + worst.mean()
