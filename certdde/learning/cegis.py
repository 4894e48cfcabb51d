"""Counterexample-guided synthesis: train, try to prove, train on what failed, until proved or out of budget."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from certdde.functionals import Functional
from certdde.inequalities.features import Features
from certdde.inequalities.reduction import MeasurableDelay, Reduction, as_reduction
from certdde.learning.best import Best, full
from certdde.learning.checkpoint import Checkpoint
from certdde.learning.finish import Cover, Finished, constant_cover, finish
from certdde.learning.neural import NeuralFunctional, Shape
from certdde.learning.region import sampled_level
from certdde.learning.rounds import (
    GAVE_UP,
    Round,
    curve,
    failures,
    few,
    open_points,
    reason,
    sampled_failures,
)
from certdde.learning.settings import CegisSettings
from certdde.learning.shapes import default_shape
from certdde.learning.training import Trainer, TrainSettings
from certdde.learning.warm_start import warm_start
from certdde.systems.delay_system import DelaySystem
from certdde.systems.scaling import Scaling
from certdde.verify.answers import Proved, Unknown
from certdde.verify.bound_propagation.branch import Encloser, Settings, by_intervals

Progress = Callable[[str, dict[str, Any]], None]

MODEST = 0.3  # weight of the region with which a search that was given up begins again
HOPELESS = "training found no functional that satisfies the inequality at the points drawn"


@dataclass(frozen=True, slots=True)
class Searched:
    """The outcome of a search over one delay range."""

    finished: Finished
    log: tuple[Round, ...]
    start: str
    names: tuple[str, ...] = ()


def search(
    system: DelaySystem,
    lower: float,
    upper: float,
    settings: CegisSettings,
    *,
    enclose: Encloser = by_intervals,
    start: Functional | None = None,
    origin: str = "the functional of the range before",
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
    origin : str
        Where it is from, for the log.
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
        started = scaling.forward(start), origin
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
    if settings.training.mean:
        mean = settings.training.mean.in_time(float(scaling.time))
        settings = replace(settings, training=replace(settings.training, mean=mean))
    least = 1.0 if settings.training.mean else 0.0
    module = NeuralFunctional(started[0], times.longest, shape, generator, least)
    trainer = Trainer(scaled, times, module, generator)
    run = _Run(system, scaling, reduction, settings, trainer, enclose, progress, Best(system))
    checkpoint = Checkpoint.of(
        directory, _file(lower, upper, settings), _task(system, reduction, settings)
    )
    names = Features.of(system, module.frozen()).names
    return replace(run.loop(checkpoint, started[1]), names=names)


def _file(lower: float, upper: float, settings: CegisSettings) -> str:
    """Return a name for each search of a run, so that a later one does not replace what an earlier one kept."""
    moments = f"-moments-{settings.moments}" if settings.moments else ""
    return f"training-{lower:g}-{upper:g}{moments}"


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
    best: Best
    log: list[Round] = field(default_factory=list)
    begin: int = 0

    def loop(self, checkpoint: Checkpoint, start: str) -> Searched:
        """Run the rounds."""
        training, finished = (
            self.settings.training,
            Finished(None, Unknown("no round was run", torch.zeros(0, 1), 0)),
        )
        state, first = checkpoint.load(), deepcopy(self.trainer.module.state_dict())
        skip = int(state["round"]) if state else 0
        if state:
            self.log += [Round.read(line) for line in state["log"]]
            training = replace(training, **state["training"])
            self._prove_again(state.get("best"))
        for number in range(skip, self.settings.rounds):
            if time.monotonic() > self.settings.deadline:
                break
            began = time.monotonic()
            self._train(training, number, checkpoint, state if state and number == skip else None)
            middle, hopeless = time.monotonic(), self._hopeless()
            finished = self._prove(number)  # of a hopeless one a small level set may be left
            given_up = hopeless and finished.part is None
            if given_up:
                finished = Finished(None, Unknown(HOPELESS, torch.zeros(0, 1), 0))
            seconds = middle - began, time.monotonic() - middle
            self._note(number, finished, training, *seconds, GAVE_UP if given_up else "")
            self.best.offer(finished, self.trainer.module.state_dict())
            last = training.region <= MODEST or training.mean is not None
            if full(finished.part) or (given_up and last):
                break
            if given_up:
                training = replace(training, region=MODEST)
                self.trainer.begin_again(first)
            else:
                training = self._react(finished, training)
        return Searched(self.best.finished or finished, tuple(self.log), start)

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
        begin = int(state.get("begin", 0)) if state else len(self.trainer.history)
        kept = {"round": number, "training": changed, "begin": begin}
        kept["log"] = [line.plain() for line in self.log]
        kept["best"] = self.best.weights
        self.begin = begin

        def save(inner: dict[str, Any]) -> None:
            checkpoint.save({**inner, **kept})

        def report(step: int, worst: float) -> None:
            if self.progress:
                info = {
                    "round": number + 1,
                    "step": step,
                    "steps": training.steps,
                    "margin": -worst,
                    **self._left(),
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
        """Tell whether no round, once past the probe, has come near the inequality for a while."""
        history = self.trainer.history[self.begin :]
        late = bool(history) and history[-1]["step"] >= self.settings.probe
        never = all(line.answer == GAVE_UP for line in self.log)
        return late and never and min(line["worst"] for line in history[-5:]) > 0

    def _left(self) -> dict[str, float]:
        """Return what is left of the budget, if there is one."""
        left = self.settings.deadline - time.monotonic()
        return {"seconds_left": max(left, 0.0)} if math.isfinite(left) else {}

    def _prove(self, number: int) -> Finished:
        def report(boxes: int, open_: int) -> None:
            if self.progress:
                info = {"round": number + 1, "boxes": boxes, "open": open_, **self._left()}
                self.progress("proof", info)

        return self._finish(self.trainer.module, report)

    def _finish(
        self, module: NeuralFunctional, report: Callable[[int, int], None] | None = None
    ) -> Finished:
        functional = self.scaling.invert(module.frozen())
        functional = functional.times(1 / sampled_level(self.system, functional, self.reduction))
        most, deadline = self.settings.max_boxes, self.settings.deadline
        return finish(
            self.system,
            functional,
            self.reduction,
            Settings(max_boxes=most, counterexamples=200, deadline=deadline),
            enclose=self.enclose,
            least=self.best.least(functional, self.reduction.windows(), self.settings.least),
            progress=report,
        )

    def _prove_again(self, weights: Mapping[str, Any] | None) -> None:
        """Prove what an interrupted run had proved for a small level set."""
        if weights:
            module = deepcopy(self.trainer.module)
            module.load_state_dict(weights)
            self.best.offer(self._finish(module), weights)

    def _react(self, finished: Finished, training: TrainSettings) -> TrainSettings:
        """Give the failures back to training: points, a larger margin, a smaller weight of the region."""
        points = _failing(finished)
        if points.numel() and points.shape[-1] == self._factors().shape[0]:
            self.trainer.add(points[:200] / self._factors())
        shorter = replace(training, steps=self.settings.later_steps)
        less, more = (
            (0.6, 1.2) if finished.part else (0.4, 1.3)
        )  # a small level set is near a large one
        margin = min(0.2, more * shorter.margin)
        return replace(shorter, region=less * shorter.region, margin=margin)

    def _unscaled(self, points: torch.Tensor) -> torch.Tensor:
        """Return points of xi in the user's coordinates."""
        factors = self._factors()
        return points[:, : len(factors)] * factors

    def _factors(self) -> torch.Tensor:
        features = Features.of(self.system, self.trainer.module.frozen())
        index = [self.system.states.index(v.name) for v in features.structure.nonlinear]
        index += [i % self.system.dimension for i in features.moments]
        factors = [float(self.scaling.state[i]) for i in index]
        ones = [1.0] * len(features.structure.constants)  # not scaled
        return torch.tensor([*factors, *ones], dtype=torch.float64)

    def _note(
        self,
        number: int,
        finished: Finished,
        training: TrainSettings,
        train: float,
        proof: float,
        answer: str = "",
    ) -> None:
        found, history = finished.answer, self.trainer.history[self.begin :]
        failing, level = _failing(finished), finished.part.level if finished.part else None
        trainer, functional = self.trainer, self.trainer.module.frozen()
        reduction, seed = as_reduction(trainer.cover), self.settings.seed
        failing_too = sampled_failures(trainer.system, reduction, functional, seed)
        names = Features.of(self.system, functional).names
        self.log.append(
            Round(
                round=number + 1,
                answer=answer or type(found).__name__,
                boxes=found.proof.leaves if isinstance(found, Proved) else found.boxes,
                counterexamples=0 if isinstance(found, Unknown) else len(failing),
                worst=few(history[-1]["worst"]) if history else None,
                region=training.region,
                seconds_training=round(train, 3),
                seconds_proof=round(proof, 3),
                margin=few(training.margin),
                moments=self.settings.moments,
                level=few(level),
                why=reason(found),
                curve=curve(history),
                failures=failures(names, failing, self._unscaled(failing_too)),
            )
        )


def _failing(finished: Finished) -> torch.Tensor:
    """Return the points (k, d) at which the inequality fails or is open."""
    answer = finished.answer
    return finished.failing if isinstance(answer, Proved) else open_points(answer)
