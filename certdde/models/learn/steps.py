"""Trajectories cut into windows of steps, for schemes and flows: delays and histories on the grid of the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.data.samples import Past
from certdde.models.data.task import TaskData
from certdde.models.learn.gathering import parts
from certdde.models.learn.samples_with_delays import DelayedSamples
from certdde.models.learn.trajectory_set import SAME, TrajectorySet
from certdde.models.written_numbers import state_names
from certdde.systems.learn_problem import LearnProblem

_STATE = re.compile(r"[A-Za-z_]\w*(?=\[t)")


@dataclass(frozen=True, slots=True)
class Steps:
    """A set of trajectories in steps.

    Attributes
    ----------
    spacing : float
        Time of a step.
    delays : integer Tensor, (samples,)
        In steps.
    values : Tensor, (reach + T, samples, n)
        From ``reach`` steps before the first time on.
    reach : int
        The longest delay.
    """

    spacing: float
    delays: Tensor
    values: Tensor
    reach: int

    @classmethod
    def of(cls, problem: LearnProblem, data: TrajectorySet) -> Steps:
        """Put delays and histories on the grid.

        Raises
        ------
        ProblemError
            If the times are not even, there are several delays, one is no multiple of the spacing, or the history is
            not given on the grid.
        """
        spacing, given = data.spacing, data.delays
        if given is None or given.shape[1] != 1:
            raise ProblemError(
                f"there are {0 if given is None else given.shape[1]} delays",
                where=data.origin,
                wanted=f"one: a {problem.learn.model} reads one delayed state",
            )
        delays = torch.tensor(
            [in_steps(v, spacing, data.origin, "a delay") for v in given[:, 0].tolist()]
        )
        reach = int(delays.max())
        values = torch.cat([_before(data, spacing, reach), data.states])
        return cls(spacing, delays, values, reach)

    def task(self, problem: LearnProblem, origin: str) -> TaskData:
        """Return windows for training and validation, and whole trajectories for the test.

        Raises
        ------
        ProblemError
            If a window is longer than the trajectories.
        """
        window, steps = problem.learn.window, len(self.values) - self.reach - 1
        if window > steps:
            raise ProblemError(
                f"a window of {window} steps in trajectories of {steps}",
                where=problem.where("learn.window"),
                wanted=f"at most {steps}",
            )
        train, validation, test = parts(problem, self.values.shape[1])
        cut = (self.windows(train, window), self.windows(validation, window))
        return TaskData(problem.name, *cut, self.windows(test, steps), source=origin)

    def windows(self, samples: Tensor, window: int) -> DelayedSamples:
        """Cut trajectories into windows one after the other; each has the values before it as its history."""
        reach = self.reach
        firsts = range(0, len(self.values) - reach - window, window)
        pieces = [self.values[k : k + reach + 1 + window, samples] for k in firsts]
        values = torch.cat(pieces, 1)
        before = torch.arange(-reach, 1, dtype=torch.float64)
        return DelayedSamples(
            torch.arange(window + 1, dtype=torch.float64),
            values[reach],
            values[reach:],
            Past(before, values[: reach + 1]),
            self.delays[samples].repeat(len(pieces)).unsqueeze(1),
        )


def in_steps(value: float, spacing: float, where: str, what: str) -> int:
    """Return a time as a number of steps.

    Raises
    ------
    ProblemError
        If it is no multiple of the spacing.
    """
    count = round(value / spacing)
    if abs(value - count * spacing) > SAME * spacing * max(count, 1):
        raise ProblemError(
            f"{what} is {value:.6g}, no multiple of the time {spacing:.6g} between two states",
            where=where,
            wanted="a multiple of it",
        )
    return count


def range_in_steps(problem: LearnProblem, steps: Steps) -> tuple[int, int]:
    """Return the range of ``learn.delays`` in steps; the default are the delays of the data."""
    given = problem.learn.delays.range
    if given is None:
        return int(steps.delays.min()), steps.reach
    where = problem.where("learn.delays.range")
    low, high = (in_steps(value, steps.spacing, where, "an end") for value in given)
    return low, high


def renamed(equations: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return equations in x, or x1, x2, .., with other names for the states."""
    table = dict(zip(state_names(len(names)), names, strict=True))
    return tuple(_STATE.sub(lambda match: table[match[0]], text) for text in equations)


def _before(data: TrajectorySet, spacing: float, reach: int) -> Tensor:
    """Return the values at the ``reach`` steps before the first time."""
    if data.past is None:
        return data.states[:1].expand(reach, -1, -1)
    backwards = (data.past.times[-1] - data.past.times).flip(0) / spacing
    even = torch.arange(len(backwards), dtype=torch.float64)
    if len(backwards) <= reach or float((backwards - even).abs().max()) > SAME * len(backwards):
        raise ProblemError(
            f"the history is not given at the {reach} times before the states, {spacing:.6g} apart",
            where=data.origin,
            wanted="a history on the grid of the times, as long as the longest delay",
        )
    return data.past.values[-1 - reach : -1]
