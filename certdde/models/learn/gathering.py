"""From a problem file to trajectories, and to the parts that are trained on, validated and tested."""

from __future__ import annotations

import torch
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.data.task import seeded
from certdde.models.learn.data_files import read_trajectories
from certdde.models.learn.imitation import imitated
from certdde.models.learn.trajectory_set import TrajectorySet
from certdde.systems.learn_problem import LearnProblem

SLACK = 1e-9


def gathered(problem: LearnProblem) -> TrajectorySet:
    """Return the trajectories of a problem file, in deviations from the equilibrium, with one delay at least.

    Raises
    ------
    ProblemError
        If a file or a system cannot be used, a delay is neither known nor to be learnt, or is longer than what the
        data show.
    """
    spec, table = problem.learn.delays, None
    if problem.system is not None:
        data = imitated(problem)
    else:
        data = _centred(
            problem, read_trajectories(problem.data_file(), list(delay_names(problem, 0)))
        )
    if spec.known is not None:
        table = torch.tensor(spec.known, dtype=torch.float64).expand(len(data), -1)
        data = TrajectorySet(data.names, data.times, data.states, data.past, table, data.origin)
    if spec.start is None and data.delays is None:
        raise ProblemError(
            "no delay is known",
            where=problem.where("learn.delays"),
            wanted="give start (delays to be learnt) or known, or delays in the data",
        )
    _long_enough(problem, data)
    return data


def delay_names(problem: LearnProblem, count: int) -> tuple[str, ...]:
    """Return the names of the delays: those given, those of the system, or tau, tau1, ..; as they are if count is 0.

    Raises
    ------
    ProblemError
        If another number of names is given.
    """
    spec = problem.learn.delays
    known = len(spec.start or spec.known or ()) or count or len(problem.delays) or 1
    default = tuple(problem.delays)
    if len(default) != known:
        default = ("tau",) if known == 1 else tuple(f"tau{i + 1}" for i in range(known))
    names = spec.names or default
    if count and len(names) != count:
        raise ProblemError(
            f"{len(names)} names for {count} delays",
            where=problem.where("learn.delays.names"),
            wanted="one name for each delay",
        )
    return names


def parts(problem: LearnProblem, samples: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the places of the samples that are trained on, validated and tested: each part has one at least."""
    spec = problem.learn
    validation, test = (max(1, round(share * samples)) for share in (spec.validation, spec.test))
    train = samples - validation - test
    if train < 1:
        raise ProblemError(
            f"of {samples} samples none is left to train on",
            where=problem.where("learn.test"),
            wanted="more samples, or smaller shares validation and test",
        )
    order = torch.randperm(samples, generator=seeded(spec.seed))
    first, second, third = order.split([train, validation, test])
    return first, second, third


def _centred(problem: LearnProblem, data: TrajectorySet) -> TrajectorySet:
    point = problem.learn.data.equilibrium
    for name in point:
        if name not in data.names:
            raise ProblemError(
                f"{name} is no state of the data",
                where=problem.where(f"learn.data.equilibrium.{name}"),
                wanted=f"one of {', '.join(data.names)}",
            )
    return data.shifted([point.get(name, 0.0) for name in data.names])


def _long_enough(problem: LearnProblem, data: TrajectorySet) -> None:
    """Refuse delays of which the data show nothing, and histories that end before a delay does."""
    spec = problem.learn.delays
    known = 0.0 if data.delays is None else float(data.delays.max())
    begin = max(spec.start) if spec.start else known
    most = spec.limits[1] if spec.start else known
    if data.duration <= begin:
        raise ProblemError(
            f"the trajectories last {data.duration:.6g}, and a delay is {begin:.6g}: nothing of it is seen",
            where=data.origin,
            wanted="longer trajectories",
        )
    if data.reach is not None and data.reach < most * (1 - SLACK):
        raise ProblemError(
            f"the history goes back {data.reach:.6g}, and a delay may be {most:.6g}",
            where=data.origin,
            wanted="longer histories, or smaller learn.delays.bounds",
        )
