"""Learning a step map x[t+1] = F(h, x[t]; x[t - d]): a flow over the time between two states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from certdde.errors import ProblemError
from certdde.models.data.task import seeded
from certdde.models.flows import ResNetFlow, StepMap
from certdde.models.learn.architecture import FlowPredictor, build
from certdde.models.learn.gathering import delay_names
from certdde.models.learn.graphs import graph_of, layers
from certdde.models.learn.learner import Box, Equations, Learner
from certdde.models.learn.steps import Steps, range_in_steps, renamed
from certdde.models.learn.trajectory_set import TrajectorySet
from certdde.systems.learn_problem import LearnProblem
from certdde.verify.export.graph import Symbol


def flow_learner(problem: LearnProblem, data: TrajectorySet) -> FlowLearner:
    """Return the model of a problem file with its data.

    Raises
    ------
    ProblemError
        If the data are not on a grid.
    """
    spec, steps = problem.learn, Steps.of(problem, data)
    architecture = {
        "model": "flow",
        "dimension": len(data.names),
        "hidden": list(spec.widths),
        "bias": spec.bias,
        "spacing": steps.spacing,
    }
    module, task = build(architecture, seeded(spec.seed)), steps.task(problem, data.origin)
    ends, names = range_in_steps(problem, steps), delay_names(problem, 1)
    return FlowLearner(module, task, architecture, data.names, names, steps, ends)


@dataclass(frozen=True, slots=True)
class FlowLearner(Learner):
    """A step map; ``ends`` is the range of delays that its equations are for, in steps."""

    steps: Steps
    ends: tuple[int, int]

    @property
    def flow(self) -> ResNetFlow:
        """F."""
        if not isinstance(self.module, FlowPredictor):
            raise TypeError(type(self.module).__name__)
        return self.module.flow

    def finish(self) -> None:
        """Do nothing: numbers are rounded where the map is written."""

    def delays(self) -> list[dict[str, Any]]:
        """Return the range of the delays that were seen, in time."""
        seen = [self.steps.spacing * int(v) for v in (self.steps.delays.min(), self.steps.reach)]
        return [{"name": self.delay_names[0], "known": seen}]

    def equations(self, box: Box) -> Equations:  # noqa: ARG002
        """Return the map of a flow with one hidden layer and no biases, with numbers of nine digits."""
        if self.architecture["bias"] or len(self.architecture["hidden"]) > 1:
            raise ProblemError(
                "a step map with biases or several hidden layers is not written as equations",
                where="learn",
                wanted="one number in hidden, and bias = false",
            )
        texts = self._map().equations(self.delay_names[0])
        low, high = self.ends
        ranges = {self.delay_names[0]: (float(low), float(high))}
        return Equations(renamed(texts, self.names), ranges)

    def graph(self) -> Any:
        """Return the map: with the numbers of the equations, if there are any."""
        phi, weights, biases = self._numbers()

        def value(x: Symbol, past: Sequence[Symbol]) -> Symbol:
            last = [*weights[:-1], phi.unsqueeze(1) * weights[-1]]
            shifts = biases and [*biases[:-1], phi * biases[-1]]
            return x + layers(Symbol.join([x, *past]), last, shifts, "tanh")

        return graph_of(value, len(self.names), self.delay_names, "next")

    def _map(self) -> StepMap:
        return StepMap.of(self.flow, self.architecture["spacing"])

    def _numbers(self) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor] | None]:
        """Return phi, the matrices, the first one of x and the delayed x together, and the biases."""
        if not self.architecture["bias"] and len(self.architecture["hidden"]) == 1:
            found = self._map()
            return (
                torch.ones(len(self.names), dtype=torch.float64),
                [
                    torch.cat([found.inner, found.past], 1),
                    found.outer,
                ],
                None,
            )
        network, biases = self.flow.g, self.flow.g.layers.biases
        with torch.no_grad():
            phi = self.flow.phi(torch.tensor([self.architecture["spacing"]], dtype=torch.float64))
            first, *others = network.scaled()
            both = first if network.other is None else torch.cat([first, network.other], 1)
        return phi, [both, *others], None if biases is None else list(biases)
