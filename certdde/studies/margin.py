"""The delay margin: the largest b such that all constant delays in [A, b] are certified."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from certdde.delays.classes import Constant, Sampled, Slow
from certdde.errors import ProblemError
from certdde.learning.admission import check_sampled, check_time
from certdde.learning.outcome import checked
from certdde.learning.shapes import Choices, check_choices
from certdde.learning.sos import objection as no_squares
from certdde.learning.task import require_constant, require_one
from certdde.learning.theorem import objection
from certdde.learning.threads import torch_threads
from certdde.studies.covering import covering_certificate
from certdde.studies.march import March, Progress
from certdde.studies.margin_result import MarginResult, came_to_its_end
from certdde.studies.razumikhin_margin import razumikhin_margin
from certdde.studies.sampled_margin import SampledMargin, require_sampled
from certdde.studies.scheme_margin import scheme_margin
from certdde.studies.slow_margin import SlowMargin, require_slow
from certdde.studies.sos_margin import SosMarch, require_polynomial
from certdde.studies.spectral_margin import SpectralWindows
from certdde.studies.theorem_margin import theorem_margin
from certdde.verify.bound_propagation.branch import Settings
from certdde.verify.bound_propagation.engines import encloser

if TYPE_CHECKING:
    from certdde.certificates.certificate import Certificate
    from certdde.delays.classes import DelayClass
    from certdde.systems.delay_system import DelaySystem
    from certdde.systems.problem import Problem

METHODS = ("spectral", "theorem", "lmi", "quadratic", "sos", "neural", "razumikhin")


TAKE_INTERVALS = ("lmi", "quadratic", "neural")


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
    partial: bool = False,
) -> MarginResult:
    """March from ``start`` to ``stop``, one functional a piece; double on success, halve on failure.

    Parameters
    ----------
    problem : Problem
    method : str
        ``spectral``, ``theorem``, ``lmi``, ``quadratic``, ``sos``, ``neural`` or ``razumikhin``; ``auto`` is, for a
        constant delay, ``spectral`` for a linear system, ``sos`` for polynomials and else ``neural``; where the delay
        varies ``lmi`` or ``neural``, or ``theorem`` if that gives more. Under sample and hold a nonlinear system is
        given the methods for measurable delays, whose class holds it.
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
    partial : bool
        Whether Ctrl-C ends the search with what has been proved (``complete`` is then false) instead of an error;
        ``theorem``, ``razumikhin`` and schemes keep nothing.

    Raises
    ------
    ProblemError
        If the problem or the method cannot be used.
    KeyboardInterrupt
        After Ctrl-C, unless what was proved is returned.

    Soundness
    ---------
    float64; see ``MarginResult.rigor``. The march stops where the method stops, not where stability ends.
    """
    with torch_threads(threads):
        found = _margin(problem, method, order, (start, stop), seed, budget, progress)
    if not (found.complete or partial):
        raise KeyboardInterrupt
    return found


def _margin(
    problem: Problem,
    method: str,
    order: int,
    ends: tuple[float, float],
    seed: int,
    budget: float | None,
    progress: Progress | None,
) -> MarginResult:
    began, system, delay = time.monotonic(), problem.build(), problem.delay_class()
    deadline = began + (budget or 600.0)
    check_time(system, delay)
    if system.time == "discrete":
        return _scheme(problem, method, ends, deadline, progress)
    require_one(delay)
    if isinstance(delay, Slow):
        return _slow(system, delay, method, order, ends, deadline, progress)
    if isinstance(delay, Sampled):
        if system.linear and system.family is None:
            return _sampled(system, delay, method, ends, deadline, progress)
        check_sampled(system, delay)
        delay, ends = delay.enlarged(), (0.0, ends[1])  # the least class that the methods take
    if system.family is not None and method not in (*TAKE_INTERVALS, "auto"):
        raise ProblemError(
            f"the method {method} takes numbers for the parameters and the equilibrium",
            where="--method",
            wanted=f"one of {', '.join(TAKE_INTERVALS)}",
        )
    linear = system.linear
    both = method == "auto" and delay.kind != "constant"
    if method == "auto":
        plain = "lmi" if linear else "neural"
        method = plain if system.family else _automatic(system, delay)
    if method not in METHODS:
        raise ProblemError(
            f"the method {method!r} is not in this release",
            where="--method",
            wanted=f"one of {', '.join(METHODS)}",
        )
    if method == "spectral":
        require_constant(delay)
        return _spectral(system, order, ends, seed, deadline, progress)
    if method == "sos":
        return _sos(problem, system, order, ends, deadline, progress)
    if method == "razumikhin":
        return _razumikhin(system, delay, ends, seed, deadline, progress)
    by_theorem = None
    if method == "theorem" or (both and not system.family and not objection(system)):
        by_theorem = _theorem(system, delay, ends, deadline, progress)
        if method == "theorem" or by_theorem.delay_margin == ends[1]:
            return by_theorem
    method = "lmi" if linear else method
    encloser_ = encloser(problem.certify.engine)
    march = March(system, delay.kind, order, seed, *ends, encloser_, deadline, progress)
    if method == "neural":
        choices = Choices.of(problem.certify)
        check_choices(system, choices, delay.kind)
        march.settings = replace(
            march.settings,
            hidden=problem.certify.hidden,
            outputs=problem.certify.outputs,
            choices=choices,
        )
    complete = came_to_its_end(lambda: _marched(march, method))
    pieces = _joined(march.proved)
    first = pieces[0][1] if pieces and pieces[0][0] == ends[0] else None
    found = MarginResult(first, pieces, method, order, 0.0, complete=complete)
    if first is not None and isinstance(delay, Constant):
        found = _written(found, march, replace(delay, lower=ends[0], upper=first))
    found = replace(found, seconds=round(time.monotonic() - began, 3))
    return max((r for r in (by_theorem, found) if r), key=lambda r: r.delay_margin or 0.0)


def _marched(march: March, method: str) -> None:
    march.advance("quadratic" if method == "neural" else method)
    if method == "neural":
        march.advance_neural()
    else:
        march.hop(method)


def _written(found: MarginResult, march: March, delay: Constant) -> MarginResult:
    """Put the parts of a march into one certificate, and have it checked."""
    parts = [
        part for start, part in sorted(march.parts, key=lambda pair: pair[0]) if start < delay.upper
    ]
    settings = Settings(max_boxes=march.settings.max_boxes)
    try:
        certificate = covering_certificate(march.system, delay, parts, found.method, settings)
        accepted = None if certificate is None else checked(certificate)[0]
    except KeyboardInterrupt:
        return replace(found, complete=False)
    if accepted is None:
        return found
    return replace(found, certificate=accepted, rigor=accepted.rigor)


def _automatic(system: DelaySystem, delay: DelayClass) -> str:
    """Return the method that ``auto`` means."""
    if delay.kind != "constant":
        return "lmi" if system.linear else "neural"
    if system.linear:
        return "spectral"
    return "neural" if no_squares(system) else "sos"


def _slow(
    system: DelaySystem,
    delay: Slow,
    method: str,
    order: int,
    ends: tuple[float, float],
    deadline: float,
    progress: Progress | None,
) -> MarginResult:
    require_slow(system, method)
    began = time.monotonic()
    search = SlowMargin(system, delay, order, *ends, deadline, progress)
    complete = came_to_its_end(search.search)
    last = _end(search.certificate)
    pieces = [] if last is None else [(ends[0], last)]
    seconds = round(time.monotonic() - began, 3)
    return MarginResult(last, pieces, "lmi", order, seconds, "rigorous", complete=complete)


def _end(certificate: Certificate | None) -> float | None:
    """Return the longest delay of a certificate."""
    return None if certificate is None else float(certificate.data["delay"]["range"][1])


def _sampled(
    system: DelaySystem,
    delay: Sampled,
    method: str,
    ends: tuple[float, float],
    deadline: float,
    progress: Progress | None,
) -> MarginResult:
    require_sampled(system, delay, method)
    began = time.monotonic()
    search = SampledMargin(system, delay, *ends, deadline, progress)
    complete = came_to_its_end(search.search)
    last = _end(search.certificate)
    pieces = [] if last is None else [(ends[0], last)]
    unstable = None if last is None else search.unstable_beyond(last)
    seconds, found = round(time.monotonic() - began, 3), search.certificate
    return MarginResult(last, pieces, "lmi", 0, seconds, "rigorous", unstable, found, complete)


def _scheme(
    problem: Problem,
    method: str,
    ends: tuple[float, float],
    deadline: float,
    progress: Progress | None,
) -> MarginResult:
    began = time.monotonic()
    pieces = scheme_margin(problem, method, ends, deadline=deadline, progress=progress)
    first = pieces[0][1] if pieces and pieces[0][0] == ends[0] else None
    seconds = round(time.monotonic() - began, 3)
    return MarginResult(first, pieces, method, 0, seconds, "rigorous")


def _theorem(
    system: DelaySystem,
    delay: DelayClass,
    ends: tuple[float, float],
    deadline: float,
    progress: Progress | None,
) -> MarginResult:
    if objection(system):
        what = f"the method theorem {objection(system)}"
        raise ProblemError(what, where="--method", wanted="another method")
    began = time.monotonic()
    last = theorem_margin(system, delay, *ends, deadline=deadline, progress=progress)
    pieces = [] if last is None else [(ends[0], last)]
    seconds = round(time.monotonic() - began, 3)
    return MarginResult(last, pieces, "theorem", 0, seconds, "rigorous")


def _sos(
    problem: Problem,
    system: DelaySystem,
    order: int,
    ends: tuple[float, float],
    deadline: float,
    progress: Progress | None,
) -> MarginResult:
    require_polynomial(system, problem.delay_class())
    began, spec = time.monotonic(), problem.certify
    moments = 1 if spec.moments is None else spec.moments
    march = SosMarch(system, order, spec.degree, moments, *ends, deadline, progress)
    complete = came_to_its_end(march.search)
    pieces = _joined(march.proved)
    last = pieces[0][1] if pieces else None
    seconds = round(time.monotonic() - began, 3)
    return MarginResult(last, pieces, "sos", order, seconds, "rigorous", complete=complete)


def _razumikhin(
    system: DelaySystem,
    delay: DelayClass,
    ends: tuple[float, float],
    seed: int,
    deadline: float,
    progress: Progress | None,
) -> MarginResult:
    began = time.monotonic()
    last = razumikhin_margin(system, delay, *ends, seed=seed, deadline=deadline, progress=progress)
    pieces = [] if last is None else [(ends[0], last)]
    seconds = round(time.monotonic() - began, 3)
    return MarginResult(last, pieces, "razumikhin", 0, seconds, "rigorous")


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
    complete = came_to_its_end(windows.search)
    pieces = sorted(windows.certified)
    first = pieces[0][1] if pieces and pieces[0][0] == start else None
    unstable, seconds = windows.unstable_beyond(first), round(time.monotonic() - began, 3)
    return MarginResult(
        first, pieces, "spectral", order, seconds, "rigorous", unstable, complete=complete
    )


def _joined(pieces: list[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for lower, upper in sorted(pieces):
        if joined and lower <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], upper))
        else:
            joined.append((lower, upper))
    return joined
