"""The log of the neural search: what each round of training and proof came to, small enough for a certificate."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import torch

from certdde.functionals import Functional
from certdde.inequalities.reduction import Reduction
from certdde.learning.sampled import Sampled
from certdde.systems.delay_system import DelaySystem
from certdde.verify.answers import Answer, Proved, Refuted, Unknown

GAVE_UP, NO_START = "GaveUp", "NoStart"
MOST_POINTS, MOST_FAILURES, MOST_LINES = 60, 50, 200
LIMIT = 80_000  # bytes of JSON of the whole log, as a certificate writes it
DIGITS = 4
SAMPLES = 4000


@dataclass(frozen=True, slots=True)
class Round:
    """One line of the log.

    Attributes
    ----------
    round : int
        From 1 on; 0 where no round was run.
    answer : str
        ``Proved``, ``Refuted`` or ``Unknown``, the answer of the proof; ``GaveUp``: training was hopeless and nothing
        was proved of what it left; ``NoStart``: there was no functional to start from.
    boxes, counterexamples : int
        Of the proof, or bounded before it ended; and points found at which the inequality fails.
    worst : float or None
        The largest D / |xi|^2 of the last step of training; None if it is not finite.
    region : float
        Weight of the region in training.
    seconds_training, seconds_proof : float
    margin : float or None
        What training asked for: D / |xi|^2 <= -margin.
    moments : int
        How many Legendre moments V0 reads.
    level : float or None
        Of the level set that was proved; training goes on if it is well below 1.
    why : str
        What an answer without a proof says.
    curve : dict
        ``step``, ``worst``, ``loss``, and ``mean`` where the objective is the mean of V: lists of one length, a value
        every hundred steps or so.
    failures : dict
        ``names`` of the nonlinear variables, and ``points``: places where the inequality fails, or was still open, by
        the proof first, then by sampling, as deviations from the equilibrium.
    """

    round: int
    answer: str
    boxes: int
    counterexamples: int
    worst: float | None
    region: float
    seconds_training: float
    seconds_proof: float
    margin: float | None = None
    moments: int = 0
    level: float | None = None
    why: str = ""
    curve: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    failures: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Round:
        """Return the line of a log or a checkpoint, which may lack the newer keys."""
        return cls(**{one.name: line[one.name] for one in fields(cls) if one.name in line})

    def plain(self) -> dict[str, Any]:
        """Return the line as plain values."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def curve(history: Sequence[Mapping[str, float]]) -> dict[str, list[float | None]]:
    """Return the training curve of a round, thinned evenly; its ends are kept."""
    kept = thinned(history, MOST_POINTS)
    keys = ("step", "worst", "loss", *(["mean"] if kept and "mean" in kept[0] else []))
    return {key: [few(line.get(key)) for line in kept] for key in keys}


def failures(names: Sequence[str], *groups: torch.Tensor) -> dict[str, Any]:
    """Return where an inequality fails: a few points of xi of each group (k, d), xi first in d."""
    d, rows = len(names), []
    for points in groups:
        if points.numel() and points.shape[-1] >= d:
            rows += thinned(points[:, :d].tolist(), MOST_FAILURES // len(groups))
    told = [[few(value) for value in row] for row in rows]
    return {"names": list(names), "points": told} if told else {}


def sampled_failures(
    system: DelaySystem, reduction: Reduction, functional: Functional, seed: int
) -> torch.Tensor:
    """Return points (k, d) drawn from the domain at which the inequality fails, where v_0 <= 1."""
    problem = Sampled.of(system, reduction, functional)
    points = problem.sample(SAMPLES, torch.Generator().manual_seed(seed))
    rates = problem.rates(functional, problem.forms(functional)[0], points).amax(0)
    counts = problem.lower_bound(functional, points) <= 1
    return points[~(rates < 0) & counts]


def open_points(answer: Answer) -> torch.Tensor:
    """Return the points (k, d) at which an answer says that the inequality fails or is open."""
    if isinstance(answer, Refuted):
        return answer.points
    return answer.where if isinstance(answer, Unknown) else torch.zeros(0, 0)


def reason(answer: Answer) -> str:
    """Say why there is no proof; empty if there is one."""
    if isinstance(answer, Unknown):
        return answer.why
    return "" if isinstance(answer, Proved) else "dV/dt <= D fails"


def few(value: float | None) -> float | None:
    """Return a number in a few digits; None if it is not finite, which JSON cannot hold."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")


def thinned(rows: Sequence[Any], most: int) -> list[Any]:
    """Return at most so many of the rows, evenly, the first and the last among them."""
    if len(rows) <= most:
        return list(rows)
    if most < 2:
        return list(rows[-most:]) if most else []
    return [rows[round(k * (len(rows) - 1) / (most - 1))] for k in range(most)]


def bounded(log: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the log with curves and failures thinned until its JSON is small enough."""
    lines = [dict(line) for line in log[:MOST_LINES]]
    for points, places in ((MOST_POINTS, MOST_FAILURES), (30, 24), (16, 12), (8, 5), (2, 0)):
        lines = [_shorter(line, points, places) for line in lines]
        if len(json.dumps(lines, indent=1)) <= LIMIT:
            break
    return lines


def _shorter(line: Mapping[str, Any], points: int, places: int) -> dict[str, Any]:
    shorter = dict(line)
    if line.get("curve"):
        shorter["curve"] = {key: thinned(row, points) for key, row in line["curve"].items()}
    if line.get("failures"):
        kept = thinned(line["failures"]["points"], places)
        shorter["failures"] = {**line["failures"], "points": kept} if kept else {}
    return shorter
