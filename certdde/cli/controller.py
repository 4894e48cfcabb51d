"""``certdde learn`` where it is a controller that is to be found: the run, and what is printed of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.cli.guard import DONE, NOT_CERTIFIED, InterruptedRunError
from certdde.cli.output import number, print_json, print_text
from certdde.cli.places import writable_directory
from certdde.cli.progress import Report, working

if TYPE_CHECKING:
    from certdde.learning.synthesis import Synthesised
    from certdde.systems.controller_problem import ControllerProblem

CERTIFICATE, CHECKPOINTS = "certificate.certdde", "checkpoints"


def find_controller(
    problem: Path,
    output: Path | None,
    overrides: Sequence[str],
    *,
    as_json: bool,
    progress: bool | None,
) -> int:
    """Find a controller and a certificate of its loop; write them, a problem file of the loop, and a report."""
    from certdde.systems.controller_problem import load_controller_problem

    loaded = load_controller_problem(problem, overrides)
    loaded.delay()
    directory = writable_directory(output or Path("out") / (problem.stem or "controller"))
    kept: dict[str, Path] = {}
    try:
        with working(progress) as report:
            result, files = _run(loaded, directory, report, kept)
    except KeyboardInterrupt:
        raise InterruptedRunError(_saved(kept, directory / CHECKPOINTS)) from None
    if as_json:
        print_json(_answer(result, files))
    else:
        _print(result, files)
    return DONE if result.certificate and result.certificate.rigor == "rigorous" else NOT_CERTIFIED


def _run(
    problem: ControllerProblem, directory: Path, report: Report | None, kept: dict[str, Path]
) -> tuple[Synthesised, dict[str, Path]]:
    """Run; ``kept`` gets the files of the best loop so far, as soon as there is one."""
    from certdde.learning.synthesis import synthesise, write_controller
    from certdde.reports import write_report

    result = synthesise(
        problem,
        workdir=directory / CHECKPOINTS,
        keep=lambda best: kept.update(
            write_controller(problem, best.network, best.delay, directory)
        ),
        progress=report,
    )
    if result.certificate is None or result.network is None or result.delay is None:
        return result, {}
    files = write_controller(problem, result.network, result.delay, directory)
    path = directory / CERTIFICATE
    certificate = result.certificate.save(path)
    return result, {
        **files,
        "certificate": path,
        **write_report(certificate, directory).files,
    }


def _answer(result: Synthesised, files: Mapping[str, Path]) -> dict[str, Any]:
    found = result.certificate
    return {
        "task": result.problem.learn.task,
        "objective": result.problem.learn.objective,
        "status": found.status if found else "unknown",
        "rigor": found.rigor if found else None,
        "claim": found.claim if found else None,
        "delay": [result.delay.lower, result.delay.upper] if result.delay else None,
        "share": result.share if found else None,
        "area": found.data["region"]["area"] if found else None,
        "start_gains": result.gains.tolist(),
        "abscissa": result.abscissa,
        "why": result.why or None,
        "log": result.log,
        "seconds": result.seconds,
        "files": dict(files),
    }


def _print(result: Synthesised, files: Mapping[str, Path]) -> None:
    found, delay = result.certificate, result.delay
    if found is None or delay is None:
        print_text(f"unknown: {result.why}")
        return
    print_text(f"{found.status}, {found.rigor}")
    print_text(found.claim)
    print_text(f"delays         [{number(delay.lower)}, {number(delay.upper)}]")
    print_text(f"region         {100 * result.share:.1f} % of the domain's constant histories")
    first = next((one["share"] for one in result.log if one["share"] is not None), None)
    if first is not None:
        print_text(f"first proof    {100 * first:.1f} % of them")
    for path in files.values():
        print_text(str(path))


def _saved(kept: Mapping[str, Path], checkpoints: Path) -> str:
    best = f"the best controller so far is {kept['equations']}; " if kept else ""
    if checkpoints.is_dir() and any(checkpoints.iterdir()):
        return f"{best}checkpoints are in {checkpoints}, the same command goes on from there"
    return f"{best}nothing else was saved, the same command starts again"
