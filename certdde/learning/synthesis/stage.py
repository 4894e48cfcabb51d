"""Controller and functional for one range of delays: trained together, proved, and trained on what failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from certdde.certificates.part import Part
from certdde.delays.classes import Constant
from certdde.functionals import Functional
from certdde.inequalities.features import Features
from certdde.learning.area import certified_share
from certdde.learning.best import full
from certdde.learning.finish import Finished, constant_cover, finish
from certdde.learning.levels import FULL, LEAST
from certdde.learning.neural import NeuralFunctional, Shape
from certdde.learning.proposals import attempt
from certdde.learning.rounds import open_points
from certdde.learning.settings import CegisSettings
from certdde.learning.synthesis.controller import Controller
from certdde.learning.training import Trainer, TrainSettings
from certdde.learning.warm_start import warm_start
from certdde.systems.controller_problem import ControllerProblem
from certdde.systems.delay_system import DelaySystem
from certdde.systems.feedforward import Feedforward
from certdde.systems.scaling import Scaling
from certdde.verify.answers import Proved
from certdde.verify.bound_propagation.branch import Settings

Progress = Callable[[str, dict[str, Any]], None]

MAX_BOXES = 1_000_000
LESS, MORE, MOST = 0.4, 1.3, 0.2  # of the region's weight, resp. the margin, after a failure
NO_START = "no quadratic functional to start from"


@dataclass(frozen=True, slots=True)
class Closed:
    """A loop that is proved (float64) to be stable from a region.

    Attributes
    ----------
    network : Feedforward
    system : DelaySystem
        With that network.
    delay : Constant
    part : Part
        The functional and its proof.
    share : float
        Of the domain's constant histories that are in the region.
    """

    network: Feedforward
    system: DelaySystem
    delay: Constant
    part: Part
    share: float


@dataclass(slots=True)
class Stage:
    """The search for one range of delays.

    Attributes
    ----------
    problem : ControllerProblem
    delay : Constant
    controller : Controller
        Changed in place.
    functional : Functional or None
        To start from, in the user's coordinates.
    deadline : float
        On ``time.monotonic``.
    log : list of dict
        One entry a proof.
    """

    problem: ControllerProblem
    delay: Constant
    controller: Controller
    deadline: float
    functional: Functional | None = None
    best: Closed | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    progress: Progress | None = None
    generator: torch.Generator = field(default_factory=torch.Generator)
    training: TrainSettings = field(default_factory=TrainSettings)
    failing: torch.Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.float64))

    def run(
        self, enough: Callable[[Closed], bool], save: Callable[[int], None], first: int = 0
    ) -> Closed | None:
        """Run the rounds from ``first`` on; return the best loop.

        Parameters
        ----------
        enough : callable
            Tells whether a loop is good enough to stop.
        save : callable
            Is called after each round with the number of the next one.
        """
        for number in range(first, self.problem.learn.rounds + 1):
            if time.monotonic() > self.deadline:
                break
            if number and not self._train(number):
                self._note(number, NO_START, None)
                break
            self._prove(number)
            save(number + 1)
            if self.best is not None and enough(self.best):
                break
        return self.best

    def _train(self, number: int) -> bool:
        """Move controller and functional together; False if there is no functional to begin with."""
        lower, upper = self.delay.lower, self.delay.upper
        system = self.problem.build(self.controller.live())
        scaling, cover = Scaling.of(system, upper), constant_cover(lower, upper)
        if self.functional is not None:
            start = scaling.forward(self.functional)
        else:
            frozen = self.problem.build(self.controller.network())
            settings = CegisSettings(order=self.problem.certify.order, deadline=self.deadline)
            found = warm_start(frozen, scaling, settings, lower, upper)
            if found is None:
                return False
            start = found[0]
        times = cover.in_time(float(scaling.time))
        module = NeuralFunctional(start, times.longest, Shape((), ()), self.generator)
        module.add_module("controller", self.controller)  # its weights are trained too
        trainer = Trainer(scaling.apply(system), times, module, self.generator)
        self._tell_failures(trainer, system, scaling, module.frozen())
        trainer.run(
            self.training,
            progress=lambda step, worst: self._report(number, step, worst),
            stop=lambda: time.monotonic() > self.deadline,
        )
        self.functional = scaling.invert(module.frozen())
        return True

    def _tell_failures(
        self, trainer: Trainer, system: DelaySystem, scaling: Scaling, functional: Functional
    ) -> None:
        """Give the points of the last proof attempt to the training set."""
        if self.failing.numel():
            variables = Features.of(system, functional).structure.nonlinear
            index = [system.states.index(v.name) for v in variables]
            trainer.add(
                self.failing / torch.tensor([float(scaling.state[i]) for i in index]).double()
            )

    def _report(self, number: int, step: int, worst: float) -> None:
        if self.progress:
            left = max(0.0, self.deadline - time.monotonic())
            info = {"round": number, "step": step, "steps": self.training.steps, "margin": -worst}
            self.progress("training", {**info, "seconds_left": left})

    def _prove(self, number: int) -> None:
        """Prove the loop as it is; keep the best, and go on from its functional."""
        network = self.controller.network()
        system = self.problem.build(network)
        found = self._attempts(system, number)
        proved: list[Closed] = []
        for name, one in found:
            closed = self._closed(network, system, one)
            self._note(number, name, closed)
            proved += [closed] if closed else []
        self._react(found[0][1], max(proved, key=lambda one: one.share, default=None))

    def _attempts(self, system: DelaySystem, number: int) -> list[tuple[str, Finished]]:
        """Prove the functional that was trained, and the best quadratic one for the controller as it is."""
        settings = Settings(max_boxes=MAX_BOXES, counterexamples=200, deadline=self.deadline)
        lower, upper = self.delay.lower, self.delay.upper
        found: list[tuple[str, Finished]] = []
        if number and self.functional is not None:
            cover = constant_cover(lower, upper)
            found.append(("trained", finish(system, self.functional, cover, settings)))
        content = full(found[0][1].part) if found else self.functional is not None
        convex = attempt(
            "quadratic",
            system,
            lower,
            upper,
            order=self.problem.certify.order,
            seed=self.problem.learn.seed,
            settings=settings,
            least=FULL if content else LEAST,  # smaller level sets take several programs
        )
        return [*found, ("quadratic", convex)]

    def _closed(
        self, network: Feedforward, system: DelaySystem, finished: Finished
    ) -> Closed | None:
        if finished.part is None:
            return None
        share = certified_share(system, [finished.part])
        return Closed(network, system, self.delay, finished.part, 1.0 if share is None else share)

    def _react(self, tried: Finished, found: Closed | None) -> None:
        """Keep the best loop and go on from the best functional; after a failure ask for less region, more margin."""
        points = tried.failing if isinstance(tried.answer, Proved) else open_points(tried.answer)
        self.failing = points[:200]
        if found is None:
            margin = min(MOST, MORE * self.training.margin)
            self.training = replace(
                self.training, region=LESS * self.training.region, margin=margin
            )
            return
        self.functional = found.part.functional
        if self.best is None or found.share > self.best.share:
            self.best = found

    def _note(self, number: int, name: str, found: Closed | None) -> None:
        self.log.append(
            {
                "delay": [self.delay.lower, self.delay.upper],
                "round": number,
                "functional": name,
                "level": found.part.level if found else None,
                "boxes": found.part.boxes.get("leaves", 0) if found else 0,
                "share": found.share if found else None,
            }
        )
