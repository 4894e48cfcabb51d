"""What ``certify`` is asked, and what it has found out on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.delays.classes import (
    AnyDelay,
    Constant,
    DelayClass,
    Measurable,
    Resampled,
    Sampled,
    Several,
    Slow,
)
from certdde.delays.random import Random
from certdde.errors import ProblemError
from certdde.learning.admission import check_finite, check_names, check_sampled, check_time
from certdde.learning.cegis import CegisSettings, Progress
from certdde.learning.mean_objective import MeanObjective
from certdde.learning.shapes import Choices, check_choices
from certdde.learning.training import TrainSettings
from certdde.systems.delay_system import DelaySystem
from certdde.verify.bound_propagation.branch import Encloser
from certdde.verify.bound_propagation.engines import encloser

if TYPE_CHECKING:
    from certdde.systems.problem import Problem

DEFAULT_BUDGET = 600.0
MAX_ORDER = 12


@dataclass(slots=True)
class Task:
    """What is asked, and what has been found out."""

    system: DelaySystem
    delay: AnyDelay
    method: str
    settings: CegisSettings
    enclose: Encloser
    directory: Path | None
    progress: Progress | None
    started: float
    seconds: dict[str, float] = field(default_factory=dict)
    baselines: list[dict[str, Any]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    enlarged_from: Sampled | None = None

    @property
    def asked(self) -> AnyDelay:
        """The class that was asked for; ``delay`` may hold more, where the methods take no less."""
        return self.enlarged_from or self.delay

    def timed(self, phase: str, call: Callable[[], Any]) -> Any:
        """Run a call and add its time to a phase."""
        began = time.monotonic()
        if self.progress:
            self.progress(phase, {})
        try:
            return call()
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - began

    def late(self) -> bool:
        """Tell whether the budget is spent."""
        return time.monotonic() > self.settings.deadline

    def past_half(self) -> bool:
        """Tell whether half of the budget is spent."""
        return 2 * time.monotonic() > self.started + self.settings.deadline


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of ``certify`` that override a problem's own settings; None leaves them."""

    method: str = "auto"
    order: int | None = None
    seed: int | None = None
    budget: float | None = None
    engine: str | None = None
    steps: int | None = None


def make_task(
    problem: Problem | DelaySystem,
    delay: AnyDelay | None,
    options: Options,
    directory: Path | None,
    progress: Progress | None,
) -> Task:
    """Put a problem and the options together.

    Raises
    ------
    ProblemError
        If the problem cannot be used, no delay is given, or a method or engine is unknown.
    """
    if not isinstance(problem, DelaySystem) and not hasattr(problem, "certify"):
        raise ProblemError(
            f"a {type(problem).__name__} is no problem",
            where="problem",
            wanted="a DelaySystem, or what certdde.load_problem(path) returns",
        )
    if isinstance(problem, DelaySystem):
        system, settings = problem, CegisSettings(moments=-1)
    else:
        system, settings, options = _from_problem(problem, options)
        delay = delay or problem.delay_class()
    if delay is None:
        raise ProblemError(
            "no delay is given", where="delay", wanted='delay=certdde.Constant("tau", 0.0, 1.0)'
        )
    if isinstance(delay, Several):
        check_names(system, delay)
    elif not isinstance(delay, (Constant, Slow, Measurable, Random, Resampled, Sampled)):
        raise ProblemError(
            f"{delay!r} is no delay class",
            where="delay",
            wanted='certdde.Constant("tau", 0.0, 1.0) or certdde.Measurable(..)',
        )
    if options.order is not None and not 0 <= options.order <= MAX_ORDER:
        raise ProblemError(
            f"the order {options.order} is out of range", where="order", wanted=f"0 to {MAX_ORDER}"
        )
    check_time(system, delay)
    asked = None
    if isinstance(delay, Sampled):
        check_sampled(system, delay)
        if not system.linear or system.family is not None:
            asked, delay = delay, delay.enlarged()
    check_finite(system)
    check_choices(system, settings.choices, delay.kind)
    started = time.monotonic()
    settings = replace(
        settings,
        order=settings.order if options.order is None else options.order,
        seed=settings.seed if options.seed is None else options.seed,
        training=replace(settings.training, steps=options.steps or settings.training.steps),
        deadline=started + (options.budget or DEFAULT_BUDGET),
    )
    if settings.moments < 0:
        most = 2 if system.dimension == 1 else 1
        settings = replace(settings, moments=min(settings.order, most))
    mean = settings.training.mean
    if mean is not None and isinstance(delay, Random):
        mean = replace(mean, law=delay.law)
        settings = replace(settings, training=replace(settings.training, mean=mean))
    engine = encloser(options.engine or "intervals")
    task = Task(system, delay, options.method, settings, engine, directory, progress, started)
    task.enlarged_from = asked
    return task


def _from_problem(problem: Problem, options: Options) -> tuple[DelaySystem, CegisSettings, Options]:
    spec = problem.certify
    settings = CegisSettings(
        moments=spec.moments if spec.moments is not None else -1,
        order=spec.order,
        degree=spec.degree,
        seed=spec.seed,
        hidden=spec.hidden,
        choices=Choices.of(spec),
        outputs=spec.outputs,
        training=TrainSettings(mean=MeanObjective() if spec.objective == "mean" else None),
    )
    filled = replace(
        options,
        method=spec.method if options.method == "auto" else options.method,
        budget=options.budget or spec.budget,
        engine=options.engine or spec.engine,
        steps=options.steps or spec.steps,
    )
    return problem.build(), settings, filled


def require_one(delay: AnyDelay) -> DelayClass:
    """Refuse several delays, for which there is no one margin.

    Raises
    ------
    ProblemError
        If the class is that of several delays, or of a law.
    """
    if isinstance(delay, Random):
        raise ProblemError(
            f"the delay {delay.name} is drawn from a law, and a margin is that of a range",
            where=f"delays.{delay.name}.class",
            wanted="class = 'constant', or certdde certify, which finds the certified delays and their probability",
        )
    if isinstance(delay, Several):
        raise ProblemError(
            f"there are {len(delay.delays)} delays ({delay.name}), and a margin is that of one",
            where="delays",
            wanted="one delay; certify proves ranges of several",
        )
    return delay


def require_constant(delay: AnyDelay) -> None:
    """Refuse a delay that may vary: roots of a characteristic equation say nothing of it.

    Raises
    ------
    ProblemError
        If the class is not ``constant``.
    """
    if delay.kind != "constant":
        raise ProblemError(
            f"the spectral method takes constant delays, not {delay.kind} ones",
            where=f"delays.{delay.name}.class",
            wanted="class = 'constant', or another method",
        )
