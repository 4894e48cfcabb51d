"""Certificates of kind ``krasovskii``: by LMI, by cutting planes, by a neural functional."""

from __future__ import annotations

from collections.abc import Sequence

from certdde.certificates.certificate import certified
from certdde.certificates.part import Part
from certdde.inequalities.features import Features
from certdde.learning.area import region_area
from certdde.learning.find import find_parts
from certdde.learning.outcome import Outcome, extra
from certdde.learning.task import Task
from certdde.systems.delay_system import DelaySystem


def by_functional(task: Task) -> Outcome:
    """Look for the parts of a proof by ``task.method`` (lmi, quadratic or neural)."""
    parts, why = find_parts(task)
    if not parts:
        return Outcome(None, why)
    area = task.timed("area", lambda: region_area(task.system, task.delay, parts))
    nonlinear = nonlinear_names(task.system, parts)
    about = extra(task, _engine(task, parts), all_boxes(parts))
    return Outcome(
        certified(task.system, task.delay, parts, nonlinear=nonlinear, area=area, **about)
    )


def _engine(task: Task, parts: Sequence[Part]) -> str:
    if any(part.functional.kind == "neural" for part in parts):
        return "neural"
    return "quadratic" if task.method == "neural" else task.method


def all_boxes(parts: Sequence[Part]) -> dict[str, int]:
    """Return how many leaves the parts have together."""
    kinds = ("leaves", "star", "outside", "face")
    return {key: sum(part.boxes.get(key, 0) for part in parts) for key in kinds}


def nonlinear_names(system: DelaySystem, parts: Sequence[Part]) -> dict[str, list[str]]:
    """Return ``proof.nonlinear``; all parts have the same networks' inputs."""
    variables = Features.of(system, parts[0].functional).structure.nonlinear
    return {
        "states": [v.name for v in variables if v.delay is None],
        "delayed": [v.name for v in variables if v.delay is not None],
    }
