"""The delay margin of a scheme: step by step, each range with a certificate that the checker accepts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from certdde.delays.classes import Resampled
from certdde.errors import ProblemError
from certdde.learning.admission import check_steps
from certdde.learning.certify import certify

if TYPE_CHECKING:
    from certdde.systems.problem import Problem

Progress = Callable[[str, Mapping[str, Any]], None]


def scheme_margin(
    problem: Problem,
    method: str,
    ends: tuple[float, float],
    *,
    deadline: float,
    progress: Progress | None = None,
) -> list[tuple[float, float]]:
    """Return the pieces of [start, stop], in whole steps, that are certified, in order.

    Parameters
    ----------
    problem : Problem
        Of a scheme. For any sequence of delays there is one piece at most, from ``start`` on. For a delay that is
        drawn at each step a number b of a piece stands for the uniform law on start .. b: more delays may help, so
        each b is tried.
    method : str
    ends : (float, float)
        Whole numbers.
    deadline : float
        Of ``time.monotonic()``.
    progress : callable, optional

    Raises
    ------
    ProblemError
        If the ends are not whole numbers, a scheme cannot have the delay, or it is drawn by a law that is not uniform.

    Soundness
    ---------
    Each piece has been accepted by the checker.
    """
    for value, option in zip(ends, ("--from", "--to"), strict=True):
        if not value.is_integer():
            wanted = "a scheme counts in steps: give a whole number"
            raise ProblemError(f"{value} is no number of steps", where=option, wanted=wanted)
    start, stop = int(ends[0]), int(ends[1])
    system, delay = problem.build(), problem.delay_class()
    check_steps(delay)
    varies, drawn, proved = delay.kind == "measurable", isinstance(delay, Resampled), []
    if isinstance(delay, Resampled) and not delay.uniform:
        what = "the margin of a delay that is drawn is that of uniform laws, and its weights differ"
        raise ProblemError(what, where=f"delays.{delay.name}", wanted="a range without weights")
    for last in range(max(start, 1), stop + 1):
        if time.monotonic() > deadline:
            break
        if progress:
            progress("margin", {"done": last - start, "total": stop - start})
        first = start if varies or last <= 1 else last
        part = type(delay)(delay.name, float(start if drawn else first), float(last))
        left = max(deadline - time.monotonic(), 1.0)
        if certify(system, part, method=method, budget=left).rigor == "rigorous":
            proved.append((float(first), float(last)))
        elif varies:
            break
    return [(ends[0], proved[-1][1])] if varies and proved else _joined(proved)


def _joined(pieces: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join pieces of neighbouring whole numbers."""
    joined: list[tuple[float, float]] = []
    for lower, upper in pieces:
        if joined and lower <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], upper)
        else:
            joined.append((lower, upper))
    return joined
