"""The files of a controller: its network, and a problem file of the loop that ``certdde certify`` takes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from certdde.delays.classes import Constant
from certdde.errors import MissingPackageError
from certdde.systems.controller_problem import ControllerProblem
from certdde.systems.feedforward import Feedforward
from certdde.systems.network_files import write_network

WEIGHTS, GRAPH, EQUATIONS = "controller.safetensors", "controller.onnx", "equations.toml"


def write_controller(
    problem: ControllerProblem, network: Feedforward, delay: Constant, directory: Path
) -> dict[str, Path]:
    """Write the network as safetensors, and as ONNX if that package is there, and the loop as a problem file.

    Parameters
    ----------
    problem : ControllerProblem
    network : Feedforward
    delay : Constant
        For which the loop is certified.
    directory : Path
        Made if it is not there; files of an earlier run are replaced.

    Returns
    -------
    mapping from str to Path
        ``weights``, ``graph``, ``equations``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = {"weights": write_network(network, directory / WEIGHTS)}
    try:
        files["graph"] = write_network(network, directory / GRAPH)
    except MissingPackageError:
        (directory / GRAPH).unlink(missing_ok=True)
    target = directory / EQUATIONS
    name = files.get("graph", files["weights"]).name
    target.write_text(_loop(problem, name, delay, directory), encoding="utf-8")
    return {**files, "equations": target}


def _loop(problem: ControllerProblem, file: str, delay: Constant, directory: Path) -> str:
    """Return the problem file of the loop."""
    system = problem.system
    lines = [f"name = {_text(problem.name)}", "", "[system]", "equations = ["]
    lines += [f"  {_text(equation)}," for equation in system.equations]
    lines += ["]"]
    for key in ("parameters", "domain", "equilibrium"):
        value = getattr(system, key)
        if value:
            lines.append(f"{key} = {_text(value)}")
    networks = {problem.learn.network: {"file": file, **problem.shift} if problem.shift else file}
    folder = Path(problem.source).parent
    for name, given in system.networks.items():
        networks[name] = _moved(given, folder, directory)
    lines += ["", "[system.networks]"]
    lines += [f"{name} = {_text(given)}" for name, given in networks.items()]
    lines += ["", f"[delays.{delay.name}]", f"range = {_text([delay.lower, delay.upper])}"]
    settings = problem.certify.model_dump(exclude_unset=True, mode="json")
    lines += ["", "[certify]", *(f"{k} = {_text(v)}" for k, v in settings.items() if v is not None)]
    return "\n".join(lines) + "\n"


def _moved(given: Any, folder: Path, directory: Path) -> Any:
    """Return the entry of another network, its file seen from where the problem file is written."""
    if isinstance(given, dict):
        return {**given, "file": _moved(given["file"], folder, directory)}
    return os.path.relpath(folder / given, directory)


def _text(value: Any) -> str:
    """Return a value as TOML."""
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_text(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_text(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)
