"""The method ``theorem``: equations that a theorem of the literature covers, in a form that can be checked.

Delayed negative feedback in one dimension (Myshkis 1951, Yorke 1970; docs/math.md): any measurable delay.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_UP, Context
from fractions import Fraction

import numpy as np

from certdde.certificates.yorke import feedback_certified, linear_certified
from certdde.learning.outcome import Outcome, extra
from certdde.learning.task import Task
from certdde.systems.delay_system import DelaySystem
from certdde.systems.exact_values import linear_split
from certdde.systems.expressions import (
    Variable,
)
from certdde.verify.bound_propagation.forest import COLLAPSED
from certdde.verify.feedback.cover import cover
from certdde.verify.feedback.exact import stays, swing
from certdde.verify.feedback.search import Invariant, largest, proposals

DIGITS = (3, 5, 9, 14)  # of the numbers of a certificate: as few as cost little
WORTH = 0.98
SLACKS = (1.0, 10.0, 60.0)  # of the bounds of the gains over what is sampled
NO_FEEDBACK = "the equation is no negative feedback x' = -p x - m x(t - tau) with p, m >= 0"
NO_INTERVAL = "no interval around the equilibrium was found that solutions cannot leave"
LATE = "the time was up before the bounds of the gains were shown"
NO_BOUNDS = "the bounds of the gains could not be shown by intervals"


def objection(system: DelaySystem) -> str:
    """Say why the theorem does not apply to a system; "" if it may."""
    if system.dimension > 1 or system.time != "continuous" or not system.one_lag:
        return "takes a single equation x' = f(x(t), x(t - tau)) only"
    return ""


@dataclass(frozen=True, slots=True)
class Found:
    """What is needed for a certificate on a domain: bounds, the interval in the user's coordinates, the trees."""

    invariant: Invariant
    ends: tuple[float, float]
    codes: np.ndarray


def by_theorem(task: Task) -> Outcome:
    """Look for a certificate of kind ``yorke``."""
    began = time.monotonic()
    search = _linear if task.system.linear else _nonlinear
    found = task.timed("theorem", lambda: search(task))
    proved = not isinstance(found, str)
    leaves = int((found.codes == COLLAPSED).sum()) if isinstance(found, Found) else 0
    task.baselines.append(
        {
            "method": "theorem",
            "order": 0,
            "status": "proved" if proved else "not proved",
            "boxes": leaves,
            "area": None,
            "seconds": round(time.monotonic() - began, 3),
        }
    )
    if isinstance(found, str):
        return Outcome(None, found)
    about = extra(task, "theorem", {"leaves": leaves, "star": 0, "face": 0})
    if found is None:
        return Outcome(linear_certified(task.system, task.delay, **about))
    numbers = found.invariant
    return Outcome(
        feedback_certified(
            task.system,
            task.delay,
            rho=numbers.rho,
            box=found.ends,
            rise=numbers.rise,
            back=numbers.back,
            codes=found.codes,
            **about,
        )
    )


def _linear(task: Task) -> str | None:
    """Decide x' = -p x - m x(t - tau) exactly; return why not, or None."""
    found = linear_split(task.system.rhs[0]).coefficients
    state, delay = task.system.states[0], task.system.single_delay()
    p, m = (-found.get(v, Fraction(0)) for v in (Variable(state), Variable(state, delay)))
    if not (p >= 0 and m >= 0 and p + m > 0):
        return NO_FEEDBACK
    gain = swing(p, m, _decimal(task.delay.upper))
    if gain < 1:
        return None
    return f"a swing may be {float(gain):.6g} times as large as the one before (3/2 theorem)"


def _nonlinear(task: Task) -> str | Found:
    """Propose intervals that no solution leaves, and prove the best that can be proved; else return why not."""
    any_proposed, system = False, task.system
    for slack in SLACKS:
        for proposal in reversed(list(proposals(system, task.delay.upper, slack))):
            any_proposed = True
            for candidate, ends in _rounded(system, proposal, task.delay.upper):
                if task.late():
                    return LATE
                codes = cover(system, candidate, _deviations(system, ends))
                if codes is not None:
                    return Found(candidate, ends, codes)
    return NO_BOUNDS if any_proposed else NO_INTERVAL


def _decimal(value: float) -> Fraction:
    """Return the number that a file says: the shortest decimal."""
    return Fraction(repr(float(value)))


def _deviations(system: DelaySystem, ends: tuple[float, float]) -> tuple[Fraction, Fraction]:
    """Return P and N of an interval in the user's coordinates."""
    rest = system.equilibrium[0]
    return _decimal(ends[1]) - rest, rest - _decimal(ends[0])


def _rounded(
    system: DelaySystem, proposal: Invariant, upper: float
) -> Iterator[tuple[Invariant, tuple[float, float]]]:
    """Yield the proposal with few digits, as far as it still holds, and its interval in the user's coordinates."""
    rest, h = float(system.equilibrium[0]), _decimal(upper)
    for digits in DIGITS:
        inner = Context(prec=digits, rounding=ROUND_DOWN)
        outer = Context(prec=digits + 1, rounding=ROUND_UP)
        p, n = (_short(v, inner) for v in proposal.box)
        ends = _clipped(system, rest - n, rest + p)
        rise, back = (
            tuple(_short(v, outer) for v in pair) for pair in (proposal.rise, proposal.back)
        )
        box = _deviations(system, ends)
        sizes = [float(v) for v in box]
        most = float(largest(sizes, rise, back, upper))
        rho = _short(most * (1 - 1e-9), inner) if most > 0 else 0.0
        exact = [tuple(map(_decimal, pair)) for pair in (rise, back)]
        worth = rho >= WORTH * proposal.rho or digits == DIGITS[-1]
        inside = all(v > 0 for v in box) and _inside(system, box)
        if rho > 0 and worth and inside and stays(_decimal(rho), box, *exact, h):
            yield replace(proposal, rho=rho, rise=rise, back=back), ends


def _short(value: float, context: Context) -> float:
    return float(context.create_decimal(repr(value)))


def _clipped(system: DelaySystem, low: float, high: float) -> tuple[float, float]:
    """Return an interval cut off at the ends of the domain: rounding may have gone beyond."""
    [(lo, hi)], rest = system.domain or (), system.equilibrium[0]
    return max(low, float(lo + rest)), min(high, float(hi + rest))


def _inside(system: DelaySystem, box: tuple[Fraction, Fraction]) -> bool:
    """Tell whether [-N, P] lies in the domain."""
    [(low, high)] = system.domain or ()
    return -low >= box[1] and box[0] <= high
