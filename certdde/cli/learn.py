"""``certdde learn``: learn a model with delays from data, or from a system to imitate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from certdde.cli.controller import find_controller
from certdde.cli.guard import DONE, NOT_CERTIFIED, InterruptedRunError
from certdde.cli.options import AsJson, Overrides, ProblemFile, ShowProgress
from certdde.cli.output import number, print_json, print_text
from certdde.cli.places import writable_directory
from certdde.cli.progress import Report, working

if TYPE_CHECKING:
    from certdde.models.learn import LearnResult
    from certdde.systems.learn_problem import LearnProblem

CHECKPOINTS = "checkpoints"


def learn(
    problem: ProblemFile,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Where to; default: out/NAME-OF-FILE."),
    ] = None,
    set_: Overrides = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> int:
    """Learn a delay equation, a scheme or a step map from data or a system to imitate; or a controller for a plant.

    Writes the weights, an ONNX graph, a report, and equations.toml, which `certdde certify` takes. Ctrl-C keeps what
    has been reached: the same command goes on from there, to the same weights. Nothing is proved here, but for a
    controller (task = "controller"): it is found together with a certificate of its loop.
    """
    from certdde.systems.controller_problem import is_controller_problem
    from certdde.systems.learn_problem import load_learn_problem

    if is_controller_problem(problem, set_ or []):
        return find_controller(problem, output, set_ or [], as_json=as_json, progress=progress)
    loaded = load_learn_problem(problem, set_ or [])
    directory = writable_directory(output or Path("out") / (problem.stem or "learned"))
    try:
        with working(progress) as report:
            result, files = _run(loaded, directory, report)
    except KeyboardInterrupt:
        raise InterruptedRunError(_saved(directory / CHECKPOINTS)) from None
    if as_json:
        print_json(_answer(result, files))
    else:
        _print(result, files)
    return DONE if result.finite else NOT_CERTIFIED


def _run(
    problem: LearnProblem, directory: Path, report: Report | None
) -> tuple[LearnResult, dict[str, Path]]:
    from certdde.models.learn import learn as run
    from certdde.reports.learning import write_learning_report

    result = run(problem, directory, progress=report)
    return result, {**result.files, **write_learning_report(result, directory)}


def _answer(result: LearnResult, files: dict[str, Path]) -> dict[str, Any]:
    return {
        "model": result.problem.learn.model,
        "parameters": result.parameters,
        "epochs": len(result.fit.history),
        "best_epoch": result.fit.best + 1,
        "errors": result.errors,
        "delays": result.learner.delays(),
        "finite": result.finite,
        "equations": files.get("equations"),
        "why_no_equations": result.why or None,
        "notes": result.notes,
        "seconds": result.fit.seconds,
        "files": files,
    }


def _print(result: LearnResult, files: dict[str, Path]) -> None:
    errors = result.errors
    print_text(f"{result.problem.learn.model}, {result.parameters} parameters")
    if not result.finite:
        print_text("nothing usable was learnt: the model blows up; give a smaller learn.rate")
    print_text(f"test error     {number(errors['test'])} of the size of the data")
    print_text(f"if none moved  {number(errors['constant'])}")
    for row in result.learner.delays():
        if "learned" in row:
            print_text(f"learnt {row['name']}  {number(row['learned'])}")
    for note in (*([f"no equations: {result.why}"] if result.why else []), *result.notes):
        print_text(note)
    for path in files.values():
        print_text(str(path))


def _saved(checkpoints: Path) -> str:
    if checkpoints.is_dir() and any(checkpoints.glob("*/fit.json")):
        return f"checkpoints are in {checkpoints}, the same command goes on from there"
    return "nothing was saved, the same command starts again"
