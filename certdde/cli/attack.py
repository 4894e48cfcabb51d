"""``certdde attack``: look for a counterexample to a certificate or a problem."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from certdde.cli.guard import DONE, NOT_CERTIFIED
from certdde.cli.options import AsJson, Overrides, ShowProgress
from certdde.cli.output import number, print_json, print_text
from certdde.cli.places import writable_directory
from certdde.cli.progress import Report, working
from certdde.errors import CertificateError, ProblemError

if TYPE_CHECKING:
    from certdde.studies.attack import AttackResult
    from certdde.studies.batches import Violation
    from certdde.systems.delay_system import DelaySystem

TRAJECTORY, FIGURE = "attack.csv", "attack.png"


def attack(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A certificate (FILE.certdde) or a problem file.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="For a counterexample; default: out/NAME-OF-FILE."
        ),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="How long to look; default: 30.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Of delays and histories.")] = 0,
    set_: Overrides = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> int:
    """Look for a counterexample: by the spectrum, by simulation, and by ascent through the solver.

    Exit status: 0 if none was found (which proves nothing), 1 if one was found.
    """
    if budget is not None and not 0 < budget < 1e9:
        raise ProblemError(
            f"{budget} is no time", where="--budget", wanted="give seconds, as in 30"
        )
    directory = writable_directory(output or Path("out") / (file.stem or "attack"))
    with working(progress) as report:
        system, result = _run(file, set_ or [], budget, seed, report)
        files = _saved(result.violation, system, directory)
    answer = _answer(result, system, files)
    if as_json:
        print_json(answer)
    else:
        _print(answer)
    return NOT_CERTIFIED if result.found else DONE


def _run(
    file: Path, overrides: list[str], budget: float | None, seed: int, report: Report | None
) -> tuple[DelaySystem, AttackResult]:
    with file.open("rb"):  # a missing or unreadable file
        pass
    options: dict[str, Any] = {"budget": budget, "seed": seed, "progress": report}
    if not (zipfile.is_zipfile(file) or file.suffix == ".certdde"):
        from certdde.studies.attack import attack_problem
        from certdde.systems.problem import load_problem

        problem = load_problem(file, overrides)
        system = problem.build()
        if system.time == "discrete":
            wanted = "certdde certify, which looks for delays under which a scheme grows"
            raise ProblemError("it is about a scheme", where=str(file), wanted=wanted)
        return system, attack_problem(system, problem.delay_class(), **options)
    if overrides:
        wanted = "override the fields of a problem file"
        raise ProblemError("a certificate has no fields to override", where="--set", wanted=wanted)
    from certdde.certificates import Certificate
    from certdde.certificates.content import read_content
    from certdde.studies.attack import attack_certificate

    certificate = Certificate.load(file)
    return read_content(certificate).system, attack_certificate(certificate, **options)


def _saved(violation: Violation | None, system: DelaySystem, directory: Path) -> dict[str, Path]:
    """Write the trajectory and its plot, history included, in the user's coordinates."""
    if violation is None or violation.states is None:
        return {}
    table = _table(violation, system)
    path = directory / TRAJECTORY
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["t", *system.states])
        writer.writerows([[repr(v) for v in row] for row in table])
    _draw(violation, system, table, directory / FIGURE)
    return {"trajectory": path, "plot": directory / FIGURE}


def _table(violation: Violation, system: DelaySystem) -> list[list[float]]:
    rest = [float(v) for v in system.equilibrium]
    rows = []
    for times, values in (
        (violation.history_times, violation.history),
        (violation.times, violation.states),
    ):
        if times is None or values is None:
            raise CertificateError("a counterexample without a solution", where="attack")
        pairs = zip(times.tolist(), values.tolist(), strict=True)
        rows += [[t, *(a + b for a, b in zip(x, rest, strict=True))] for t, x in pairs]
    return rows


def _draw(violation: Violation, system: DelaySystem, table: list[list[float]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    times = [row[0] for row in table]
    for i, state in enumerate(system.states):
        [line] = axes.plot(times, [row[i + 1] for row in table], label=state.replace("$", r"\$"))
        if system.domain is not None:
            rest = float(system.equilibrium[i])
            for end in system.domain[i]:
                axes.axhline(rest + float(end), color=line.get_color(), lw=0.8, ls="--")
    axes.axvline(0.0, color="0.7", lw=0.8)
    title = f"{violation.kind}, delay {number(violation.delay)}"
    axes.set(xlabel="t", title=title)
    axes.legend()
    figure.savefig(path, dpi=150)


def _answer(result: AttackResult, system: DelaySystem, files: dict[str, Path]) -> dict[str, Any]:
    violation = result.violation
    answer: dict[str, Any] = {
        "found": result.found,
        "kind": violation.kind if violation else None,
        "delay": violation.delay if violation else None,
        "varies": violation.varies if violation else None,
        "measure": violation.measure if violation else None,
        "history": _history(violation, system) if violation else None,
        "trajectory": files.get("trajectory"),
        "plot": files.get("plot"),
        "tried": result.tried,
        "worst": dict(result.worst),
        "seconds": round(result.seconds, 3),
    }
    return answer


def _history(violation: Violation, system: DelaySystem) -> dict[str, Any] | None:
    if violation.history is None or violation.history_times is None:
        return None
    rest = [float(v) for v in system.equilibrium]
    columns = zip(system.states, rest, violation.history.T.tolist(), strict=True)
    values = {state: [v + x for v in column] for state, x, column in columns}
    return {"times": violation.history_times.tolist(), "values": values}


def _print(answer: dict[str, Any]) -> None:
    if not answer["found"]:
        print_text("no counterexample found (which proves nothing)")
    else:
        print_text(f"counterexample found: {answer['kind']}, measure {number(answer['measure'])}")
        varies = f" ({answer['varies']})" if answer["varies"] else ""
        print_text(f"delay {number(answer['delay'])}{varies}")
    for name, value in answer["worst"].items():
        print_text(f"worst {name:<10} {number(value)}")
    print_text(f"{answer['tried']} solutions in {number(answer['seconds'])} s")
    for key in ("trajectory", "plot"):
        if answer[key] is not None:
            print_text(str(answer[key]))
