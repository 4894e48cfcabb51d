"""``certdde study NAME``: questions that take many runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
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
LARGEST = 1e6  # factor of a domain


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
    with _keeping(directory / KEPT), working(progress) as report:
        kept, seed = directory / KEPT, loaded.certify.seed
        result = Study(loaded, last, seed=seed, kept=kept, progress=report, **told).run()
        files = written(result, directory)
    if as_json:
        print_json({**result, "files": files})
    else:
        _print(result, files)
    return DONE


@study.command()
def margin(
    problem: ProblemFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Where to; default: out/NAME-OF-FILE-margin."
        ),
    ] = None,
    scale: Annotated[
        list[float] | None,
        typer.Option(
            metavar="K", help="A factor of the domain; repeatable; default: .25, .5, .75, 1, 1.5."
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="A method; repeatable; default: lmi and quadratic."),
    ] = None,
    start: Annotated[float, typer.Option("--from", metavar="A", help="The first delay.")] = 0.0,
    stop: Annotated[
        float | None,
        typer.Option("--to", metavar="B", help="Where to stop; default: twice the file's range."),
    ] = None,
    budget: Annotated[
        float, typer.Option(metavar="SECONDS", help="For each certified margin.")
    ] = 120.0,
    attack: Annotated[
        float, typer.Option(metavar="SECONDS", help="For each search by simulation; 0: none.")
    ] = 20.0,
    set_: Overrides = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> int:
    """Find the delay margin on the domain made larger and smaller around the equilibrium, and draw it.

    Beside it the margin of the linearisation, and the smallest delays found to destabilise by simulation. Ctrl-C keeps
    the answers so far: the same command goes on from there.
    """
    from certdde.systems.problem import load_problem

    loaded = load_problem(problem, set_ or [])
    last = _longest(stop, loaded)
    scales, methods = _asked(scale, method, budget, attack)
    if not 0 <= start < last:
        what = f"{start} is not below {last}"
        raise ProblemError(what, where="--from, --to", wanted="0 <= from < to")
    directory = writable_directory(output or Path("out") / f"{problem.stem}-margin")

    from certdde.reports.domain_margin_files import written
    from certdde.studies.domain_margin import DomainStudy

    told: dict[str, Any] = {"budget": budget, "attack": attack, "scales": scales}
    with _keeping(directory / KEPT), working(progress) as report:
        kept = directory / KEPT
        asked = DomainStudy(
            loaded, last, start, methods=methods, kept=kept, progress=report, **told
        )
        result = asked.run()
        files = written(result, directory)
    if as_json:
        print_json({**result, "files": files})
    else:
        _print_margins(result, files)
    return DONE


def _asked(
    scale: list[float] | None, method: list[str] | None, budget: float, attack: float
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Return the scales and methods, in order and without repetition."""
    from certdde.studies.domain_margin import METHODS, SCALES
    from certdde.studies.margin import METHODS as KNOWN

    scales = tuple(dict.fromkeys(scale or SCALES))
    wrong = next((k for k in scales if not 0 < k <= LARGEST), None)
    if wrong is not None:
        wanted = f"a positive number up to {LARGEST:g}"
        raise ProblemError(f"{wrong} is no factor of a domain", where="--scale", wanted=wanted)
    methods = tuple(dict.fromkeys(method or METHODS))
    known = ("auto", *KNOWN)
    unknown = next((m for m in methods if m not in known), None)
    if unknown is not None:
        wanted = f"one of {', '.join(known)}"
        raise ProblemError(f"unknown method {unknown!r}", where="--method", wanted=wanted)
    if not (0 < budget < 1e9 and 0 <= attack < 1e9):
        what, where = f"{budget} and {attack} seconds", "--budget, --attack"
        raise ProblemError(what, where=where, wanted="positive numbers")
    return scales, methods


@contextmanager
def _keeping(saved: Path) -> Iterator[None]:
    """Say after Ctrl-C where the answers are."""
    try:
        yield
    except KeyboardInterrupt:
        if not saved.exists():
            raise
        message = f"answers are in {saved}, the same command goes on from there"
        raise InterruptedRunError(message) from None


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


def _print_margins(result: dict[str, Any], files: dict[str, Path]) -> None:
    methods = result["methods"]
    print_text(f"{'domain':<10}" + "".join(f"{name:>12}" for name in (*methods, "simulated")))
    for row in result["rows"]:
        cells = [number_down(row["certified"][m]["margin"]) for m in methods]
        cells.append(number(row["simulated"] and row["simulated"]["delay"]))
        print_text(f"{row['scale']:<10g}" + "".join(f"{cell:>12}" for cell in cells))
    local = result["local"]
    said = local["kind"] if local["delay"] is None else number_down(local["delay"])
    print_text(f"linearisation: {said} (float64)")
    print_text("simulated: float64 evidence; that nothing was found proves nothing")
    for path in files.values():
        print_text(str(path))
