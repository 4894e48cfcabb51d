"""``certdde check``: prove a certificate again, from the file alone. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from certdde.cli.guard import DONE, NOT_CERTIFIED
from certdde.cli.options import AsJson, CertificateFile, ShowProgress
from certdde.cli.output import number, one_line, print_json, print_text
from certdde.cli.progress import Report, working
from certdde.errors import CertificateError, ProblemError

if TYPE_CHECKING:
    from certdde.verify.second_opinion import Opinion

# Where the checker says that it found no archive to read, as opposed to a proof that does not hold.
NO_ARCHIVE = "file"
SAMPLE = 1000


def check(
    file: CertificateFile,
    arb: Annotated[
        bool, typer.Option("--arb", help="Ask for a second opinion, in Arb balls, on some boxes.")
    ] = False,
    sample: Annotated[
        str | None,
        typer.Option(metavar="N|all", help=f"How many boxes --arb draws; default: {SAMPLE}."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="S", help="Of the draw of --arb; default: 0.")
    ] = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> int:
    """Prove a certificate again from the file alone, in outward rounded arithmetic.

    With --arb a sample of its boxes is shown again in another arithmetic, and must agree; for kinds of certificates
    that have no such second opinion a line says so, and the verdict is the checker's.
    """
    count = _count(sample, seed, arb)
    with file.open("rb"):  # a missing or unreadable file is told apart from a bad certificate
        pass
    from certdde.verify.checker import check_file

    with working(progress) as report:
        result = check_file(file, progress=_boxes(report, "check"))
        note, opinion = "", None
        if arb and result.valid:
            note, opinion = _opinion(file, count, seed or 0, report)
    if not result.valid and result.where == NO_ARCHIVE:
        wanted = "give a certificate that `certdde certify` has written"
        raise CertificateError(result.reason, where=str(file), wanted=wanted)
    answer = asdict(result)
    if opinion is not None and not opinion.agree:
        answer |= {"valid": False, "rigor": "none", "claim": "", "where": "arb"}
        answer["reason"] = f"the second opinion differs: {opinion.reason}"
    if arb:
        answer["arb"] = None if opinion is None else asdict(opinion)
        answer["arb_note"] = note
    _print(answer, as_json)
    return DONE if answer["valid"] else NOT_CERTIFIED


def _count(sample: str | None, seed: int | None, arb: bool) -> int | None:
    """Return how many boxes to draw, None for all."""
    if not arb and (sample is not None or seed is not None):
        where = "--seed" if sample is None else "--sample"
        raise ProblemError("there is no draw without --arb", where=where, wanted="add --arb")
    if sample == "all":
        return None
    wanted = "give a whole number from 1 on, or all"
    try:
        count = SAMPLE if sample is None else int(sample)
    except ValueError:
        raise ProblemError(f"cannot use {sample!r}", where="--sample", wanted=wanted) from None
    if count < 1:
        raise ProblemError(f"{count} boxes show nothing", where="--sample", wanted=wanted)
    return count


def _opinion(
    file: Path, sample: int | None, seed: int, report: Report | None
) -> tuple[str, Opinion | None]:
    """Return why there is no second opinion, or "" and the opinion."""
    from certdde.verify.second_opinion import compare, objection

    if note := objection(file):
        return note, None
    return "", compare(file, sample=sample, seed=seed, progress=_boxes(report, "arb"))


def _print(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    if not answer["valid"]:
        place = f" ({answer['where']})" if answer["where"] else ""
        print_text(f"not valid: {one_line(answer['reason'] + place)}")
        return
    print_text(one_line(answer["claim"]))
    boxes, seconds = answer["boxes"], number(answer["seconds"])
    print_text(f"valid, {answer['rigor']}: {boxes} boxes in {seconds} s")
    if found := answer.get("arb"):
        seconds = number(found["seconds"])
        print_text(f"arb agrees: {found['boxes']} of {found['of']} boxes in {seconds} s")
    elif answer.get("arb_note"):
        print_text(f"no second opinion: {answer['arb_note']}")


def _boxes(report: Report | None, phase: str) -> Callable[[int, int], None] | None:
    """Return the progress function that the checker takes."""
    if report is None:
        return None
    return lambda done, total: report(phase, {"done": done, "total": total})
