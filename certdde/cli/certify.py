"""``certdde certify``: look for a certificate, check it, and write it down with its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certdde.cli.guard import DONE, NOT_CERTIFIED, InterruptedRunError
from certdde.cli.options import AsJson, Overrides, ProblemFile, ShowProgress
from certdde.cli.output import print_json
from certdde.cli.places import writable_directory
from certdde.cli.progress import Report, working
from certdde.cli.summary import print_summary

if TYPE_CHECKING:
    from certdde.certificates import Certificate
    from certdde.systems.problem import Problem

CERTIFICATE, CHECKPOINTS = "certificate.certdde", "checkpoints"


def certify(
    problem: ProblemFile,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Where to; default: out/NAME-OF-FILE."),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="region|mean", help="What training minimises; as certify.objective in the file."
        ),
    ] = None,
    set_: Overrides = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> int:
    """Look for a certificate; write it, its report and its figures into DIR.

    Ctrl-C keeps what has been reached: the same command goes on from there.
    """
    from certdde.systems.problem import load_problem

    asked = [] if objective is None else [f"certify.objective={objective}"]
    loaded = load_problem(problem, [*(set_ or []), *asked])
    loaded.build()
    loaded.delay_class()
    directory = writable_directory(output or Path("out") / (problem.stem or "problem"))
    try:
        with working(progress) as report:
            certificate, files = _run(loaded, directory, report)
    except KeyboardInterrupt:
        raise InterruptedRunError(_saved(directory / CHECKPOINTS)) from None
    if as_json:
        print_json({**certificate.data, "path": str(directory / CERTIFICATE)})
    else:
        print_summary(certificate.data, files)
    return DONE if certificate.status == "certified" else NOT_CERTIFIED


def _run(
    problem: Problem, directory: Path, report: Report | None
) -> tuple[Certificate, dict[str, Path]]:
    from certdde.learning.certify import certify as search
    from certdde.reports import write_report

    spec = problem.certify
    certificate = search(
        problem,
        method=spec.method,
        order=spec.order,
        seed=spec.seed,
        budget=spec.budget,
        engine=spec.engine,
        workdir=directory / CHECKPOINTS,
        progress=report,
    )
    path = directory / CERTIFICATE
    certificate = certificate.save(path)
    return certificate, {"certificate": path, **write_report(certificate, directory).files}


def _saved(checkpoints: Path) -> str:
    if checkpoints.is_dir() and any(checkpoints.iterdir()):
        return f"checkpoints are in {checkpoints}, the same command goes on from there"
    return "nothing was saved, the same command starts again"
