"""The LMI method for a delay of bounded rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import inf, nextafter
from typing import Any

from certdde.certificates.slow import slow_certified
from certdde.delays.classes import Slow
from certdde.errors import ProblemError
from certdde.learning.outcome import Outcome, extra
from certdde.learning.task import Task
from certdde.systems.delay_system import DelaySystem
from certdde.systems.structure import structure
from certdde.verify.lmi.slow import SlowAnswer, slow_lmi
from certdde.verify.lmi.slow_pieces import SlowQuestion

MOST = 6  # order, as in the checker
FINEST = 2.0**-20  # of the first break: short numbers are cheap to check


def by_slow_functional(task: Task) -> Outcome:
    """Look for a certificate of kind ``slow``."""
    delay = task.delay
    if not isinstance(delay, Slow):
        return Outcome(None, "takes slow delays")
    began, order, progress = time.monotonic(), task.settings.order, task.progress
    if order > MOST:
        raise ProblemError(
            f"the order {order} is too high for a slow delay",
            where="certify.order",
            wanted=f"0 to {MOST}",
        )

    def told(info: dict[str, Any]) -> None:
        if progress:
            progress("lmi", info)

    answer = task.timed(
        "lmi",
        lambda: slow_answer(
            task.system, delay, order, deadline=task.settings.deadline, progress=told
        ),
    )
    pieces = max(len(answer.breaks) - 1, 0)
    task.baselines.append(
        {
            "method": "lmi",
            "order": order,
            "status": "proved" if answer.functional else "not proved",
            "boxes": pieces,
            "area": None,
            "seconds": round(time.monotonic() - began, 3),
        }
    )
    if answer.functional is None:
        return Outcome(None, answer.why)
    about = extra(task, "lmi", {"leaves": pieces, "star": 0, "face": 0})
    return Outcome(slow_certified(task.system, delay, answer.functional, answer.breaks, **about))


def slow_answer(
    system: DelaySystem,
    delay: Slow,
    order: int,
    *,
    points: Sequence[float] = (),
    deadline: float = inf,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> SlowAnswer:
    """Look for a functional for all delays of a class.

    Parameters
    ----------
    system : DelaySystem
        Linear, with one delay.
    delay : Slow
    order : int
    points : sequence of float
        Values of alpha to begin with.
    deadline : float
        On ``time.monotonic``.
    progress : callable, optional

    Soundness
    ---------
    float64; the checker proves it.
    """
    parts, window = structure(system), window_of(delay.upper)
    rates = (delay.rate_lower, delay.rate_upper)
    first = first_break(delay.lower, window)
    question = SlowQuestion(parts.present, parts.delayed, order, window, first, rates)
    return slow_lmi(question, points=points, deadline=deadline, progress=progress)


def window_of(upper: float) -> float:
    """Return the least binary64 that is not below a delay, read as a decimal."""
    nearest = float(upper)
    return nearest if Fraction(nearest) >= Fraction(repr(nearest)) else nextafter(nearest, inf)


def first_break(lower: float, window: float) -> float:
    """Return a short number alpha < 1 with alpha window <= lower, read as a decimal; nearly the largest."""
    exact = Fraction(repr(float(lower))) / Fraction(window)
    steps = min(exact // Fraction(FINEST), int(1 / FINEST) - 1)
    return float(steps * FINEST)
