"""Schemes x[t+1] = g(x[t], x[t-tau]): certificates of kind ``scheme``, and refutations by repeated delays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import ROUND_DOWN, Context
from fractions import Fraction
from functools import partial

import numpy as np

from certdde.certificates.certificate import Certificate, not_certified
from certdde.certificates.scheme import lifted_certified, peaks_certified
from certdde.learning.evidence import DECAYS
from certdde.learning.falsify import small_iterates
from certdde.learning.outcome import Outcome, extra
from certdde.learning.task import Task
from certdde.systems.delay_system import DelaySystem
from certdde.systems.structure import structure
from certdde.verify.schemes.constant import search_constant
from certdde.verify.schemes.graphs import longest_run, recent_longest, single
from certdde.verify.schemes.lifted import LiftedScheme
from certdde.verify.schemes.path_complete import NodeForms, search
from certdde.verify.schemes.peaks import ball, contracts
from certdde.verify.schemes.reduced import search_reduced
from certdde.verify.schemes.region import level_and_radius
from certdde.verify.schemes.slopes import enclosed, slope_bounds
from certdde.verify.schemes.words import constant_growth, varying_growth

MOST_SIZE, MOST_DELAY = 256, 400  # what the checker takes
FULL_SIZE = 24  # of a lifted state without a reduction
REDUCED_FROM = 8
ORDERS = (1, 2, 3)
MEMORIES = (1, 2, 3, 4, 5, 6, 7)
RUNS = (4, 9)
MOST_UNKNOWNS = 3000

Search = Callable[[float], NodeForms | None]


def by_lifted(task: Task) -> Outcome:
    """Look for quadratic functions of the lifted state (x[t], .., x[t-tau])."""
    lower, upper = int(task.delay.lower), int(task.delay.upper)
    size = task.system.dimension * (upper + 1)
    if size > MOST_SIZE or upper > MOST_DELAY:
        return Outcome(None, f"the lifted state has {size} entries, more than {MOST_SIZE}")
    scheme = task.timed("slopes", lambda: enclosed(task.system))
    if scheme is None:
        return Outcome(None, "the slopes of g on the domain are not bounded, or too many vary")
    if task.delay.kind == "constant":
        return _constant(task, scheme, lower, upper)
    return _varying(task, scheme, lower, upper)


def _constant(task: Task, scheme: LiftedScheme, lower: int, upper: int) -> Outcome:
    radii, began = face_distances(task.system), time.monotonic()
    found: list[NodeForms] = []
    for delay in range(lower, upper + 1):
        left = max(task.settings.deadline - time.monotonic(), 0.0)
        run = partial(search_constant, scheme, delay, seconds=left, radii=radii)
        one = task.timed("lmi", run)
        if one is None or not one.found:
            _note(task, "one node a delay", began, proved=False)
            return Outcome(None, f"no quadratic function was found at the delay {delay}")
        found.append(one)
    _note(task, "one node a delay", began, proved=True)
    arrays = {f"P{one.delays[0]}": one.forms[0] for one in found}
    pairs = [level_and_radius(one, radii) for one in found] if radii else []
    region = ([c for c, _ in pairs], min(r for _, r in pairs)) if pairs else None
    return _lifted(task, arrays, region, len(found))


def _varying(task: Task, scheme: LiftedScheme, lower: int, upper: int) -> Outcome:
    radii = face_distances(task.system)
    for name, run in _searches(scheme, lower, upper, radii):
        found = _tried(task, name, run)
        if found is not None:
            arrays = {"P": found.forms, "step": found.steps}
            region = None
            if radii:
                level, radius = level_and_radius(found, radii)
                region = [level], radius
            return _lifted(task, arrays, region, found.steps.size)
        if task.late():
            return Outcome(None, "the budget was spent before a quadratic function was found")
    return Outcome(None, "no quadratic functions of the lifted state were found")


def _searches(
    scheme: LiftedScheme, lower: int, upper: int, radii: tuple[float, ...]
) -> Iterator[tuple[str, Search]]:
    """Yield searches in about the order of their cost."""
    count, size = upper - lower + 1, scheme.dimension * (upper + 1)
    full = partial(search, scheme, lower, upper, radii=radii)
    if size <= FULL_SIZE:
        yield "one node", lambda seconds: full(single(count), seconds=seconds)
    if size >= REDUCED_FROM:
        for order in ORDERS:
            run = partial(search_reduced, scheme, lower, upper, order)
            yield f"reduced, order {order}", lambda seconds, run=run: run(seconds=seconds)
    for steps in sorted(_graphs(count), key=len):
        small = size <= FULL_SIZE and len(steps) * size * (size + 1) // 2 <= MOST_UNKNOWNS
        if count > 1 and small:
            yield f"{len(steps)} nodes", lambda seconds, steps=steps: full(steps, seconds=seconds)


def _graphs(count: int) -> list[np.ndarray]:
    runs = [longest_run(count, most) for most in RUNS]
    return [*(recent_longest(count, memory) for memory in MEMORIES), *runs]


def _tried(task: Task, name: str, run: Search) -> NodeForms | None:
    """Run a search and note it; None unless its inequalities hold in float64."""
    began = time.monotonic()
    found: NodeForms | None = task.timed(
        "lmi", lambda: run(max(task.settings.deadline - began, 0.0))
    )
    proved = found is not None and found.found
    _note(task, name, began, proved=proved)
    return found if proved else None


def _note(task: Task, name: str, began: float, *, proved: bool) -> None:
    task.baselines.append(
        {
            "method": f"lmi, {name}",
            "order": 0,
            "status": "proved" if proved else "not proved",
            "boxes": 0,
            "area": None,
            "seconds": round(time.monotonic() - began, 3),
        }
    )


def _lifted(
    task: Task, arrays: dict[str, np.ndarray], region: tuple[list[float], float] | None, edges: int
) -> Outcome:
    about = extra(task, "lmi", {"leaves": edges, "star": 0, "face": 0})
    nonlinear = nonlinear_names(task.system)
    certificate = lifted_certified(
        task.system, task.delay, arrays, nonlinear=nonlinear, region=region, **about
    )
    return Outcome(certificate)


def one_state(system: DelaySystem) -> str:
    """Say why the sharp condition does not apply to a scheme; "" if it may."""
    return "takes a scheme with one state only" if system.dimension > 1 else ""


def by_peaks(task: Task) -> Outcome:
    """Decide x[t+1] = x[t] - s x[t-tau], s between two positive numbers, by the sharp condition on its peaks."""
    low, high = slope_bounds(task.system)
    if task.system.dimension > 1 or not (low[0, 0] == high[0, 0] == 1 and high[0, 1] < 0):
        return Outcome(
            None, "the scheme is not x[t+1] = x[t] - h(x[t-tau]) with slopes of h above 0"
        )
    k = int(task.delay.upper)
    if k > MOST_DELAY:
        return Outcome(None, f"the delay is longer than {MOST_DELAY} steps")
    q = _feedback(task.system, float(low[0, 1]))
    if not contracts(q, k):
        return Outcome(None, f"the gain {float(q):.6g} is too large for delays up to {k} steps")
    radius = None
    if structure(task.system).nonlinear:
        [(lower, upper)] = task.system.domain or ()
        found = ball(q, k, min(-lower, upper))
        radius = 0.0 if found is None else _short(float(found) * (1 - 1e-9))
        if not radius > 0:
            return Outcome(None, "no radius of histories was found that stay in the domain")
    about = extra(task, "theorem", {"leaves": 0, "star": 0, "face": 0})
    nonlinear = nonlinear_names(task.system)
    return Outcome(
        peaks_certified(task.system, task.delay, nonlinear=nonlinear, radius=radius, **about)
    )


def _feedback(system: DelaySystem, lowest: float) -> Fraction:
    """Return the largest gain: exact for a linear scheme, else what the slopes give."""
    if structure(system).nonlinear:
        return Fraction(-lowest)
    from certdde.systems.exact_values import linear_split
    from certdde.systems.expressions import Variable

    past = Variable(system.states[0], system.delay())
    return -linear_split(system.rhs[0]).coefficients[past]


def _short(value: float) -> float:
    return float(Context(prec=6, rounding=ROUND_DOWN).create_decimal(repr(value)))


def refutation(task: Task) -> Certificate | None:
    """Return the record of delays, repeated for ever, under which the linearisation grows (float64)."""
    scheme = LiftedScheme.linearised(task.system)
    varying = task.delay.kind == "measurable"
    look = varying_growth if varying else constant_growth
    found = look(scheme, int(task.delay.lower), int(task.delay.upper))
    if found is None:
        return None
    word = list(found.word)
    delays = f"at the delay {word[0]}" if len(word) == 1 else f"under the delays {word}, repeated,"
    claim = (
        f"Refuted: {delays} the linearisation at the equilibrium grows by a factor of"
        f" {found.radius:.6g} > 1 a step in the long run."
    )
    counterexample = {
        "delay": word[-1],
        "word": word,
        "radius": found.radius,
        "kind": "unstable linearisation",
    }
    solution, doubtful = small_iterates(task.system, task.delay.name, word, found.radius)
    if doubtful:
        return None
    if solution["kind"] != DECAYS:
        counterexample["trajectory"] = solution
        claim += f" A simulated solution from a small constant history {solution['outcome']}."
    about = extra(task, task.method)
    return not_certified(
        "refuted", claim, task.system, task.delay, counterexample=counterexample, **about
    )


def face_distances(system: DelaySystem) -> tuple[float, ...]:
    """Return the distances from the equilibrium to the faces of the domain; none for a linear scheme."""
    if system.domain is None or not structure(system).nonlinear:
        return ()
    return tuple(float(min(-low, high)) for low, high in system.domain)


def nonlinear_names(system: DelaySystem) -> dict[str, list[str]]:
    """Return the entry ``proof.nonlinear`` of a certificate."""
    found = structure(system).nonlinear
    return {
        "states": [v.name for v in found if v.delay is None],
        "delayed": [v.name for v in found if v.delay is not None],
    }
