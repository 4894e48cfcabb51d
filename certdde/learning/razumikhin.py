"""Certificates of kind ``razumikhin``: a function of the state that decays for every measurable delay."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from certdde.certificates.certificate import Certificate
from certdde.certificates.part import Part
from certdde.certificates.razumikhin import RazumikhinProof, razumikhin_certified
from certdde.delays.classes import DelayClass
from certdde.inequalities.features import Features
from certdde.inequalities.razumikhin import Razumikhin
from certdde.learning.area import certified_share, region_area
from certdde.learning.finish import Finished, finish, where_it_failed
from certdde.learning.outcome import Outcome, extra
from certdde.learning.razumikhin_neural import search_neural
from certdde.learning.task import Task
from certdde.systems.scaling import Scaling
from certdde.systems.structure import structure
from certdde.verify.bound_propagation.branch import Settings
from certdde.verify.razumikhin.linear import averaged, independent
from certdde.verify.razumikhin.nonlinear import Choice, Search

LARGE = 0.85  # of the domain: with less a neural function is tried too
LONGEST = 60.0  # seconds of the search for multipliers of a linear system
Q = 1 + 2.0**-20  # V(x(t - tau)) <= Q V(x(t)) is what V' < 0 is shown for


def by_razumikhin(task: Task) -> Outcome:
    """Look for a Razumikhin function: first one for delays of any length, then one for those of the task."""
    linear = not structure(task.system).nonlinear
    began = time.monotonic()
    outcome = _linear(task) if linear else _nonlinear(task)
    if linear:
        _note(task, outcome.certificate is not None, None, began)
    return outcome


def covering_window(upper: float) -> float:
    """Return a binary64 number not below the decimal ``upper``."""
    below = Fraction(upper) < Fraction(repr(float(upper)))
    return math.nextafter(upper, math.inf) if below else float(upper)


def linear_proof(
    present: np.ndarray,
    delayed: np.ndarray,
    upper: float,
    *,
    starts: tuple[np.ndarray, ...] = (),
    deadline: float = math.inf,
) -> tuple[RazumikhinProof, np.ndarray | None] | None:
    """Return a Razumikhin function of x' = present x + delayed y for measurable delays up to ``upper``.

    Parameters
    ----------
    present, delayed : (n, n) arrays
    upper : float
    starts : tuple of arrays, optional
        Multipliers to try first.
    deadline : float
        On ``time.monotonic``.

    Returns
    -------
    (RazumikhinProof, multipliers) or None
        The multipliers (None where the delay does not matter) are good ones to start from for a delay near by.

    Soundness
    ---------
    float64; the checker decides.
    """
    alone = independent(present, delayed, Q)
    q = np.array([Q])
    if alone is not None:
        arrays = {"P": alone.P, "q": q, "beta": np.array([alone.beta])}
        return RazumikhinProof("independent", arrays), None
    h = covering_window(upper)
    found = averaged(h * present, h * delayed, Q, starts=starts, deadline=deadline)
    if found is None:
        return None
    weights = found.multipliers
    arrays = {
        "P": found.at.P,
        "Q": found.at.Q,
        "N": found.at.N / h,
        "q": q,
        "beta": np.concatenate([weights[:3] / h, weights[8:]]),
        "rho": weights[3:8] / h,
        "window": np.array([h]),
    }
    return RazumikhinProof("averaged", arrays), weights


def _linear(task: Task) -> Outcome:
    present, delayed = (m.numpy() for m in task.system.jacobians())
    deadline = min(task.settings.deadline, time.monotonic() + LONGEST)
    found = task.timed(
        "razumikhin",
        lambda: linear_proof(present, delayed, task.delay.upper, deadline=deadline),
    )
    if found is None:
        return Outcome(None, "no quadratic Razumikhin function was found")
    about = extra(task, "razumikhin", {"leaves": 0, "star": 0, "face": 0})
    return Outcome(razumikhin_certified(task.system, task.delay, found[0], **about))


def quadratic_certificate(task: Task) -> Certificate | None:
    """Return a certificate with a quadratic function for a nonlinear system, of either form; None if there is none."""
    for window in (None, covering_window(task.delay.upper)):
        choice, scaling, finished = _quadratic(task, window)
        if choice is not None and finished is not None and finished.part is not None:
            return _certificate(task, finished.part, _unscaled(choice.reduction, scaling), None)
    return None


def _nonlinear(task: Task) -> Outcome:
    """A quadratic function of either form; a neural one where there is none, or where its region is small."""
    tried: list[tuple[Choice, Scaling]] = []
    outcome, share = Outcome(None, "no function to start from"), 0.0
    for window in (None, covering_window(task.delay.upper)):
        began = time.monotonic()
        choice, scaling, finished = task.timed("razumikhin", lambda w=window: _quadratic(task, w))
        part = finished.part if finished else None
        _note(task, part is not None, part, began)
        if choice is not None:
            tried.append((choice, scaling))
        if part is not None and choice is not None:
            share = certified_share(task.system, [part]) or 0.0
            outcome = _outcome(task, part, _unscaled(choice.reduction, scaling))
            tried = tried[-1:]
            break
    if not tried or share > LARGE or task.late():
        return outcome
    neural = _neural(task, *max(tried, key=lambda one: one[0].margin), share)
    return outcome if neural.certificate is None and outcome.certificate is not None else neural


def _scaling(task: Task, window: float | None) -> Scaling:
    """Return the scaling; where the delay's length does not matter, time is measured by the rates."""
    if window is not None:
        return Scaling.of(task.system, window)
    present, delayed = task.system.jacobians()
    rate = float((present.abs() + delayed.abs()).sum(-1).max()) or 1.0
    return Scaling.of(task.system, 1 / rate)


