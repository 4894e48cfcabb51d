"""The search for the parts of a proof, by the method asked for."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import partial
from typing import Any

from certdde.certificates.part import Part
from certdde.learning.area import certified_share
from certdde.learning.best import full, largest
from certdde.learning.cegis import Searched, search
from certdde.learning.finish import COVERS, Finished, exact_cover, where_it_failed
from certdde.learning.levels import FULL, LEAST
from certdde.learning.polynomial_start import better, chosen_start
from certdde.learning.proposals import attempt
from certdde.learning.rounds import NO_START, Round
from certdde.learning.task import Task
from certdde.systems.structure import structure
from certdde.verify.answers import Answer
from certdde.verify.bound_propagation.branch import Settings
from certdde.verify.bound_propagation.star import FEW

MAX_SPLITS = 6
REGION = 0.1
PATIENCE = 30.0  # seconds for the proof of a baseline that was not asked for


def find_parts(task: Task) -> tuple[list[Part], str]:
    """Return the parts of a proof by the method asked for, or none and why."""
    ends = task.delay.lower, task.delay.upper
    if task.method == "lmi":
        return _covered(task, "lmi", _attempt(task, "lmi", *ends))
    if len(structure(task.system).nonlinear) <= FEW:  # the slopes of more have vertices for minutes
        _baseline(task, "lmi")
    quadratic = _baseline(task, "quadratic")
    if task.method == "quadratic":
        return _covered(task, "quadratic", quadratic)
    parts, why = _neural(task, *ends, _splits(task, 2))
    return largest(task.system, parts, [quadratic.part] if quadratic.part else []), why


def _splits(task: Task, most: int) -> int:
    """Return how often the range may be halved: a delay that varies does not stay in a part."""
    return most if task.delay.kind == "constant" else 0


def _baseline(task: Task, method: str) -> Finished:
    """Try one quadratic functional for the whole range, and note the outcome for the report."""
    began = time.monotonic()
    limit = began + PATIENCE if method == "lmi" else math.inf
    finished = _attempt(task, method, task.delay.lower, task.delay.upper, deadline=limit)
    row: dict[str, Any] = {
        "method": method,
        "order": task.settings.order,
        "status": "proved" if finished.part else "not proved",
    }
    row |= {
        "boxes": finished.part.boxes["leaves"] if finished.part else 0,
        "area": None,
        "level": finished.part.level if finished.part else None,
        "seconds": round(time.monotonic() - began, 3),
    }
    if finished.part:
        row["area"] = certified_share(task.system, [finished.part])
    task.baselines.append(row)
    return finished


def _attempt(
    task: Task,
    method: str,
    lower: float,
    upper: float,
    least: float = LEAST,
    deadline: float = math.inf,
) -> Finished:
    limit = min(deadline, task.settings.deadline)
    settings = Settings(max_boxes=task.settings.max_boxes, deadline=limit)
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
            least=least,
        ),
    )


def _covered(task: Task, method: str, whole: Finished) -> tuple[list[Part], str]:
    """Cover the range by parts with a quadratic functional each, where one for the whole range is not enough.

    Small level sets are tried where nothing else is proved; that of the whole range is kept if it is the larger region.
    """
    kept, parts = [whole.part] if whole.part else [], []
    why = _failed(task, whole.answer, task.delay.lower, task.delay.upper)
    if not full(whole.part) and _splits(task, MAX_SPLITS):
        for least in (FULL,) if kept else (FULL, LEAST):
            if not parts and not task.late():
                parts, why = _halved(task, method, least)
    return largest(task.system, parts, kept), why


def _failed(task: Task, answer: Answer, lower: float, upper: float) -> str:
    parts = structure(task.system)
    names = [str(v) for v in (*parts.nonlinear, *parts.constants)]
    return f"{where_it_failed(answer, names)} (delays in [{lower:.6g}, {upper:.6g}])"


def _halved(task: Task, method: str, least: float) -> tuple[list[Part], str]:
    """Cover the range by parts, halving it and then each that fails."""
    parts, middle = [], (task.delay.lower + task.delay.upper) / 2
    open_ = [(middle, task.delay.upper, 1), (task.delay.lower, middle, 1)]
    while open_:
        lower, upper, depth = open_.pop()
        finished = _attempt(task, method, lower, upper, least)
        if finished.part is not None:
            parts.append(finished.part)
            continue
        if depth == _splits(task, MAX_SPLITS) or task.late():
            return [], _failed(task, finished.answer, lower, upper)
        middle = (lower + upper) / 2
        open_ += [(middle, upper, depth + 1), (lower, middle, depth + 1)]
    return parts, ""


def _neural(
    task: Task, lower: float, upper: float, splits: int, *, whole: bool = True
) -> tuple[list[Part], str]:
    """Search for one neural functional over [lower, upper]; where that fails, for one on each half.

    One with a small level set is kept in case that the halves are no better. A part of the range that begins above 0
    lets V0 read moments: without them its parent has failed.
    """
    above = lower > 0 and task.delay.kind == "constant"
    reading = range(1, task.settings.moments + 1) if above else []
    found, best = None, []
    for moments in [*([0] if whole or not reading else []), *reading]:
        found = task.timed("neural", partial(_search, task, lower, upper, moments=moments)) or found
        part = found.finished.part if found is not None else None
        best = largest(task.system, best, [part] if part else [])
        if full(part):
            return best, ""
    where = f"(delays in [{lower:.6g}, {upper:.6g}])"
    if found is None:
        return [], f"no quadratic functional to start from {where}"
    if splits <= 0 or task.late() or (best and task.past_half()):
        return (
            best,
            "" if best else f"{where_it_failed(found.finished.answer, found.names)} {where}",
        )
    middle, parts = (lower + upper) / 2, []
    for low, high in ((middle, upper), (lower, middle)):
        half, why = _neural(task, low, high, splits - 1, whole=False)
        if not half:
            return best, why
        parts = half + parts
    return largest(task.system, parts, best), ""


def _search(task: Task, lower: float, upper: float, *, moments: int = 0) -> Searched | None:
    """Run CEGIS on a range and keep its log; V0 reads so many moments."""
    settings = replace(task.settings, moments=moments)
    if moments:  # such parts are the hard ones: the region comes second
        settings = replace(settings, training=replace(settings.training, region=REGION))
    cover = exact_cover if moments else COVERS[task.delay.kind]
    begun = chosen_start(task.system, task.delay.kind, lower, upper, settings)
    found = search(
        task.system,
        lower,
        upper,
        settings,
        enclose=task.enclose,
        cover=cover,
        directory=task.directory,
        progress=task.progress,
        **(begun.arguments() if begun else {}),
    )
    _note(task, lower, upper, found, moments)
    if begun is None:
        return found
    proofs = Settings(max_boxes=settings.max_boxes, deadline=settings.deadline)
    return better(task.system, found, begun, cover(lower, upper), proofs)


def _note(task: Task, lower: float, upper: float, found: Searched | None, moments: int = 0) -> None:
    """Keep the rounds of a search over a range, or that it had nothing to start from."""
    why = "no quadratic functional was found for a part of the range"
    nothing = Round(0, NO_START, 0, 0, None, 0.0, 0.0, 0.0, moments=moments, why=why)
    for line in found.log if found else (nothing,):
        start = found.start if found else ""
        task.log.append({"range": [lower, upper], "start": start, **line.plain()})
