"""``certdde margin``: up to which delay stability can be certified."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certdde.cli.guard import DONE, NOT_CERTIFIED
from certdde.cli.options import AsJson, Overrides, ProblemFile, ShowProgress
from certdde.cli.output import number, number_down, print_json, print_text
from certdde.cli.progress import working
from certdde.errors import ProblemError

if TYPE_CHECKING:
    from certdde.studies.margin import MarginResult
    from certdde.systems.problem import Problem


def margin(
    problem: ProblemFile,
    method: Annotated[
        str | None,
        typer.Option(
            help="spectral, theorem, lmi, quadratic, sos, neural or razumikhin; default: that of the file."
        ),
    ] = None,
    order: Annotated[
        int | None, typer.Option(metavar="N", help="Order of the functional; default: the file's.")
    ] = None,
    start: Annotated[float, typer.Option("--from", metavar="A", help="The first delay.")] = 0.0,
    stop: Annotated[
        float | None,
        typer.Option("--to", metavar="B", help="Where to stop; default: twice the file's range."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write a certificate of [A, b] there."),
    ] = None,
    set_: Overrides = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> int:
    """Find the largest b so that all delays in [A, b] are certified."""
    from certdde.systems.problem import load_problem

    shortcuts = [("method", method), ("order", order)]
    overrides = [f"certify.{key}={value}" for key, value in shortcuts if value is not None]
    loaded = load_problem(problem, [*(set_ or []), *overrides])
    loaded.build()
    from certdde.learning.task import require_one

    first, last = _searched(start, stop, require_one(loaded.delay_class()).upper)

    from certdde.studies.margin import margin as search

    spec = loaded.certify
    with working(progress) as report:
        result = search(
            loaded,
            method=spec.method,
            order=spec.order,
            start=first,
            stop=last,
            seed=spec.seed,
            budget=spec.budget,
            progress=report,
        )
    path = _saved(loaded, result, first, output) if output else None
    if as_json:
        shown = {f.name: getattr(result, f.name) for f in fields(result) if f.name != "certificate"}
        print_json({**shown, "path": str(path)} if path else shown)
    else:
        print_text(
            f"delay margin  {number_down(result.delay_margin)}  (searched to {number(last)})"
        )
        pieces = ", ".join(f"[{number(a)}, {number_down(b)}]" for a, b in result.intervals)
        print_text(f"certified     {pieces or 'nothing'}")
        print_text(f"method        {result.method}, order {result.order}")
        print_text(f"seconds       {number(result.seconds)}")
        if output:
            print_text(f"certificate   {path or 'none: the checker does not accept one'}")
    return NOT_CERTIFIED if result.delay_margin is None else DONE


def _saved(problem: Problem, result: MarginResult, start: float, path: Path) -> Path | None:
    """Write the certificate of the range that was found, certified anew if the search kept none."""
    if result.delay_margin is None:
        return None
    certificate = result.certificate
    if certificate is None:
        from certdde.learning.certify import certify

        delay = problem.delay_class()
        drawn = {"weights": ()} if delay.kind == "resampled" else {}
        delay = replace(delay, lower=start, upper=result.delay_margin, **drawn)
        certificate = certify(problem, delay, method=result.method, order=result.order)
    if certificate.status != "certified" or certificate.rigor != "rigorous":
        return None
    return certificate.save(path).path


def _searched(start: float, stop: float | None, upper: float) -> tuple[float, float]:
    if not (math.isfinite(start) and start >= 0):
        raise ProblemError(f"{start} is no delay", where="--from", wanted="give a number from 0 on")
    last = max(2 * upper, 2 * start) if stop is None else stop
    if not (math.isfinite(last) and last > start):
        raise ProblemError(
            f"{last} is not above {start}", where="--to", wanted="give a number above --from"
        )
    return start, last