def _quadratic(task: Task, window: float | None) -> tuple[Choice | None, Scaling, Finished | None]:
    """Propose a quadratic function and multipliers, and try to prove them."""
    scaling, settings = _scaling(task, window), task.settings
    scaled = None if window is None else window / float(scaling.time)
    found = Search.of(scaling.apply(task.system), seed=settings.seed, deadline=settings.deadline)
    first = found.choose(scaled, Q)
    refined = found.refine() if first is not None and first.margin > 0 else None
    if refined is None:
        return found.best or first, scaling, None
    functional, reduction = (
        scaling.invert(refined.functional),
        _unscaled(refined.reduction, scaling),
    )
    limits = Settings(max_boxes=settings.max_boxes, deadline=settings.deadline)
    finished = finish(task.system, functional, reduction, limits, enclose=task.enclose)
    return refined, scaling, finished


def _unscaled(reduction: Razumikhin, scaling: Scaling) -> Razumikhin:
    return reduction.in_time(1 / float(scaling.time))


def _neural(task: Task, choice: Choice, scaling: Scaling, share: float) -> Outcome:
    """Train a neural function from a quadratic one; its region has to be larger than a share of the domain."""
    found, reduction = task.timed("neural", lambda: search_neural(task, choice, scaling))
    for line in found.log:
        log = {"range": [0.0, task.delay.upper], "start": found.start}
        task.log.append({**log, **line.plain()})
    part = found.finished.part
    if part is None:
        why = where_it_failed(found.finished.answer, found.names)
        return Outcome(None, f"no Razumikhin function was found: {why}")
    if share > 0 and (certified_share(task.system, [part]) or 0.0) <= share:
        return Outcome(None, "the region of the neural function is no larger")
    return _outcome(task, part, reduction)


def _outcome(task: Task, part: Part, reduction: Razumikhin) -> Outcome:
    """Return the certificate of a proved function, with the size of its region."""
    area = task.timed("area", lambda: region_area(task.system, _simulated(task), [part]))
    return Outcome(_certificate(task, part, reduction, area))


def _certificate(
    task: Task, part: Part, reduction: Razumikhin, area: Mapping[str, Any] | None
) -> Certificate:
    variables = Features.of(task.system, part.functional).structure.nonlinear
    nonlinear = {
        "states": [v.name for v in variables if v.delay is None],
        "delayed": [v.name for v in variables if v.delay is not None],
    }
    return razumikhin_certified(
        task.system,
        task.delay,
        proof_of(part, reduction),
        nonlinear=nonlinear,
        area=area,
        **extra(task, "razumikhin", part.boxes),
    )


def _simulated(task: Task) -> DelayClass:
    """Return the delays at which the region is simulated: a few times the fastest time is long enough."""
    present, delayed = task.system.jacobians()
    rate = float((present.abs() + delayed.abs()).sum(-1).max()) or 1.0
    longest = max(task.delay.lower, min(task.delay.upper, 5 / rate))
    return replace(task.delay, upper=longest)


def proof_of(part: Part, reduction: Razumikhin) -> RazumikhinProof:
    """Return what the certificate holds of a proved part, with the bound of the rates that its level allows."""
    value, form = part.functional, "dependent" if reduction.dependent else "independent"
    arrays: dict[str, np.ndarray] = {
        "P": value.P.detach().numpy(),
        "q": np.array([reduction.q]),
        "beta": np.array(reduction.beta),
        **part.arrays,
    }
    radius: dict[str, float] = {"rho": part.radius.rho} if part.radius else {}
    if reduction.dependent:
        gap = value.S.detach().numpy()
        arrays |= {"Q": gap, "window": np.array([reduction.window])}
        allowed = (reduction.beta[1] + reduction.beta[2]) * (part.level or 0.0)
        rates = rounded_down(allowed / reduction.window**2 * (1 - 1e-9))
        speed = math.sqrt(rates / float(np.abs(gap).sum()))
        radius |= {"rho_rate": rounded_down(speed * (1 - 1e-9)), "rates": rates}
    return RazumikhinProof(form, arrays, value.V0, part.level, radius)


def rounded_down(value: float) -> float:
    """Return a positive number rounded down to four significant digits."""
    digits = 3 - math.floor(math.log10(value))
    return float(f"{math.floor(value * 10**digits)}e{-digits}")


def _note(task: Task, proved: bool, part: Part | None, began: float) -> None:
    """Keep a line for the report."""
    row: Mapping[str, Any] = {
        "method": "razumikhin",
        "order": 0,
        "status": "proved" if proved else "not proved",
        "boxes": part.boxes["leaves"] if part else 0,
        "area": certified_share(task.system, [part]) if part else None,
        "seconds": round(time.monotonic() - began, 3),
    }
    task.baselines.append(dict(row))
