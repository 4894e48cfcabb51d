"""A run of ``certdde learn``: data, training that can be interrupted, and what is written at the end."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.data.samples import Samples
from certdde.models.data.task import seeded
from certdde.models.fit import Fit, FitSettings, error, fit
from certdde.models.learn.data_files import save_trajectories
from certdde.models.learn.dde_learner import dde_learner
from certdde.models.learn.flow_learner import flow_learner
from certdde.models.learn.gathering import gathered
from certdde.models.learn.learner import Box, Equations, Learner
from certdde.models.learn.scheme_learner import scheme_learner
from certdde.models.learn.trajectory_set import TrajectorySet
from certdde.models.learn.writing import write_equations, write_graph, write_model
from certdde.systems.learn_problem import LearnProblem, load_learn_problem

CHECKPOINTS, DATA = "checkpoints", "data.npz"
STATES_KEPT = 200  # of a run: how often its state goes to the disk
DIGITS = 3  # of a domain that is chosen here

Progress = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class LearnResult:
    """What was learnt.

    Attributes
    ----------
    problem : LearnProblem
    learner : Learner
        With the trained module and the data.
    fit : Fit
    errors : mapping from str to float
        Root mean squares of the errors over that of the data: ``train``, ``validation``, ``test``, and ``constant``,
        that of the initial state kept for ever, on the test data.
    predicted : Tensor, (T, samples, n)
        What the model says of ``learner.data.test``.
    box : sequence of (float, float)
        The domain of the equations.
    equations : Equations or None
    why : str
        Why there are no equations.
    notes : tuple of str
        Why other files are missing.
    files : mapping from str to Path
    """

    problem: LearnProblem
    learner: Learner
    fit: Fit
    errors: Mapping[str, float]
    predicted: Tensor
    box: Box
    equations: Equations | None
    why: str
    notes: tuple[str, ...]
    files: Mapping[str, Path]

    @property
    def parameters(self) -> int:
        """How many numbers were learnt."""
        return sum(p.numel() for p in self.learner.module.parameters())

    @property
    def rest(self) -> dict[str, float]:
        """The equilibrium: the model is about deviations from it."""
        return rest_point(self.problem, self.learner.names)

    @property
    def finite(self) -> bool:
        """Whether the model can be followed over all data."""
        return all(math.isfinite(value) for value in self.errors.values())


def learn(
    problem: LearnProblem | str | Path, directory: str | Path, *, progress: Progress | None = None
) -> LearnResult:
    """Learn a model from data or from a system to imitate, and write it down.

    Parameters
    ----------
    problem : LearnProblem, str or Path
        A problem file with a table ``[learn]``.
    directory : str or Path
        Gets model.safetensors, model.json, model.onnx (if the package onnx is there), equations.toml (if the model can
        be written as equations), and data.npz, if the data were made here. The state of training is in
        ``checkpoints``: a run that was interrupted goes on from there to the same weights.
    progress : callable, optional
        ``progress(phase, numbers)``.

    Returns
    -------
    LearnResult

    Raises
    ------
    ProblemError
        If the file or the data cannot be used. One line.

    Notes
    -----
    Nothing here proves anything; ``certdde certify`` takes equations.toml.
    """
    began = time.monotonic()
    if not isinstance(problem, LearnProblem):
        problem = load_learn_problem(problem)
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    report = progress or (lambda _phase, _numbers: None)
    report("data", {})
    data = gathered(problem)
    box = claimed_box(problem, data)
    learner = _learner(problem, data, box)
    found = _trained(problem, learner, data, directory / CHECKPOINTS, report)
    learner.finish()
    report("writing", {})
    errors, predicted = _measured(learner)
    seconds = round(time.monotonic() - began, 3)
    extra = {"name": problem.name, "errors": {k: _plain(v) for k, v in errors.items()}}
    files = write_model(
        learner, {**extra, "equilibrium": rest_point(problem, data.names)}, directory
    )
    graph, missing = write_graph(learner, directory)
    equations, written, why = write_equations(learner, problem, box, directory)
    made = {}
    if problem.system is not None:
        made = {"data": directory / DATA}
        save_trajectories(made["data"], data)
    fitted = Fit(found.best, found.validation, found.history, seconds)
    return LearnResult(
        problem,
        learner,
        fitted,
        errors,
        predicted,
        box,
        equations,
        why,
        (missing,) if missing else (),
        {**files, **graph, **written, **made},
    )


def claimed_box(problem: LearnProblem, data: TrajectorySet) -> Box:
    """Return the domain of the equations in deviations: that of the file, of the system, or what the data reach.

    Raises
    ------
    ProblemError
        If a name is no state, or the equilibrium is not inside.
    """
    given, where = problem.learn.domain, problem.where("learn.domain")
    if given is None and problem.system is not None:
        given, where = problem.system.domain, problem.where("system.domain")
    if given is None:
        reached = data.states.abs().amax((0, 1)).tolist()
        sizes = [float(f"{max(v, 1e-6):.{DIGITS}g}") for v in reached]
        return [(-size, size) for size in sizes]
    for name in data.names:
        if name not in given:
            what = f"the state {name} is missing"
            raise ProblemError(what, where=where, wanted="give a pair for each state")
    if unknown := [name for name in given if name not in data.names]:
        wanted = f"the states are {', '.join(data.names)}"
        raise ProblemError(f"{unknown[0]} is no state", where=where, wanted=wanted)
    rest = rest_point(problem, data.names)
    box = [tuple(round(end - rest[name], 12) for end in given[name]) for name in data.names]
    for name, (low, high) in zip(data.names, box, strict=True):
        if not low < 0 < high:
            what = f"{name} in [{low + rest[name]}, {high + rest[name]}] does not hold {rest[name]} inside"
            raise ProblemError(what, where=where, wanted="give lower < equilibrium < upper")
    return [(low, high) for low, high in box]


def rest_point(problem: LearnProblem, names: Sequence[str]) -> dict[str, float]:
    """Return the equilibrium: what deviations are from."""
    if problem.system is None:
        return {name: problem.learn.data.equilibrium.get(name, 0.0) for name in names}
    system = problem.truth().build()
    return {name: float(v) for name, v in zip(system.states, system.equilibrium, strict=True)}


def _learner(problem: LearnProblem, data: TrajectorySet, box: Box) -> Learner:
    if problem.learn.model == "dde":
        return dde_learner(problem, data)
    if problem.learn.model == "scheme":
        return scheme_learner(problem, data, box)
    return flow_learner(problem, data)


def _trained(
    problem: LearnProblem,
    learner: Learner,
    data: TrajectorySet,
    checkpoints: Path,
    report: Progress,
) -> Fit:
    """Fit, from the state on the disk if there is one of the same problem and data."""
    spec = problem.learn
    settings = FitSettings(
        epochs=spec.epochs,
        batch=spec.batch,
        rate=spec.rate,
        delay_rate=spec.delay_rate,
        decay=spec.decay,
        patience=spec.patience,
        every=max(1, spec.epochs // STATES_KEPT),
    )

    def progress(epoch: int, entry: dict[str, float]) -> None:
        shown = {k: v for k, v in entry.items() if k.startswith("delay_") or k == "validation"}
        report("learning", {"step": epoch + 1, "steps": spec.epochs, **shown})

    folder = checkpoints / _key(problem, learner, data)
    return fit(
        learner.module,
        learner.data,
        settings,
        seeded(spec.seed + 1),
        progress=progress,
        checkpoint=folder,
    )


def _key(problem: LearnProblem, learner: Learner, data: TrajectorySet) -> str:
    """Return a name for the state of this run: it depends on whatever the weights depend on."""
    spec = problem.learn.model_dump(mode="json", exclude={"domain", "data"})
    digest = hashlib.sha256(json.dumps([spec, learner.architecture], sort_keys=True).encode())
    past = () if data.past is None else (data.past.times, data.past.values)
    for tensor in (
        data.times,
        data.states,
        *past,
        *(() if data.delays is None else (data.delays,)),
    ):
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _measured(learner: Learner) -> tuple[dict[str, float], Tensor]:
    """Return the errors over the size of the data, and the predictions of the test data."""
    data, errors = learner.data, {}
    for name, samples in (
        ("train", data.train),
        ("validation", data.validation),
        ("test", data.test),
    ):
        errors[name] = math.sqrt(error(learner.module, samples) / _size(samples))
    kept = (data.test.states - data.test.initial)[1:].square().mean()
    errors["constant"] = math.sqrt(float(kept) / _size(data.test))
    with torch.no_grad():
        predicted: Tensor = learner.module.predict(data.test)  # type: ignore[operator]
    return errors, predicted


def _size(samples: Samples) -> float:
    return max(float(samples.states[1:].square().mean()), torch.finfo(torch.float64).tiny)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
