"""Counterexample-guided synthesis: train, try to prove, train on what failed, until proved or out of budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from certdde.functionals import Functional
from certdde.inequalities.features import Features
from certdde.inequalities.reduction import MeasurableDelay, Reduction
from certdde.learning.checkpoint import Checkpoint
from certdde.learning.finish import Cover, Finished, constant_cover, finish
from certdde.learning.neural import NeuralFunctional, Shape
from certdde.learning.proposals import propose
from certdde.learning.training import Trainer, TrainSettings
from certdde.systems.delay_system import DelaySystem
from certdde.systems.scaling import Scaling
from certdde.verify.answers import Proved, Refuted, Unknown
from certdde.verify.bound_propagation.branch import Encloser, Settings, by_intervals

Progress = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class CegisSettings:
    """How the neural search runs.

    Attributes
    ----------
    order, seed : int
    hidden : tuple of int
        Widths of the networks' hidden layers.
    outputs : int
    moments : int
        How many Legendre moments V0 reads beside the states: 0, 1 or 2, for constant delays from above 0.
    degree : int
        Of a polynomial functional (``sos``).
    training : TrainSettings
        Of the first round; later ones take ``later_steps`` and adapt the margin and the region's weight.
    later_steps, rounds : int
    max_boxes : int
        A proof attempt.
    probe : int
        Training steps of the first round after which a functional that does not satisfy the inequality at the points
        drawn is given up.
    deadline : float
        On ``time.monotonic``.
    """

    order: int = 1
    seed: int = 0
    hidden: tuple[int, ...] = (16,)
    outputs: int = 4
    moments: int = 0
    degree: int = 4
    training: TrainSettings = field(default_factory=TrainSettings)
    later_steps: int = 1200
    rounds: int = 6
    max_boxes: int = 3_000_000
    probe: int = 1200
    deadline: float = float("inf")


@dataclass(slots=True)
class Round:
    """One line of the CEGIS log."""

    round: int
    answer: str
    boxes: int
    counterexamples: int
    worst: float
    region: float
    seconds_training: float
    seconds_proof: float


@dataclass(frozen=True, slots=True)
class Searched:
    """The outcome of a search over one delay range."""

    finished: Finished
    log: tuple[Round, ...]
    start: str
    names: tuple[str, ...] = ()


def default_shape(system: DelaySystem, settings: CegisSettings) -> Shape:
    """V0 reads every state; W is neural only for a scalar system, where its two variables are nonlinear anyway.

    For planar systems a neural W doubled the nonlinear variables and gave nothing in our trials.
    """
    n = system.dimension
    states, read = tuple(range(n)), tuple(range(n * (1 + min(settings.moments, settings.order))))
    return Shape(read, states if n == 1 else (), settings.hidden, settings.outputs)


def search(
    system: DelaySystem,
    lower: float,
    upper: float,
    settings: CegisSettings,
    *,
    enclose: Encloser = by_intervals,
    start: Functional | None = None,
    cover: Cover = constant_cover,
    shape: Shape | None = None,
    directory: Path | None = None,
    progress: Progress | None = None,
) -> Searched | None:
    """Look for a neural functional that is proved for the delays of a class in [lower, upper].

    Parameters
    ----------
    system : DelaySystem
        In the user's coordinates, with a domain.
    lower, upper : float
    settings : CegisSettings
    enclose : callable
        The bound engine.
    cover : callable
        From a range of delays to the class that is proved.
    start : Functional, optional
        A functional to start from, in the user's coordinates; default: a quadratic one.
    shape : Shape, optional
        The networks; default: ``default_shape``.
    directory : Path, optional
        Where checkpoints are kept.
    progress : callable, optional

    Returns
    -------
    Searched or None
        None if not even a part of the range has a quadratic functional to start from.
    """
    reduction = cover(lower, upper)
    scaling = Scaling.of(system, upper)
    if start is not None:
        started = scaling.forward(start), "the functional of the range before"
    else:
        started = warm_start(system, scaling, settings, lower, upper, cover)
    if started is None:
        return None
    generator = torch.Generator().manual_seed(settings.seed)
    scaled = scaling.apply(system)
    times = reduction.in_time(float(scaling.time))
    shape = shape or default_shape(system, settings)
    if isinstance(reduction, MeasurableDelay):
        shape = replace(shape, w_inputs=())  # W acts on x(t - h), which would become nonlinear
    module = NeuralFunctional(started[0], times.longest, shape, generator)
    trainer = Trainer(scaled, times, module, generator)
    run = _Run(system, scaling, reduction, settings, trainer, enclose, progress)
    checkpoint = Checkpoint.of(
        directory, f"training-{lower:g}-{upper:g}", _task(system, reduction, settings)
    )
    names = Features.of(system, module.frozen()).names
    return replace(run.loop(checkpoint, started[1]), names=names)


def warm_start(
    system: DelaySystem,
    scaling: Scaling,
    settings: CegisSettings,
    lower: float,
    upper: float,
    cover: Cover = constant_cover,
) -> tuple[Functional, str] | None:
    """Return a quadratic functional for the largest of a few scaled ranges that has one."""
    for share in (1.0, 0.93, 0.86, 0.79, 0.7, 0.6, 0.45, 0.3):
        shorter = cover(lower * share, upper * share)
        proposal = propose(
            "quadratic", system, scaling, settings.order, shorter, settings.seed, settings.deadline
        )
        if proposal is not None:
            return proposal.functional, f"quadratic functional for delays up to {upper * share:.6g}"
    return None


def _task(system: DelaySystem, reduction: Reduction, settings: CegisSettings) -> dict[str, Any]:
    plain = replace(settings, deadline=0.0)
    return {
        "system": repr(system),
        "rhs": repr(system.rhs),
        "class": repr(reduction),
        "settings": repr(plain),
        "torch": torch.__version__,
    }


@dataclass(slots=True)
class _Run:
    """The loop's state."""

    system: DelaySystem
    scaling: Scaling
    reduction: Reduction
    settings: CegisSettings
    trainer: Trainer
    enclose: Encloser
    progress: Progress | None
    log: list[Round] = field(default_factory=list)

    def loop(self, checkpoint: Checkpoint, start: str) -> Searched:
        """Run the rounds."""
        training, finished = (
            self.settings.training,
            Finished(None, Unknown("no round was run", torch.zeros(0, 1), 0)),
        )
        state = checkpoint.load()
        skip = int(state["round"]) if state else 0
        if state:
            self.log += [Round(**line) for line in state["log"]]
            training = replace(training, **state["training"])
        for number in range(skip, self.settings.rounds):
            if time.monotonic() > self.settings.deadline:
                break
            began = time.monotonic()
            self._train(training, number, checkpoint, state if state and number == skip else None)
            if self._hopeless():
                why = (
                    "training found no functional that satisfies the inequality at the points drawn"
                )
                return Searched(
                    Finished(None, Unknown(why, torch.zeros(0, 1), 0)), tuple(self.log), start
                )
            middle = time.monotonic()
            finished = self._prove()
            self._note(number, finished, training, middle - began, time.monotonic() - middle)
            if isinstance(finished.answer, Proved):
                break
            training = self._react(finished, training)
        return Searched(finished, tuple(self.log), start)

    def _train(
        self,
        training: TrainSettings,
        number: int,
        checkpoint: Checkpoint,
        state: dict[str, Any] | None,
    ) -> None:
        changed = {
            "steps": training.steps,
            "margin": training.margin,
            "region": training.region,
            "rate": training.rate,
        }
        lines = [_plain(line) for line in self.log]

        def save(inner: dict[str, Any]) -> None:
            checkpoint.save({**inner, "round": number, "training": changed, "log": lines})

        def report(step: int, worst: float) -> None:
            if self.progress:
                info = {
                    "round": number + 1,
                    "step": step,
                    "steps": training.steps,
                    "margin": -worst,
                }
                self.progress("training", info)

        self.trainer.run(
            training,
            resume=state,
            save=save,
            progress=report,
            stop=lambda: time.monotonic() > self.settings.deadline or self._hopeless(),
        )

    def _hopeless(self) -> bool:
        """Tell whether the first round, once past the probe, has not come near the inequality for a while."""
        history = self.trainer.history
        late = bool(history) and history[-1]["step"] >= self.settings.probe
        return late and not self.log and min(line["worst"] for line in history[-5:]) > 0

    def _prove(self) -> Finished:
        def report(boxes: int, open_: int) -> None:
            if self.progress:
                self.progress("proof", {"boxes": boxes, "open": open_})

        functional = self.scaling.invert(self.trainer.module.frozen())
        settings = Settings(
            max_boxes=self.settings.max_boxes, counterexamples=200, deadline=self.settings.deadline
        )
        return finish(
            self.system, functional, self.reduction, settings, enclose=self.enclose, progress=report
        )

    def _react(self, finished: Finished, training: TrainSettings) -> TrainSettings:
        """Give the failures back to training: points, a larger margin, a smaller weight of the region."""
        answer = finished.answer
        points = (
            answer.points
            if isinstance(answer, Refuted)
            else answer.where
            if isinstance(answer, Unknown)
            else torch.zeros(0, 0)
        )
        if points.numel() and points.shape[-1] == self._factors().shape[0]:
            self.trainer.add(points[:200] / self._factors())
        shorter = replace(training, steps=self.settings.later_steps)
        return replace(shorter, region=shorter.region * 0.4, margin=min(0.2, shorter.margin * 1.3))

    def _factors(self) -> torch.Tensor:
        features = Features.of(self.system, self.trainer.module.frozen())
        index = [self.system.states.index(v.name) for v in features.structure.nonlinear]
        index += [i % self.system.dimension for i in features.moments]
        return torch.tensor([float(self.scaling.state[i]) for i in index], dtype=torch.float64)

    def _note(
        self, number: int, finished: Finished, training: TrainSettings, train: float, proof: float
    ) -> None:
        answer = finished.answer
        boxes = answer.proof.leaves if isinstance(answer, Proved) else answer.boxes
        bad = len(answer.points) if isinstance(answer, Refuted) else 0
        worst = self.trainer.history[-1]["worst"] if self.trainer.history else float("nan")
        self.log.append(
            Round(
                number + 1, type(answer).__name__, boxes, bad, worst, training.region, train, proof
            )
        )


def _plain(line: Round) -> dict[str, Any]:
    return {name: getattr(line, name) for name in Round.__slots__}
