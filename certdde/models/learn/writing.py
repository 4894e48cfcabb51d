"""What a run of ``certdde learn`` leaves: weights, their description, a graph, equations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from certdde.errors import CertddeError, MissingPackageError, ProblemError
from certdde.models.learn.architecture import build
from certdde.models.learn.learner import Box, Equations, Learner
from certdde.systems.learn_problem import LearnProblem
from certdde.systems.problem import load_problem

WEIGHTS, DESCRIPTION, GRAPH, EQUATIONS = (
    "model.safetensors",
    "model.json",
    "model.onnx",
    "equations.toml",
)
VERSION = 1


def write_model(learner: Learner, extra: Mapping[str, Any], directory: Path) -> dict[str, Path]:
    """Write the weights and the description from which :func:`load_model` makes the model again."""
    tensors = {k: v.detach().contiguous().clone() for k, v in learner.module.state_dict().items()}
    description = {
        "format": "certdde learned model",
        "version": VERSION,
        "architecture": learner.architecture,
        "states": list(learner.names),
        "delays": learner.delays(),
        **extra,
    }
    save_file(tensors, directory / WEIGHTS)
    text = json.dumps(description, indent=2, allow_nan=False) + "\n"
    (directory / DESCRIPTION).write_text(text, encoding="utf-8")
    return {"weights": directory / WEIGHTS, "description": directory / DESCRIPTION}


def load_model(directory: str | Path) -> nn.Module:
    """Return a model that ``certdde learn`` has written, with its weights.

    Parameters
    ----------
    directory : str or Path
        With model.json and model.safetensors.

    Raises
    ------
    ProblemError
        If the files cannot be read, or do not fit each other.
    """
    folder = Path(directory)
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if description["version"] != VERSION:
            raise _other_version(description["version"], folder)
        module = build(description["architecture"], torch.Generator().manual_seed(0))
        module.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        raise ProblemError(
            f"no model can be read ({reason})",
            where=str(folder),
            wanted="a folder that certdde learn has written",
        ) from None
    return module


def _other_version(version: object, folder: Path) -> ProblemError:
    wanted = f"version {VERSION}, which this certdde writes"
    return ProblemError(f"a model of version {str(version)[:20]}", where=str(folder), wanted=wanted)


def write_graph(learner: Learner, directory: Path) -> tuple[dict[str, Path], str]:
    """Write the model as ONNX; return the file, or why there is none."""
    path = directory / GRAPH
    try:
        path.write_bytes(learner.graph().SerializeToString())
    except MissingPackageError as error:
        path.unlink(missing_ok=True)
        return {}, str(error)
    return {"graph": path}, ""


def write_equations(
    learner: Learner, problem: LearnProblem, box: Box, directory: Path
) -> tuple[Equations | None, dict[str, Path], str]:
    """Write a problem file of the model, and read it again; return it, or why there is none."""
    path = directory / EQUATIONS
    try:
        found = learner.equations(box)
        path.write_text(problem_text(found, learner, problem, box), encoding="utf-8")
        written = load_problem(path)
        written.build()
        written.delay_class()
    except CertddeError as error:
        path.unlink(missing_ok=True)
        return None, {}, f"{error.what}; {error.wanted}" if error.wanted else error.what
    return found, {"equations": path}, ""


def problem_text(found: Equations, learner: Learner, problem: LearnProblem, box: Box) -> str:
    """Return the problem file of equations: the domain, the range of each delay, and the table ``[certify]``."""
    ends = zip(learner.names, box, strict=True)
    domain = ", ".join(f"{name} = [{low!r}, {high!r}]" for name, (low, high) in ends)
    lines = [f"name = {_text(problem.name)}", "", "[system]", "equations = ["]
    lines += [f"  {_text(equation)}," for equation in found.texts]
    lines += ["]", f"domain = {{ {domain} }}"]
    if found.equilibrium is not None:
        point = ", ".join(f"{name} = {value!r}" for name, value in found.equilibrium.items())
        lines.append(f"equilibrium = {{ {point} }}")
    for name, (low, high) in found.ranges.items():
        lines += ["", f"[delays.{name}]", f"range = [{low!r}, {high!r}]"]
    if problem.certify is not None:
        settings = problem.certify.model_dump(exclude_unset=True, mode="json")
        lines += [
            "",
            "[certify]",
            *(f"{key} = {_value(v)}" for key, v in settings.items() if v is not None),
        ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
