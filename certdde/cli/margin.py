"""``certdde margin``: up to which delay stability can be certified."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certdde.cli.guard import DONE, NOT_CERTIFIED, InterruptedRunError
from certdde.cli.margin_lines import print_margin
from certdde.cli.options import AsJson, Overrides, ProblemFile, ShowProgress
from certdde.cli.output import print_json, print_text
from certdde.cli.progress import working
from certdde.errors import ProblemError

if TYPE_CHECKING:
    from certdde.studies.margin_result import MarginResult
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
    attack: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="How long to simulate in search of a delay that destabilises; 0: not at all.",
        ),
    ] = 20.0,
    set_: Overrides = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> int:
    """Find the largest b so that all delays in [A, b] are certified.

    Beside it, in float64: up to which delay the linearisation is stable, and the smallest delay found to destabilise.
    Ctrl-C prints what has been found until then.
    """
    from certdde.systems.problem import load_problem

    if not 0 <= attack < 1e9:
        raise ProblemError(f"{attack} is no time", where="--attack", wanted="seconds, as in 20")

    shortcuts = [("method", method), ("order", order)]
    overrides = [f"certify.{key}={value}" for key, value in shortcuts if value is not None]
    loaded = load_problem(problem, [*(set_ or []), *overrides])
    system, delay = loaded.build(), loaded.delay_class()
    from certdde.learning.task import require_one

    first, last = _searched(start, stop, require_one(delay).upper)

    from certdde.studies.beside_margin import beside_margin
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
            partial=True,
        )
        seconds = attack if result.complete else 0.0
        told = {"seconds": seconds, "seed": spec.seed, "progress": report}
        beside = beside_margin(system, delay, first, last, **told)
        try:
            path, saved = _saved(loaded, result, first, output) if output else None, True
        except KeyboardInterrupt:
            path, saved = None, False
    complete = result.complete and beside.complete and saved
    if as_json:
        shown = {f.name: getattr(result, f.name) for f in fields(result) if f.name != "certificate"}
        shown |= {**beside.shown(), "complete": complete}
        print_json({**shown, "path": str(path)} if path else shown)
    else:
        print_margin(result, beside, last, held=delay.kind == "sampled" and not system.linear)
        if output:
            print_text(f"certificate   {path or 'none: the checker does not accept one'}")
    if not complete:
        raise InterruptedRunError("the answer is what was found until then")
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
