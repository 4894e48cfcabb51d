"""Learning x'(t) = f(x(t), x(t - tau_1), ..), the delays learnt too or known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
import torch

from certdde.errors import ProblemError
from certdde.models.data.task import TaskData, seeded
from certdde.models.learn.architecture import KnownDelayModel, build
from certdde.models.learn.gathering import delay_names, parts
from certdde.models.learn.graphs import network_graph
from certdde.models.learn.learner import Box, Equations, Learner
from certdde.models.learn.samples_with_delays import DelayedSamples
from certdde.models.learn.trajectory_set import TrajectorySet
from certdde.models.neural_dde import NeuralDDE
from certdde.models.to_system import WRITTEN, delay_system, rounded
from certdde.systems.learn_problem import LearnProblem

DECIMALS = 6  # of the ends of the range about a learnt delay, rounded outwards
STARTS = 20  # of the search for an equilibrium, besides 0


def dde_learner(problem: LearnProblem, data: TrajectorySet) -> DDELearner:
    """Return the model of a problem file with its data.

    Raises
    ------
    ProblemError
        If names, delays and data do not fit each other.
    """
    spec, learned = problem.learn, problem.learn.delays.start is not None
    known = None if learned else data.delays
    told = known is not None and bool((known != known[0]).any())
    start = list(spec.delays.start) if spec.delays.start else _mean(known)
    step = spec.step or float(data.times.diff().min())
    architecture = {
        "model": "dde",
        "dimension": len(data.names),
        "delays": start,
        "bounds": list(spec.delays.limits) if learned else [1e-3, 2 * max(start)],
        "learnable": learned,
        "told": told,
        "hidden": list(spec.widths),
        "activation": spec.activation,
        "bias": spec.bias,
        "step": step,
    }
    samples = DelayedSamples(data.times, data.states[0], data.states, data.past, known)
    train, validation, test = (samples.select(part) for part in parts(problem, len(data)))
    task = TaskData(problem.name, train, validation, test, source=data.origin)
    names = delay_names(problem, len(start))
    module = build(architecture, seeded(spec.seed))
    return DDELearner(module, task, architecture, data.names, names, problem, known)


def _mean(known: torch.Tensor | None) -> list[float]:
    """Return the known delays, exactly if they are the same for all samples."""
    if known is None:
        return []
    same = bool((known == known[0]).all())
    return list((known[0] if same else known.mean(0)).tolist())


@dataclass(frozen=True, slots=True)
class DDELearner(Learner):
    """A neural delay equation; ``known`` (samples, k) are the delays that it is told, None if it learns them."""

    problem: LearnProblem
    known: torch.Tensor | None

    @property
    def model(self) -> NeuralDDE:
        """The equation, without the way in which delays reach it."""
        inner = self.module.model if isinstance(self.module, KnownDelayModel) else self.module
        if not isinstance(inner, NeuralDDE):
            raise TypeError(type(inner).__name__)
        return inner

    def finish(self) -> None:
        """Round the weights to multiples of 2^-bits, if bits are given."""
        bits = self.problem.learn.bits
        if bits is not None:
            self.model.field.load_state_dict(rounded(self.model, bits).field.state_dict())

    def delays(self) -> list[dict[str, Any]]:
        """Return what is known of each delay."""
        spec = self.problem.learn.delays
        if self.known is None:
            values = self.model.delays.values()
            rows = zip(self.delay_names, values, spec.start or (), strict=True)
            return [
                {"name": name, "learned": value, "start": start, "bounds": list(spec.limits)}
                for name, value, start in rows
            ]
        ends = zip(self.known.amin(0).tolist(), self.known.amax(0).tolist(), strict=True)
        return [
            {"name": n, "known": list(pair)} for n, pair in zip(self.delay_names, ends, strict=True)
        ]

    def equations(self, box: Box) -> Equations:
        """Return the equations with all digits of the weights, for delays about those that were learnt."""
        written = self.architecture["activation"] in WRITTEN  # if not, that is the reason to give
        rest = self._rest(box) if written else None
        system = delay_system(
            self.model,
            dict(zip(self.names, box, strict=True)),
            states=self.names,
            delays=self.delay_names,
            equilibrium=rest,
            name=self.problem.name,
        )
        return Equations(system.equations, self._ranges(), rest)

    def _rest(self, box: Box) -> dict[str, float] | None:
        """Return about where the equilibrium in the box is, the one nearest to 0; None if it is 0 exactly."""
        zero = np.zeros(len(self.names))
        if not self.problem.learn.bias and not self._balance(zero).any():
            return None
        low, high = np.array(box).T
        draw = np.random.default_rng(self.problem.learn.seed)
        starts = [zero, *draw.uniform(low, high, (STARTS, len(low)))]
        found = [scipy.optimize.root(self._balance, start) for start in starts]
        points = [one.x for one in found if one.success and ((low < one.x) & (one.x < high)).all()]
        if not points:
            raise ProblemError(
                "no equilibrium was found in the domain",
                where="learn.domain",
                wanted="another domain, or bias = false, with which 0 is one",
            )
        nearest = min(points, key=lambda point: float(np.abs(point).max()))
        return dict(zip(self.names, nearest.tolist(), strict=True))

    def _balance(self, point: np.ndarray) -> np.ndarray:
        """Return f(x, x, ..): 0 at an equilibrium."""
        x = torch.tensor(point, dtype=torch.float64)
        past = [x] * len(self.delay_names)
        with torch.no_grad():
            value: torch.Tensor = self.model.field(torch.zeros_like(x[:1]), x, past)
        return value.numpy()

    def _ranges(self) -> dict[str, tuple[float, float]]:
        spec, ranges = self.problem.learn.delays, {}
        for row in self.delays():
            low, high = row.get("known") or (
                row["learned"] - spec.margin,
                row["learned"] + spec.margin,
            )
            if "learned" in row and spec.margin > 0:
                unit = 10**DECIMALS
                low, high = math.floor(low * unit) / unit, math.ceil(high * unit) / unit
            ranges[row["name"]] = spec.range or (max(0.0, low), high)
        return ranges

    def graph(self) -> Any:
        """Return f as a graph: x, and x at each delay, to the derivative."""
        return network_graph(self.model.field.network, self.delay_names)
