"""A run of :func:`~certdde.learning.synthesis.synthesise.synthesise`, which can be interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from certdde.delays.classes import Constant
from certdde.errors import ProblemError
from certdde.learning.checkpoint import Checkpoint
from certdde.learning.synthesis.controller import Controller, Inputs
from certdde.learning.synthesis.gains import Loop, linear
from certdde.learning.synthesis.kept import Kept, closed_again
from certdde.learning.synthesis.region import holds
from certdde.learning.synthesis.stage import Closed, Progress, Stage
from certdde.learning.task import Options, Task, make_task
from certdde.learning.training import TrainSettings
from certdde.systems.controller_problem import ControllerProblem
from certdde.systems.delay_system import DelaySystem

STEP, LEAST_STEP = (
    0.1,
    0.01,
)  # of the first delay: how far the next one is, and how little is not worth a try
DIGITS = 9  # of a delay


@dataclass(slots=True)
class Run:
    """The state of a run.

    ``delay``, ``step``: what is tried now, and by how much the next delay is longer. ``number``: the next round.
    """

    problem: ControllerProblem
    task: Task
    loop: Loop
    start: np.ndarray
    controller: Controller
    checkpoint: Checkpoint
    keep: Callable[[Closed], None] | None
    delay: Constant
    step: float
    number: int = 0
    best: Closed | None = None
    weights: dict[str, Any] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False
    restored: Kept | None = None

    @classmethod
    def of(
        cls,
        problem: ControllerProblem,
        workdir: Path | None,
        keep: Callable[[Closed], None] | None,
        progress: Progress | None,
    ) -> Run:
        """Find gains, and a network that imitates them; or what an interrupted run had."""
        delay, spec = problem.delay(), problem.learn
        shape = problem.outputs, problem.inputs
        system = problem.build(linear(np.zeros(shape)))
        options = Options("quadratic", problem.certify.order, spec.seed, spec.budget)
        task = make_task(system, delay, options, None, progress)
        refuse_unusable(problem, system)
        loop = Loop.of(problem, delay)
        start = task.timed("gains", lambda: loop.start(spec.start))
        inputs = Inputs.of(system, spec.network)
        size = torch.as_tensor(np.abs(start) @ inputs.radius.numpy()).clamp(min=1e-3)
        controller = Controller(inputs, spec.widths, size, torch.Generator().manual_seed(spec.seed))
        described = {"problem": problem.model_dump(mode="json"), "torch": torch.__version__}
        checkpoint = Checkpoint.of(workdir, "controller", described)
        run = cls(
            problem, task, loop, start, controller, checkpoint, keep, delay, STEP * delay.upper
        )
        state = checkpoint.load()
        if state:
            run.restore(state)
        elif run.stable():
            generator = torch.Generator().manual_seed(spec.seed + 1)
            task.timed("imitation", lambda: controller.imitate(start, generator))
        return run

    def stable(self) -> bool:
        """Tell whether the linearised loop with the gains of the start is stable."""
        return self.loop.abscissa(self.start) < 0

    def run(self) -> None:
        """Search for what is asked."""
        if not self.stable() or self.done:
            return
        if self.problem.learn.objective == "region":
            self.stage(lambda _: False)
        else:
            self.longer()
        self.done = True
        self.save(None)

    def abscissa(self) -> float:
        """Return the largest real part of the roots of the best loop, or of that with the gains of the start."""
        if self.best is None:
            return self.loop.abscissa(self.start)
        self.controller.load_state_dict(self.weights)
        return self.loop.at(self.best.delay).abscissa(self.controller.gains())

    def longer(self) -> None:
        """Try longer delays as long as there is a proof; after a failure go less far."""
        least = LEAST_STEP * self.problem.delay().upper
        while self.step >= least and not self.task.late():
            loop = self.loop.at(self.delay)
            if self.number == 0 and self.best is not None:
                self.controller.load_state_dict(self.weights)
                self.controller.set_gains(loop.tuned(self.controller.gains()))
            stable = loop.abscissa(self.controller.gains()) < 0 or self.number > 0
            found = self.stage(self.enough) if stable else None
            if found is None or not self.enough(found):
                if self.best is None:
                    break
                self.step /= 2
            base = self.best.delay if self.best else self.delay
            self.delay, self.number = longer(base, self.step), 0
            self.save(None)

    def enough(self, closed: Closed) -> bool:
        """Tell whether the region of a loop holds the one that is wanted."""
        return holds(closed, self.problem)

    def stage(self, enough: Callable[[Closed], bool]) -> Closed | None:
        """Run the rounds for one range of delays."""
        spec = self.problem.learn
        stage = Stage(
            self.problem,
            self.delay,
            self.controller,
            self.task.settings.deadline,
            log=self.log,
            progress=self.task.progress,
            generator=torch.Generator().manual_seed(spec.seed + 2),
            training=TrainSettings(steps=spec.steps, rate=spec.rate),
        )
        if self.best is not None and self.number == 0:
            stage.functional = self.best.part.functional  # of a shorter delay
        if self.restored is not None:
            self.restored.into(stage)
            stage.best = self.best if self.best and self.best.delay == self.delay else None
            self.restored = None

        def save(number: int) -> None:
            self.number = number
            self.offer(stage.best)
            self.save(stage)

        found: Closed | None = self.task.timed(
            "training", lambda: stage.run(enough, save, self.number)
        )
        return found

    def offer(self, found: Closed | None) -> None:
        """Keep a loop if it is new and good enough."""
        if found is None or found is self.best:
            return
        if self.problem.learn.objective == "delay" and not self.enough(found):
            return
        self.best = found
        self.weights = {k: v.clone() for k, v in self.controller.state_dict().items()}
        if self.keep:
            self.keep(found)

    def save(self, stage: Stage | None) -> None:
        """Keep the state on the disk."""
        kept = Kept.of(self.best, self.weights, stage)
        self.checkpoint.save(
            {
                **kept.plain(),
                "delay": [self.delay.lower, self.delay.upper],
                "step": self.step,
                "number": self.number,
                "controller": self.controller.state_dict(),
                "log": self.log,
                "done": self.done,
            }
        )

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that was kept; what it had proved is proved again."""
        kept = Kept.read(state)
        self.delay = replace(self.delay, lower=state["delay"][0], upper=state["delay"][1])
        self.step, self.number, self.done = state["step"], state["number"], state["done"]
        self.log += state["log"]
        if kept.best is not None:
            self.controller.load_state_dict(kept.weights)
            self.weights = kept.weights
            self.best = closed_again(self.problem, self.controller, kept.best)
        self.controller.load_state_dict(state["controller"])
        self.restored = kept if self.number else None


def refuse_unusable(problem: ControllerProblem, system: DelaySystem) -> None:
    """Refuse what the search does not take.

    Raises
    ------
    ProblemError
        For schemes, unknown parameters, and multiples of the delay.
    """
    taken = (
        (system.time == "continuous", "the equations are a scheme", "differential equations"),
        (system.family is None, "parameters are known in intervals", "numbers"),
        (system.one_lag, "there are multiples of the delay", "one delay, as in u(x(t - tau))"),
    )
    for fits, what, wanted in taken:
        if not fits:
            where = f"{problem.source}: system.equations"
            raise ProblemError(what, where=where, wanted=wanted)


def longer(delay: Constant, step: float) -> Constant:
    """Return a range whose upper end is longer by a step; a single delay stays one."""
    upper = round(delay.upper + step, DIGITS)
    return replace(delay, lower=upper if delay.lower == delay.upper else delay.lower, upper=upper)
