"""The search for the parts of a proof, by the method asked for."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

from certdde.certificates.part import Part
from certdde.learning.area import certified_share
from certdde.learning.cegis import Searched, search
from certdde.learning.finish import COVERS, Finished, exact_cover, where_it_failed
from certdde.learning.proposals import attempt
from certdde.learning.task import Task
from certdde.systems.structure import structure
from certdde.verify.bound_propagation.branch import Settings

MAX_SPLITS = 6
REGION = 0.1


def find_parts(task: Task) -> tuple[list[Part], str]:
    """Return the parts of a proof by the method asked for, or none and why."""
    if task.method == "lmi":
        return _covered(task, "lmi")
    quadratic = [_baseline(task, method) for method in ("lmi", "quadratic")]
    if task.method == "quadratic":
        return ([quadratic[1]], "") if quadratic[1] else _covered(task, "quadratic")
    parts, why = _neural(task, task.delay.lower, task.delay.upper, _splits(task, 2))
    return (parts, why) if parts or quadratic[1] is None else ([quadratic[1]], "")


def _splits(task: Task, most: int) -> int:
    """Return how often the range may be halved: a delay that varies does not stay in a part."""
    return most if task.delay.kind == "constant" else 0


def _baseline(task: Task, method: str) -> Part | None:
    """Try one quadratic functional for the whole range, and note the outcome for the report."""
    began = time.monotonic()
    finished = _attempt(task, method, task.delay.lower, task.delay.upper)
    row: dict[str, Any] = {
        "method": method,
        "order": task.settings.order,
        "status": "proved" if finished.part else "not proved",
    }
    row |= {
        "boxes": finished.part.boxes["leaves"] if finished.part else 0,
        "area": None,
        "seconds": round(time.monotonic() - began, 3),
    }
    if finished.part:
        row["area"] = certified_share(task.system, [finished.part])
    task.baselines.append(row)
    return finished.part


def _attempt(task: Task, method: str, lower: float, upper: float) -> Finished:
    settings = Settings(max_boxes=task.settings.max_boxes, deadline=task.settings.deadline)
    order, seed = task.settings.order, task.settings.seed
    return task.timed(
        "quadratic",
        lambda: attempt(
            method,
            task.system,
            lower,
            upper,
            order=order,
            seed=seed,
            settings=settings,
            enclose=task.enclose,
            cover=COVERS[task.delay.kind],
        ),
    )


def _covered(task: Task, method: str) -> tuple[list[Part], str]:
    """Cover the range by parts with a quadratic functional each, halving a part that fails."""
    parts, open_ = [], [(task.delay.lower, task.delay.upper, 0)]
    while open_:
        lower, upper, depth = open_.pop()
        finished = _attempt(task, method, lower, upper)
        if finished.part is not None:
            parts.append(finished.part)
            continue
        if depth == _splits(task, MAX_SPLITS) or task.late():
            names = [str(v) for v in structure(task.system).nonlinear]
            return (
                [],
                f"{where_it_failed(finished.answer, names)} (delays in [{lower:.6g}, {upper:.6g}])",
            )
        middle = (lower + upper) / 2
        open_ += [(middle, upper, depth + 1), (lower, middle, depth + 1)]
    return parts, ""


def _neural(
    task: Task, lower: float, upper: float, splits: int, *, whole: bool = True
) -> tuple[list[Part], str]:
    """Search for one neural functional over [lower, upper]; where that fails, for one on each half.

    A part of the range that begins above 0 lets V0 read moments: without them its parent has failed.
    """
    above = lower > 0 and task.delay.kind == "constant"
    reading = range(1, task.settings.moments + 1) if above else []
    found = None
    for moments in [*([0] if whole or not reading else []), *reading]:
        found = task.timed("neural", partial(_search, task, lower, upper, moments=moments)) or found
        if found is not None and found.finished.part is not None:
            return [found.finished.part], ""
    where = f"(delays in [{lower:.6g}, {upper:.6g}])"
    if found is None:
        return [], f"no quadratic functional to start from {where}"
    if splits <= 0 or task.late():
        return [], f"{where_it_failed(found.finished.answer, found.names)} {where}"
    middle, parts = (lower + upper) / 2, []
    for low, high in ((middle, upper), (lower, middle)):
        half, why = _neural(task, low, high, splits - 1, whole=False)
        if not half:
            return [], why
        parts = half + parts
    return parts, ""


def _search(task: Task, lower: float, upper: float, *, moments: int = 0) -> Searched | None:
    """Run CEGIS on a range and keep its log; V0 reads so many moments."""
    settings = replace(task.settings, moments=moments)
    if moments:  # such parts are the hard ones: the region comes second
        settings = replace(settings, training=replace(settings.training, region=REGION))
    found = search(
        task.system,
        lower,
        upper,
        settings,
        enclose=task.enclose,
        cover=exact_cover if moments else COVERS[task.delay.kind],
        directory=task.directory,
        progress=task.progress,
    )
    for line in found.log if found else ():
        fields = {key: getattr(line, key) for key in line.__slots__}
        task.log.append({"range": [lower, upper], "start": found.start, **fields})
    return found
