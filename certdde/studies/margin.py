"""The delay margin: the largest b such that all constant delays in [A, b] are certified."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certdde.errors import ProblemError
from certdde.learning.task import require_constant
from certdde.learning.threads import torch_threads
from certdde.studies.march import March, Progress
from certdde.studies.spectral_margin import SpectralWindows
from certdde.systems.structure import structure
from certdde.verify.bound_propagation.engines import encloser

if TYPE_CHECKING:
    from certdde.systems.delay_system import DelaySystem
    from certdde.systems.problem import Problem

METHODS = ("spectral", "lmi", "quadratic", "neural")


@dataclass(frozen=True, slots=True)
class MarginResult:
    """Certified delays.

    Attributes
    ----------
    delay_margin : float or None
        The largest b with every delay of [A, b] proved; None if A itself is not.
    intervals : list of (float, float)
        All pieces of [A, B] that were proved, joined where they touch.
    method : str
    order : int
    seconds : float
    rigor : str
        ``float64``: each piece was proved by bounds that are not rounded outward. ``certify``
        gives the rigorous certificate of a range. ``rigorous`` (``spectral``): the checker accepted
        a certificate of each piece.
    unstable : float or None
        A delay just beyond the margin at which the float64 spectrum is unstable (``spectral``).
    """

    delay_margin: float | None
    intervals: list[tuple[float, float]]
    method: str
    order: int
    seconds: float
    rigor: str = "float64"
    unstable: float | None = None


def margin(
    problem: Problem,
    *,
    method: str,
    order: int = 1,
    start: float = 0.0,
    stop: float = 1.0,
    seed: int = 0,
    budget: float | None = None,
    progress: Progress | None = None,
    threads: int = 1,
) -> MarginResult:
    """March from ``start`` to ``stop``, one functional a piece; double on success, halve on failure.

    Parameters
    ----------
    problem : Problem
    method : str
        ``spectral``, ``lmi``, ``quadratic`` or ``neural``; ``auto`` is ``spectral`` for a linear system,
        else ``neural``.
    order : int
        Number of Legendre moments.
    start, stop : float
        0 <= start < stop.
    seed : int
    budget : float, optional
        Seconds, default 600.
    progress : callable, optional
    threads : int
        Threads of torch.

    Raises
    ------
    ProblemError
        If the problem or the method cannot be used.

    Soundness
    ---------
    float64; see ``MarginResult.rigor``. The march stops where the method stops, not where stability ends.
    """
    with torch_threads(threads):
        return _margin(problem, method, order, (start, stop), seed, budget, progress)


def _margin(
    problem: Problem,
    method: str,
    order: int,
    ends: tuple[float, float],
    seed: int,
    budget: float | None,
    progress: Progress | None,
) -> MarginResult:
    (start, stop), began, system = ends, time.monotonic(), problem.build()
    linear = not structure(system).nonlinear
    if method == "auto":
        constant = problem.delay_class().kind == "constant"
        method = "neural" if not linear else "spectral" if constant else "lmi"
    if method not in METHODS:
        raise ProblemError(
            f"the method {method!r} is not in this release",
            where="--method",
            wanted=f"one of {', '.join(METHODS)}",
        )
    if method == "spectral":
        require_constant(problem.delay_class())
        return _spectral(system, order, ends, seed, began + (budget or 600.0), progress)
    method = "lmi" if linear else method
    march = March(
        system,
        problem.delay_class().kind,
        order,
        seed,
        start,
        stop,
        encloser(problem.certify.engine),
        began + (budget or 600.0),
        progress,
    )
    march.advance("quadratic" if method == "neural" else method)
    if method == "neural":
        march.settings = replace(
            march.settings, hidden=(problem.certify.neurons,), outputs=problem.certify.outputs
        )
        march.advance_neural()
    else:
        march.hop(method)
    pieces = _joined(march.proved)
    first = pieces[0][1] if pieces and pieces[0][0] == start else None
    return MarginResult(first, pieces, method, order, round(time.monotonic() - began, 3))


def _spectral(
    system: DelaySystem,
    order: int,
    ends: tuple[float, float],
    seed: int,
    deadline: float,
    progress: Progress | None,
) -> MarginResult:
    (start, stop), began = ends, time.monotonic()
    windows = SpectralWindows(system, start, stop, order, seed, deadline, progress)
    windows.search()
    pieces = sorted(windows.certified)
    first = pieces[0][1] if pieces and pieces[0][0] == start else None
    unstable, seconds = windows.unstable_beyond(first), round(time.monotonic() - began, 3)
    return MarginResult(first, pieces, "spectral", order, seconds, "rigorous", unstable)


def _joined(pieces: list[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for lower, upper in sorted(pieces):
        if joined and lower <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], upper))
        else:
            joined.append((lower, upper))
    return joined
