"""``certdde study NAME``: questions that take many runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from certdde.cli.guard import DONE, InterruptedRunError
from certdde.cli.options import AsJson, Overrides, ProblemFile, ShowProgress
from certdde.cli.output import number, number_down, print_json, print_text
from certdde.cli.places import writable_directory
from certdde.cli.progress import working
from certdde.errors import ProblemError

study = typer.Typer(help="Answer a question that takes many runs.", rich_markup_mode=None)
KEPT = "answers.json"


@study.callback()
def _studies() -> None:
    """Answer a question that takes many runs."""


@study.command()
def regularity(
    problem: ProblemFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Where to; default: out/NAME-OF-FILE-regularity."
        ),
    ] = None,
    stop: Annotated[
        float | None,
        typer.Option(
            "--to", metavar="B", help="The longest delay; default: twice the file's range."
        ),
    ] = None,
    rate: Annotated[
        list[float] | None,
        typer.Option(metavar="R", help="A bound of |tau'|; repeatable; default: 0.1, 0.5 and 2."),
    ] = None,
    starts: Annotated[
        int, typer.Option(metavar="N", help="Shapes of the delay at each length of a search.")
    ] = 48,
    budget: Annotated[
        float, typer.Option(metavar="SECONDS", help="For the certified margin of each class.")
    ] = 120.0,
    set_: Overrides = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> int:
    """Find the delay margin for each class of delays, certified, and the smallest delay found to destabilise.

    The classes: constant, |tau'| and tau' bounded, sample and hold, measurable. Ctrl-C keeps the answers so far: the
    same command goes on from there.
    """
    from certdde.systems.problem import load_problem

    loaded = load_problem(problem, set_ or [])
    last = _longest(stop, loaded)
    if not (starts >= 1 and 0 < budget < 1e9):
        raise ProblemError(
            f"{starts} starts and {budget} seconds",
            where="--starts, --budget",
            wanted="positive numbers",
        )
    directory = writable_directory(output or Path("out") / f"{problem.stem}-regularity")

    from certdde.reports.regularity_files import written
    from certdde.studies.regularity.classes import RATES
    from certdde.studies.regularity.study import Study

    told: dict[str, Any] = {
        "rates": tuple(rate) if rate else RATES,
        "starts": starts,
        "budget": budget,
    }
    try:
        with working(progress) as report:
            kept, seed = directory / KEPT, loaded.certify.seed
            result = Study(loaded, last, seed=seed, kept=kept, progress=report, **told).run()
            files = written(result, directory)
    except KeyboardInterrupt:
        saved = directory / KEPT
        if not saved.exists():
            raise
        message = f"answers are in {saved}, the same command goes on from there"
        raise InterruptedRunError(message) from None
    if as_json:
        print_json({**result, "files": files})
    else:
        _print(result, files)
    return DONE


def _longest(stop: float | None, problem: Any) -> float:
    ranges = [spec.range for spec in problem.delays.values() if spec.range]
    upper = max((one[1] for one in ranges), default=1.0)
    last = 2 * upper if stop is None else stop
    if not (math.isfinite(last) and last > 0):
        raise ProblemError(f"{last} is no delay", where="--to", wanted="a positive number")
    return last


def _print(result: dict[str, Any], files: dict[str, Path]) -> None:
    print_text(f"{'class':<18}{'certified':>12}{'exact':>12}{'found':>12}{'smooth':>12}")
    for row in result["rows"]:
        cells = [
            number_down(row["certified"]),
            *(number(row[k]) for k in ("exact", "delay", "smooth")),
        ]
        print_text(f"{row['title']:<18}" + "".join(f"{cell:>12}" for cell in cells))
    print_text("found: float64 evidence of growth; that nothing was found proves nothing")
    for name in ("report.html", "report.md"):
        print_text(str(files[name]))
