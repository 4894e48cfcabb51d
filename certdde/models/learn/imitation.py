"""Trajectories of a true system, from histories and delays that are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.data.samples import Past
from certdde.models.data.task import ATOL, RTOL, seeded, uniform
from certdde.models.learn.trajectory_set import TrajectorySet, past_of
from certdde.solvers import scheme, solve
from certdde.systems.delay_system import DelaySystem
from certdde.systems.learn_problem import LearnProblem

KNOTS = 16  # of a tabulated history, at least; a spline through them is what a model sees
DELAYS_SEEN = 6.0  # the default of the time that is simulated
WAVES = 4.0  # the largest frequency of a history, times the reach


def imitated(problem: LearnProblem) -> TrajectorySet:
    """Simulate the system of a problem file from drawn histories over drawn delays, in deviations from its equilibrium.

    Parameters
    ----------
    problem : LearnProblem
        With a system. Each trajectory has constant delays, drawn uniformly from the range of each delay: from the
        multiples of the time between two points for schemes and flows, from all of it for delay equations.

    Raises
    ------
    ProblemError
        If the system cannot be built, there is no range to draw histories or delays from, or a solution blows up.
    """
    system = problem.truth().build()
    spec, data = problem.learn, problem.learn.data
    source = seeded(spec.seed)
    end = data.end or DELAYS_SEEN * max(high for _, high in _ranges(problem).values())
    spacing = end / (data.points - 1)
    if system.time == "discrete":
        spacing, end = 1.0, float(data.points - 1)
        if data.end is not None:
            wanted = "give points: a scheme counts in steps"
            raise ProblemError(
                "a scheme has no end", where=problem.where("learn.data.end"), wanted=wanted
            )
    stepped = system.time == "discrete" or spec.model != "dde"
    delays = _drawn_delays(problem, spacing if stepped else None, source)
    longest = max(float(delays.max()), spec.delays.limits[1] if spec.delays.start else 0.0)
    history = _DrawnHistory.of(problem, system, longest, source)
    times = torch.arange(data.points, dtype=torch.float64) * spacing
    if system.time == "discrete":
        states = _iterated(system, problem, delays, history, data.points - 1)
    else:
        states = _solved(system, problem, delays, history, times)
    past = history.table(longest, spacing, fine=not stepped)
    origin = f"the system of {problem.source}"
    found = TrajectorySet(system.states, times, states, past, delays, origin)
    return found.shifted([float(v) for v in system.equilibrium]).checked()


def _ranges(problem: LearnProblem) -> Mapping[str, tuple[float, float]]:
    """Return the range of each delay of the system."""
    ranges = {}
    for name, spec in problem.delays.items():
        if spec.range is None:
            raise ProblemError(
                "the delay has no range to draw from",
                where=problem.where(f"delays.{name}.range"),
                wanted="give one, as in [0.5, 0.5]",
            )
        ranges[name] = spec.range
    return ranges


def _drawn_delays(problem: LearnProblem, spacing: float | None, source: torch.Generator) -> Tensor:
    """Return delays (samples, k): uniform in their ranges, or on multiples of the spacing from one on."""
    count, columns = problem.learn.data.trajectories, []
    for name, (low, high) in _ranges(problem).items():
        where = problem.where(f"delays.{name}.range")
        if problem.learn.delays.start is not None and low < high:
            wanted = f"give one delay, as in [{high}, {high}], or learn.delays without start"
            raise ProblemError("a delay that is learnt is one number", where=where, wanted=wanted)
        unit = uniform((count,), 0.0, 1.0, source)
        if spacing is None:
            if low == 0:
                wanted = "give a lower end above 0"
                raise ProblemError("a delay of 0 may be drawn", where=where, wanted=wanted)
            columns.append(low + (high - low) * unit)
            continue
        first, last = max(1, math.ceil(low / spacing - 1e-9)), math.floor(high / spacing + 1e-9)
        if last < first:
            wanted = (
                f"hold a multiple of {spacing:.6g}, the time between two points (learn.data.points)"
            )
            raise ProblemError(f"[{low}, {high}] has none", where=where, wanted=wanted)
        columns.append(spacing * (first + torch.floor(unit * (last - first + 1))))
    return torch.stack(columns, 1)


@dataclass(frozen=True, slots=True)
class _DrawnHistory:
    """centre + swing sin(rate s + phase) in each state, (samples, n) each; constant if the swing is 0."""

    centre: Tensor
    swing: Tensor
    rate: Tensor
    phase: Tensor

    @classmethod
    def of(
        cls, problem: LearnProblem, system: DelaySystem, reach: float, source: torch.Generator
    ) -> _DrawnHistory:
        low, high = _box(problem, system)
        waves = problem.learn.data.histories == "waves"
        unit = torch.rand(
            4, problem.learn.data.trajectories, len(low), generator=source, dtype=torch.float64
        )
        share = unit[0] if waves else torch.zeros_like(unit[0])
        middle, half = (low + high) / 2, (high - low) / 2
        return cls(
            middle + half * (1 - share) * (2 * unit[1] - 1),
            half * share,
            WAVES / reach * unit[2],
            2 * math.pi * unit[3],
        )

    def __call__(self, s: Tensor | float) -> Tensor:
        """Return the values at times s that broadcast with (samples, n)."""
        return self.centre + self.swing * torch.sin(self.rate * s + self.phase)

    def table(self, reach: float, spacing: float, *, fine: bool) -> Past | None:
        """Return the values over the reach, on the grid of the spacing or a finer one; None if they are constant."""
        if not bool(self.swing.any()):
            return None
        parts = math.ceil(KNOTS * spacing / reach) if fine else 1
        step = spacing / parts
        times = torch.arange(-math.ceil(reach / step - 1e-9), 1, dtype=torch.float64) * step
        return past_of(times, self(times.reshape(-1, 1, 1)))


def _box(problem: LearnProblem, system: DelaySystem) -> tuple[Tensor, Tensor]:
    """Return the range of the histories in each state."""
    given = problem.learn.data.range
    box = given if given is not None else (problem.system.domain if problem.system else None)
    where = problem.where("learn.data.range")
    wanted = "give a pair for each state, as in { x = [-1.0, 1.0] }"
    if box is None:
        what = "there is no domain to draw histories from"
        raise ProblemError(what, where=where, wanted=wanted)
    unknown = [name for name in box if name not in system.states]
    missing = [name for name in system.states if name not in box]
    if unknown or missing:
        what = f"{unknown[0]} is no state" if unknown else f"the state {missing[0]} is missing"
        raise ProblemError(what, where=where, wanted=wanted)
    ends = torch.tensor([box[name] for name in system.states], dtype=torch.float64)
    return ends[:, 0], ends[:, 1]


def _lags(system: DelaySystem, problem: LearnProblem, delays: Tensor) -> list[Tensor]:
    column = {name: delays[:, i] for i, name in enumerate(problem.delays)}
    return [multiple * column[name] for name, multiple in system.lags]


def _solved(
    system: DelaySystem,
    problem: LearnProblem,
    delays: Tensor,
    history: Callable[[Tensor], Tensor],
    times: Tensor,
) -> Tensor:
    solution = solve(
        system.torch_function(),
        history,
        times,
        _lags(system, problem, delays),
        rtol=RTOL,
        atol=ATOL,
    )
    return _all_finite(solution.states.detach(), problem)


def _iterated(
    system: DelaySystem,
    problem: LearnProblem,
    delays: Tensor,
    history: _DrawnHistory,
    steps: int,
) -> Tensor:
    lags = [lag.round().long() for lag in _lags(system, problem, delays)]
    return _all_finite(
        scheme(system.torch_function(), lambda t: history(float(t)), lags, steps), problem
    )


def _all_finite(states: Tensor, problem: LearnProblem) -> Tensor:
    lost = (~states.isfinite()).any(-1).any(0)
    if bool(lost.any()):
        raise ProblemError(
            f"{int(lost.sum())} of {len(lost)} solutions blow up",
            where=problem.where("learn.data"),
            wanted="a shorter end, or a smaller range of histories",
        )
    return states
