"""The table of the rounds of training and proof."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from certdde.learning.levels import FULL
from certdde.reports.dialect import Dialect
from certdde.reports.formulas import interval
from certdde.reports.numbers import MISSING, count, seconds, short
from certdde.reports.subject import Subject
from certdde.reports.table import Cell, Table
from certdde.reports.training_log import WORDS

COLUMNS = [
    "delays",
    "round",
    "moments read",
    "answer",
    "boxes",
    "counter-examples",
    "worst",
    "asked",
    "region weight",
    "training",
    "proof",
]


def training_table(subject: Subject) -> Table:
    """Return the log of the counterexample-guided loop."""
    log = subject.data["statistics"].get("cegis", [])
    starts = dict.fromkeys(str(line["start"]) for line in log if line.get("start"))
    note = (
        "Worst: largest value of D / |xi|^2 on the samples of the last step, negative if the inequality holds on all;"
        " asked: what training aimed at. Fails: the proof found points where the inequality is false; open: it could"
        " not decide; given up: training was hopeless. Times in seconds."
        + (f" Started from: {'; '.join(starts)}." if starts else "")
    )
    title = "Training, round by round"
    return Table(title, COLUMNS, [_row(line) for line in log], note, (0, 3))


def _row(line: Mapping[str, Any]) -> list[Cell]:
    lower, upper = line.get("range", (float("nan"), float("nan")))
    asked = line.get("margin")
    return [
        range_cell(lower, upper),
        str(line.get("round") or MISSING),
        str(line.get("moments", MISSING)),
        _answer(line),
        count(line.get("boxes")),
        count(line.get("counterexamples")),
        signed(line.get("worst")),
        signed(None if asked is None else -asked),
        short(line.get("region")),
        seconds(line.get("seconds_training")),
        seconds(line.get("seconds_proof")),
    ]


def _answer(line: Mapping[str, Any]) -> str:
    answer, level = str(line.get("answer", MISSING)), line.get("level")
    part = level is not None and level < FULL
    return WORDS.get(answer, answer.lower()) + (f" up to V = {short(level, 3)}" if part else "")


def signed(value: float | None) -> Cell:
    """Return a number in a few digits, with the sign of formulas."""
    text = short(value)
    return text if text == MISSING else lambda d: d.number(text)


def range_cell(lower: float, upper: float) -> Cell:
    """Return [lower, upper] in six digits: the ends of a part are rounded outward."""

    def formula(d: Dialect) -> str:
        return interval(d, float(f"{lower:.6g}"), float(f"{upper:.6g}"))

    return formula
