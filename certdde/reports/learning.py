"""``write_learning_report``: what was learnt, in HTML and Markdown, with figures."""

from __future__ import annotations

import shlex
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from certdde.errors import CertddeError
from certdde.models.learn import LearnResult
from certdde.reports.content import shown_figure
from certdde.reports.dialect import Dialect, typeset
from certdde.reports.escape import fenced
from certdde.reports.figure import DrawnFigure, drawn, write_figures
from certdde.reports.learning_figures import learning_figures, true_delays
from certdde.reports.numbers import MISSING, count, percent, seconds, short
from certdde.reports.render import FORMATS, rendered
from certdde.reports.table import Cell, Table, typeset_table

KINDS = {
    "dde": "A neural delay equation: the derivative is a network of the present and the delayed states.",
    "scheme": "A learned scheme: the next state is the present one less a function of the delayed one.",
    "flow": "A step map: the present state and a contraction of it and the delayed one make the next state.",
}
WRITTEN = ("html", "md")
MOST_SHOWN = 1500  # characters of an equation
PACKAGES = ("certdde", "torch", "numpy")


def write_learning_report(result: LearnResult, directory: Path) -> dict[str, Path]:
    """Write ``report.html``, ``report.md`` and ``figures/`` into a directory.

    Parameters
    ----------
    result : LearnResult
    directory : Path

    Returns
    -------
    dict from str to Path
        The files, by kind.

    Raises
    ------
    CertddeError
        If the files cannot be written.
    """
    figures = [drawn(figure) for figure in learning_figures(result)]
    files = {}
    try:
        for form in FORMATS:
            if form.key in WRITTEN:
                text = rendered(
                    form, learning_content(result, figures, form.dialect), f"learning.{form.key}.j2"
                )
                files[form.key] = directory / form.file
                files[form.key].write_text(text, encoding="utf-8")
        return files | write_figures(figures, directory)
    except OSError as error:
        raise CertddeError(
            f"cannot write ({error.strerror})",
            where=str(directory),
            wanted="a directory that can be written",
        ) from None


def learning_content(
    result: LearnResult, figures: list[DrawnFigure], dialect: Dialect
) -> dict[str, Any]:
    """Return the values of a template."""
    equations = [] if result.equations is None else [_cut(e) for e in result.equations.texts]
    path = result.files.get("equations")
    command = f"certdde certify {shlex.quote(path.name)}" if path else ""
    status = "learnt" if result.finite else "blows up"
    return {
        "name": result.problem.name,
        "status": status,
        "badge": "unknown" if result.finite else "not",
        "summary": "Learnt from data in double precision. Nothing is proved by this.",
        "warnings": _warnings(result),
        "model": _model(result),
        "claim": _claim(result),
        "command": command,
        "command_block": fenced(command),
        "tables": [typeset_table(dialect, table) for table in learning_tables(result)],
        "figures": [shown_figure(dialect, one) for one in figures],
        "equations": [typeset(dialect, text) for text in equations],
        "equations_block": fenced("\n\n".join(equations)) if equations else "",
    }


def learning_tables(result: LearnResult) -> list[Table]:
    """Return the errors, the delays, how training went, and the versions."""
    return [_errors(result), _delays(result), _training(result), _versions()]


def _warnings(result: LearnResult) -> list[str]:
    if result.finite:
        return []
    return ["The model blows up on the data: nothing usable was learnt. A smaller rate may help."]


def _model(result: LearnResult) -> list[str]:
    spec, learner = result.problem.learn, result.learner
    layers = ", ".join(str(width) for width in spec.widths)
    text = [
        KINDS[spec.model],
        f"States: {', '.join(learner.names)}. Hidden layers: {layers}. {count(result.parameters)} parameters.",
        f"Learnt from {learner.data.source}.",
    ]
    if any(result.rest.values()):
        point = ", ".join(f"{name} = {value!r}" for name, value in result.rest.items())
        text.append(f"It is about deviations from the equilibrium {point}.")
    if spec.bits is not None:
        text.append(
            f"Its weights are rounded to multiples of 2^-{spec.bits}; all errors are those after that."
        )
    return [*text, *result.notes]


def _claim(result: LearnResult) -> str:
    if result.equations is None:
        return f"The model is not written as equations, so it cannot be certified: {result.why}."
    ranges = ", ".join(
        f"{name} in [{low!r}, {high!r}]" for name, (low, high) in result.equations.ranges.items()
    )
    unit = "" if result.problem.learn.model == "dde" else " (in steps)"
    return (
        f"equations.toml holds the model as equations, with the numbers of the graph, for {ranges}{unit}."
        " A certificate of them is about these equations; it says nothing of the system that made the data."
    )


def _errors(result: LearnResult) -> Table:
    data, errors = result.learner.data, result.errors
    rows: list[list[Cell]] = [
        [name, str(len(part)), str(len(part.times) - 1), percent(errors[name])]
        for name, part in (
            ("train", data.train),
            ("validation", data.validation),
            ("test", data.test),
        )
    ]
    rows.append(
        [
            "test, if the first state is kept",
            str(len(data.test)),
            str(len(data.test.times) - 1),
            percent(errors["constant"]),
        ]
    )
    note = "Root mean square of the error over the root mean square of the data, the first state left out."
    return Table("Errors", ["data", "pieces", "times", "error"], rows, note)


def _delays(result: LearnResult) -> Table:
    true, rows = true_delays(result), []
    for i, row in enumerate(result.learner.delays()):
        if "learned" in row:
            low, high = row["bounds"]
            of_it = [short(row["learned"], 6), short(row["start"], 6), f"[{low:g}, {high:g}]"]
        else:
            low, high = row["known"]
            of_it = [MISSING, MISSING, f"[{low:g}, {high:g}] (known)"]
        rows.append(
            [row["name"], *of_it, short(true[i], 6) if true and "learned" in row else MISSING]
        )
    return Table("Delays", ["delay", "learnt", "start", "between", "true"], rows)


def _training(result: LearnResult) -> Table:
    spec, fit = result.problem.learn, result.fit
    rows: list[list[Cell]] = [
        ["epochs", count(len(fit.history))],
        ["best epoch", count(fit.best + 1)],
        ["minibatch", count(spec.batch)],
        ["rate", short(spec.rate)],
        ["seed", str(spec.seed)],
        ["seconds of this run", seconds(fit.seconds)],
    ]
    return Table("Training", ["", "value"], rows)


def _versions() -> Table:
    rows: list[list[Cell]] = []
    for name in PACKAGES:
        try:
            rows.append([name, version(name)])
        except PackageNotFoundError:
            rows.append([name, MISSING])
    return Table("Versions", ["package", "version"], rows)


def _cut(text: str) -> str:
    if len(text) <= MOST_SHOWN:
        return text
    return f"{text[:MOST_SHOWN]} .. ({len(text)} characters; the file has all of them)"
