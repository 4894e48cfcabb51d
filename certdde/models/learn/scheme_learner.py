"""Learning x[t+1] = x[t] - F(x[t - d]), F reading the delay or not, bounded or free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certdde.errors import ProblemError
from certdde.models.data.task import seeded
from certdde.models.learn.architecture import SchemePredictor, build
from certdde.models.learn.gathering import delay_names
from certdde.models.learn.graphs import scheme_graph
from certdde.models.learn.learner import Box, Equations, Learner
from certdde.models.learn.steps import Steps, range_in_steps, renamed
from certdde.models.learn.trajectory_set import TrajectorySet
from certdde.models.schemes import FixedScheme, largest_gain
from certdde.systems.learn_problem import LearnProblem

SHARE, LEAST = 0.98, 0.002  # of the bound that a bounded F keeps; its least slope


def scheme_learner(problem: LearnProblem, data: TrajectorySet, box: Box) -> SchemeLearner:
    """Return the model of a problem file with its data.

    Raises
    ------
    ProblemError
        If the data are not on a grid, or the settings do not fit them.
    """
    spec, steps = problem.learn, Steps.of(problem, data)
    low, high = range_in_steps(problem, steps)
    if spec.reads_delay and spec.delays.range is not None and low < high:
        raise ProblemError(
            "a scheme that reads its delay is another one at each delay",
            where=problem.where("learn.delays.range"),
            wanted=f"one delay, as in [{spec.delays.range[1]}, {spec.delays.range[1]}], or reads_delay = false",
        )
    if spec.bounded and len(data.names) > 1:
        what = f"a bounded scheme has one state, and there are {len(data.names)}"
        raise ProblemError(what, where=problem.where("learn.bounded"), wanted="bounded = false")
    longest = max(high, steps.reach)
    limits = [SHARE * largest_gain(k) for k in range(longest + 1)] if spec.bounded else []
    if limits and min(limits) <= LEAST:
        what = f"slopes that are stable at a delay of {longest} steps are below {LEAST}"
        raise ProblemError(what, where=problem.where("learn.delays"), wanted="fewer steps a delay")
    architecture = {
        "model": "scheme",
        "dimension": len(data.names),
        "units": spec.widths[0],
        "bounded": spec.bounded,
        "limits": limits,
        "least": LEAST,
        "radius": max(abs(end) for pair in box for end in pair),
        "reads_delay": spec.reads_delay,
        "delay_scale": float(steps.reach),
        "spacing": steps.spacing,
    }
    module, task = build(architecture, seeded(spec.seed)), steps.task(problem, data.origin)
    names = delay_names(problem, 1)
    return SchemeLearner(module, task, architecture, data.names, names, steps, (low, high))


@dataclass(frozen=True, slots=True)
class SchemeLearner(Learner):
    """A scheme; ``ends`` is the range of delays that its equations are for, in steps."""

    steps: Steps
    ends: tuple[int, int]

    def finish(self) -> None:
        """Do nothing: numbers are rounded where a delay is inserted."""

    def delays(self) -> list[dict[str, Any]]:
        """Return the range of the delays that were seen, in time."""
        seen = [self.steps.spacing * int(v) for v in (self.steps.delays.min(), self.steps.reach)]
        return [{"name": self.delay_names[0], "known": seen}]

    def equations(self, box: Box) -> Equations:  # noqa: ARG002
        """Return the scheme with numbers of nine digits; one that reads its delay for the longest one of the range."""
        texts = renamed(self._fixed().equations(self.delay_names[0]), self.names)
        low, high = self.ends
        first = high if self.architecture["reads_delay"] else low
        return Equations(texts, {self.delay_names[0]: (float(first), float(high))})

    def graph(self) -> Any:
        """Return the step with the numbers of the equations."""
        return scheme_graph(self._fixed(), self.delay_names[0])

    def _fixed(self) -> FixedScheme:
        if not isinstance(self.module, SchemePredictor):
            raise TypeError(type(self.module).__name__)
        return self.module.increment.at(self.ends[1])
