"""The LMI method for a delay of bounded rate; for nonlinear equations, at the vertices of the slopes on the domain."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import inf, nextafter
from typing import Any

import numpy as np

from certdde.certificates.certificate import Certificate
from certdde.certificates.part import Radius
from certdde.certificates.slow import slow_certified
from certdde.delays.classes import Slow
from certdde.errors import ProblemError
from certdde.functionals.slow import SlowFunctional
from certdde.learning.ellipsoid import largest_level, largest_radius, share_within
from certdde.learning.outcome import Outcome, extra
from certdde.learning.task import Task
from certdde.systems.delay_system import DelaySystem
from certdde.systems.structure import structure
from certdde.verify.lmi.positivity import nearest_faces
from certdde.verify.lmi.slopes import slope_polytope
from certdde.verify.lmi.slow import SlowAnswer, slow_lmi
from certdde.verify.lmi.slow_pieces import SlowQuestion

MOST = 6  # order, as in the checker
SAMPLES = 9  # delays at which constant histories are looked at
FINEST = 2.0**-20  # of the first break: short numbers are cheap to check


def by_slow_functional(task: Task) -> Outcome:
    """Look for a certificate of kind ``slow``."""
    delay = task.delay
    if not isinstance(delay, Slow):
        return Outcome(None, "takes slow delays")
    began, order, progress = time.monotonic(), task.settings.order, task.progress
    _check(order)

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
            "area": _share(task.system, answer),
            "seconds": round(time.monotonic() - began, 3),
        }
    )
    if answer.functional is None:
        return Outcome(None, answer.why)
    about = extra(task, "lmi", {"leaves": pieces, "star": 0, "face": 0})
    found = slow_certificate(task.system, delay, answer, **about)
    return Outcome(found, "" if found else "the region of the functional is too small")


def _check(order: int) -> None:
    if order > MOST:
        raise ProblemError(
            f"the order {order} is too high for a slow delay",
            where="certify.order",
            wanted=f"0 to {MOST}",
        )


def slow_certificate(
    system: DelaySystem, delay: Slow, answer: SlowAnswer, **extra: Any
) -> Certificate | None:
    """Return the certificate of a functional that was found; None if there is none, or its region is too small."""
    functional, region = answer.functional, None
    if functional is not None and not system.linear:
        functional, region = bounded(system, functional, answer.breaks[0])
    if functional is None:
        return None
    return slow_certified(system, delay, functional, answer.breaks, region, **extra)


def _share(system: DelaySystem, answer: SlowAnswer) -> float | None:
    """Return the share of the domain's constant histories with V <= level at sampled delays; None without a region."""
    if answer.functional is None or system.linear:
        return None
    functional, _ = bounded(system, answer.functional, answer.breaks[0])
    if functional is None:
        return None
    delays = np.linspace(answer.breaks[0], 1.0, SAMPLES)
    return share_within(system, [functional.on_constant_histories(alpha) for alpha in delays])


def bounded(
    system: DelaySystem, functional: SlowFunctional, first: float
) -> tuple[SlowFunctional | None, tuple[float, Radius] | None]:
    """Return the functional with the level 1, and its radius; None if that is too small for binary64."""
    faces = nearest_faces(system)
    level = largest_level([functional.bessel(alpha) for alpha in (first, 1.0)], faces)
    if not 0 < level < inf:
        return None, None
    scaled = functional.times(1 / level)
    present, delayed = system.jacobians()
    rate = float((present.abs() + delayed.abs()).sum(-1).max())

    def bound(rho: float, rho_rate: float) -> float:
        return scaled.upper_bound(rho, rho_rate, first)

    radius = largest_radius(bound, rate, min(faces), 1.0)
    return (None, None) if radius is None else (scaled, (1.0, radius))


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
        With one delay; linear, or with a domain.
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
    states = np.ones(system.dimension)
    if not system.linear:
        box = slope_polytope(system)
        if box.objection:
            return SlowAnswer(None, (), 0.0, (), box.objection)
        vertices = tuple(_pair(vertex) for vertex in box.matrices())
        faces = tuple(nearest_faces(system))
        present, delayed = (m.numpy() for m in system.jacobians())
        question = SlowQuestion(present, delayed, order, window, first, rates, vertices, faces)
        states = 2.0 ** np.round(np.log2(faces))
    answer = slow_lmi(question.scaled(states), points=points, deadline=deadline, progress=progress)
    found = answer.functional
    return replace(answer, functional=found and found.unscaled(states))


def _pair(vertex: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the slopes on the state and on the delayed one, which may not occur."""
    return vertex[0], vertex[1] if len(vertex) > 1 else np.zeros_like(vertex[0])


def window_of(upper: float) -> float:
    """Return the least binary64 that is not below a delay, read as a decimal."""
    nearest = float(upper)
    return nearest if Fraction(nearest) >= Fraction(repr(nearest)) else nextafter(nearest, inf)


def first_break(lower: float, window: float) -> float:
    """Return a short number alpha < 1 with alpha window <= lower, read as a decimal; nearly the largest."""
    exact = Fraction(repr(float(lower))) / Fraction(window)
    steps = min(exact // Fraction(FINEST), int(1 / FINEST) - 1)
    return float(steps * FINEST)
