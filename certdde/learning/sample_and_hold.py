"""Sample and hold: certificates of kind ``sampled`` for linear systems, refutations by repeated steps."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from fractions import Fraction
from math import inf, nextafter
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from certdde.certificates.certificate import Certificate, not_certified
from certdde.certificates.sampled import sampled_certified
from certdde.delays.classes import Sampled
from certdde.learning.domain_box import Box
from certdde.learning.evidence import DECAYS, constant_history, ending, record
from certdde.learning.falsify import DOUBT, ENOUGH, FAR, SMALL
from certdde.learning.outcome import Outcome, extra
from certdde.learning.simulation import rate
from certdde.learning.task import Task
from certdde.systems.delay_system import DelaySystem
from certdde.systems.members import members
from certdde.verify.sampled_data.growth import Growth, fastest_growth
from certdde.verify.sampled_data.held import HeldSystem
from certdde.verify.sampled_data.search import SampledAnswer, search

SHORT = 0.1  # a step of the integration times the slopes of f
MOST = 400  # sampling steps of a solution
FEWEST = 4  # steps of the integration between two instants


def held_system(system: DelaySystem) -> HeldSystem:
    """Return the linearisation under sample and hold."""
    present, held = system.jacobians()
    return HeldSystem(present.numpy(), held.numpy())


def covering_ends(lower: float, upper: float) -> tuple[float, float]:
    """Return the closest binary64 numbers a < b that hold [lower, upper], read as decimals, between them."""
    first, last = float(lower), float(upper)
    if Fraction(first) > Fraction(repr(first)):
        first = nextafter(first, 0.0)
    if Fraction(last) < Fraction(repr(last)):
        last = nextafter(last, inf)
    return (first, last) if first < last else (nextafter(first, 0.0), nextafter(last, inf))


def sampled_answer(system: DelaySystem, delay: Sampled, **options: Any) -> SampledAnswer:
    """Look for a quadratic function of a linear system; ``options`` as in ``verify.sampled_data.search``."""
    return search(held_system(system), *covering_ends(delay.lower, delay.upper), **options)


def by_sampled(task: Task) -> Outcome:
    """Look for a certificate of kind ``sampled``."""
    delay, progress, began = task.delay, task.progress, time.monotonic()
    if not isinstance(delay, Sampled):
        return Outcome(None, "takes sample and hold")

    def told(info: dict[str, Any]) -> None:
        if progress:
            progress("lmi", info)

    deadline = task.settings.deadline
    answer: SampledAnswer = task.timed(
        "lmi", lambda: sampled_answer(task.system, delay, deadline=deadline, progress=told)
    )
    pieces = max(len(answer.breaks) - 1, 0)
    task.baselines.append(
        {
            "method": "lmi",
            "order": 0,
            "status": "not proved" if answer.P is None else "proved",
            "boxes": pieces,
            "area": None,
            "seconds": round(time.monotonic() - began, 3),
        }
    )
    if answer.P is None:
        return Outcome(None, answer.why)
    about = extra(task, "lmi", {"leaves": pieces, "star": 0, "face": 0})
    return Outcome(sampled_certified(task.system, delay, answer.P, answer.breaks, **about))


def sampled_refutation(task: Task, delay: Sampled) -> Certificate | None:
    """Return the record of steps, repeated for ever, under which the linearisation grows (float64)."""
    for values, system in members(task.system):
        found = fastest_growth(held_system(system), delay.lower, delay.upper)
        if found.grows:
            return _refuted(task, delay, system, values, found)
    return None


def _refuted(
    task: Task, delay: Sampled, system: DelaySystem, values: Any, found: Growth
) -> Certificate | None:
    word = list(found.word)
    steps = ", ".join(f"{step:.6g}" for step in word)
    which = f"the step {steps}" if len(word) == 1 else f"the steps {steps}, repeated,"
    which += "".join(f" and {name} = {value:.6g}" for name, value in values.items())
    claim = (
        f"Refuted: under sample and hold with {which} the linearisation at the equilibrium grows by a factor of"
        f" {found.radius:.6g} > 1 each time."
    )
    counterexample: dict[str, Any] = {
        "delay": word[-1],
        "word": word,
        "radius": found.radius,
        "kind": "unstable linearisation",
    }
    if values:
        counterexample["parameters"] = dict(values)
    solution, doubtful = small_held_solution(system, delay.name, found)
    if doubtful:
        return None
    if solution["kind"] != DECAYS:
        counterexample["trajectory"] = solution
        claim += f" A simulated solution from a small deviation {solution['outcome']}."
    about = extra(task, task.method)
    return not_certified(
        "refuted", claim, task.system, delay, counterexample=counterexample, **about
    )


def small_held_solution(
    system: DelaySystem, name: str, found: Growth
) -> tuple[dict[str, Any], bool]:
    """Return the record of a solution from a small deviation, and whether it contradicts the growth."""
    box = Box.of(system.domain, system.dimension)
    values, vectors = np.linalg.eig(held_system(system).product(found.word))
    mode = vectors[:, np.abs(values).argmax()]
    mode = (mode / mode[np.abs(mode).argmax()]).real
    turns = min(max(ENOUGH / math.log(found.radius), 10.0), MOST / len(found.word))
    start = torch.tensor([constant_history(mode.tolist(), SMALL, box)], dtype=torch.float64)
    bound = FAR * float(torch.maximum(-box.low, box.high).max())
    times, states = held_solutions(system, start, list(found.word) * int(turns), bound=bound)
    end = ending(times, states[:, 0], box)
    doubtful = end.kind == DECAYS and int(turns) * math.log(found.radius) > DOUBT
    return record(system, {name: list(found.word)}, times, states[:, 0], end), doubtful


def inner_steps(system: DelaySystem, step: float) -> int:
    """Return how many steps of the integration there are between two sampling instants."""
    return max(FEWEST, math.ceil(step * rate(system) / SHORT))


def held_solutions(
    system: DelaySystem,
    start: Float[Tensor, "batch n"],
    steps: Sequence[float] | Float[Tensor, "steps batch"],
    *,
    bound: float = inf,
) -> tuple[Float[Tensor, " times *batch"], Float[Tensor, "times batch n"]]:
    """Integrate x' = f(x, x(t_k)) by rk4, x(t_k) held from one sampling instant to the next.

    Parameters
    ----------
    system : DelaySystem
        One delay, which is that of sample and hold.
    start : (B, n) Tensor
        At the first instant, in deviations.
    steps : sequence of float, or (K, B) Tensor
        The sampling steps in turn, the same for all or one for each.
    bound : float
        A solution beyond it is given up.

    Returns
    -------
    times, states
        (T,) or (T, B), and (T, B, n); NaN after a solution was given up.
    """
    function, table = system.deviation_function(), torch.as_tensor(steps, dtype=torch.float64)
    inner = inner_steps(system, float(table.max()))
    x, t = start, torch.zeros(table.shape[1:], dtype=torch.float64)
    times, states = [t], [x]
    with torch.no_grad():
        for step in table:
            held, h = x, step / inner
            for _ in range(inner):
                x = _rk4(function, x, held, h[..., None] if h.ndim else h)
                x = torch.where((x.abs() > bound).any(-1, keepdim=True), torch.nan, x)
                t = t + h
                times.append(t)
                states.append(x)
    return torch.stack(times), torch.stack(states)


def _rk4(function: Any, x: Tensor, held: Tensor, h: Tensor) -> Tensor:
    a = function(x, held)
    b = function(x + h / 2 * a, held)
    c = function(x + h / 2 * b, held)
    d = function(x + h * c, held)
    return x + h / 6 * (a + 2 * b + 2 * c + d)
