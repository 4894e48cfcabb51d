"""Training: what is verified, at sampled, hard and counterexample points, plus the region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from certdde.functionals import Functional
from certdde.inequalities.dissipation import eliminate
from certdde.inequalities.features import Features
from certdde.inequalities.inequality import box
from certdde.inequalities.reduction import Reduction, as_reduction
from certdde.learning.neural import NeuralFunctional
from certdde.systems.delay_system import DelaySystem
from certdde.verify.bound_propagation.taylor import Taylor, quadratic_upper_bound
from certdde.verify.lmi.cutting_planes import sample_xi

EVERY = 100


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
        One entry a hundred steps: loss and the worst D / |xi|^2.
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
            worst = self._step(problem, settings, optimiser)
            schedule.step()
            if step % EVERY == 0 or step == settings.steps - 1:
                self.history.append({"step": float(step), "worst": worst})
                if progress:
                    progress(step, worst)

    def _step(
        self, problem: Sampled, settings: TrainSettings, optimiser: torch.optim.Optimizer
    ) -> float:
        points = self._points(problem, settings)
        optimiser.zero_grad()
        functional = self.module.functional()
        forms, eliminated = problem.forms(functional)
        worst = problem.rates(functional, forms, points).amax(0)
        loss = (
            _hinge(worst + settings.margin, settings.fresh)
            + torch.relu(eliminated + 0.02 * problem.scale(functional)).sum()
        )
        loss = loss + problem.region_loss(functional, settings, self.generator)
        if settings.boxes:
            loss = loss + settings.boxes * problem.box_loss(
                functional, forms, points[: settings.fresh // 4], settings
            )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), 10.0)
        optimiser.step()
        detached = worst.detach()
        self.hard = points[detached.topk(min(settings.hard, len(points))).indices].detach()
        return float(detached.max())

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
        return int(state["step"])

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


def _hinge(excess: torch.Tensor, fresh: int) -> torch.Tensor:
    positive = torch.relu(excess)
    return (
        positive[:fresh].mean()
        + positive.mean()
        + positive.topk(min(20, len(positive))).values.mean()
    )


@dataclass(frozen=True, slots=True)
class Sampled:
    """D at sampled points for a changing functional: what stays fixed while it changes."""

    system: DelaySystem
    reduction: Reduction
    rows: Any
    features: Features
    lower: torch.Tensor
    upper: torch.Tensor

    @classmethod
    def of(cls, system: DelaySystem, reduction: Reduction, functional: Functional) -> Sampled:
        """Build for the shape of a functional."""
        features = Features.of(system, functional)
        rows = reduction.rows(features, functional.order)
        return cls(system, reduction, rows, features, *box(system, features))

    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return points (count, d)."""
        return sample_xi(self.lower, self.upper, count, generator)

    def forms(self, functional: Functional) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the matrices of D, and the largest eigenvalues of what was eliminated."""
        full = self.reduction.forms(self.rows, functional.P, functional.S, functional.R)
        return eliminate(full, self.rows.head)

    def rates(
        self, functional: Functional, forms: torch.Tensor, points: torch.Tensor
    ) -> torch.Tensor:
        """Return max over eta of D / |xi|^2, (E, k)."""
        v = replace(self.features, functional=functional)(points)
        return torch.einsum("ki,eij,kj->ek", v, forms, v) / points.square().sum(-1)

    def scale(self, functional: Functional) -> torch.Tensor:
        """Return a size against which the eliminated block's eigenvalue is measured."""
        return functional.R.diagonal().mean().detach()

    def region_loss(
        self, functional: Functional, settings: TrainSettings, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the cost of v_0 < 1.03 on the faces and of large V on constant histories."""
        domain = self.system.domain or ()
        low = torch.tensor([float(lo) for lo, _ in domain], dtype=torch.float64)
        high = torch.tensor([float(hi) for _, hi in domain], dtype=torch.float64)
        n = len(low)
        x = low + (high - low) * torch.rand(256, n, generator=generator, dtype=torch.float64)
        on_face = x.clone()
        index = torch.arange(256)
        axis, side = index % n, (index // n) % 2
        on_face[index, axis] = torch.where(side == 0, low[axis], high[axis])
        on_face = torch.cat([on_face, self._some_moments(256, generator)], dim=-1)
        reduction = self.reduction
        bound = functional.lower_bound(on_face, reduction.longest, reduction.breaks)
        shortfall = torch.relu(1.03 - bound)
        windows = self.reduction.windows()
        tau = windows[int(torch.randint(len(windows), (), generator=generator))]
        value = functional.on_constant_histories(x, tau)
        spread = torch.relu(torch.log(value.clamp(min=1e-6)))
        return (
            settings.faces * (shortfall.mean() + shortfall.max()) + settings.region * spread.mean()
        )

    def _some_moments(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return values of the moments that V0 reads, a half of them at the ends of their ranges."""
        m = len(self.features.moments)
        if not m:
            return torch.zeros(count, 0, dtype=torch.float64)
        unit = torch.rand(count, m, generator=generator, dtype=torch.float64)
        unit[: count // 2] = unit[: count // 2].round()
        low, high = self.lower[-m:], self.upper[-m:]
        return low + (high - low) * unit[torch.randperm(count, generator=generator)]

    def box_loss(
        self,
        functional: Functional,
        forms: torch.Tensor,
        points: torch.Tensor,
        settings: TrainSettings,
    ) -> torch.Tensor:
        """The hinge on upper bounds over small boxes around points."""
        half = settings.box_width * (self.upper - self.lower) / 2
        low = torch.minimum(torch.maximum(points - half, self.lower), self.upper - 2 * half)
        features = replace(self.features, functional=functional)
        bound = quadratic_upper_bound(features(Taylor.identity(low, low + 2 * half)), forms).amax(0)
        return torch.relu(bound / (low + half).square().sum(-1) + settings.margin / 2).mean()
