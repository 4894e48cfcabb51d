"""``certify``: from a problem to a checked certificate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.certificates.certificate import Certificate, not_certified
from certdde.delays.classes import AnyDelay, DelayClass, Sampled, Several
from certdde.delays.random import Random
from certdde.errors import CertddeError
from certdde.learning.cegis import Progress
from certdde.learning.evidence import DECAYS
from certdde.learning.falsify import UNSTABLE, escape, small_solution
from certdde.learning.methods import attempt, plan
from certdde.learning.outcome import checked, extra
from certdde.learning.random_search import certify_random
from certdde.learning.resampled import grown_moment
from certdde.learning.sample_and_hold import sampled_refutation
from certdde.learning.schemes import refutation
from certdde.learning.several import unstable_delays
from certdde.learning.task import Options, Task, make_task
from certdde.learning.threads import torch_threads
from certdde.systems.delay_system import DelaySystem
from certdde.systems.members import members
from certdde.verify.spectral import several_abscissa

if TYPE_CHECKING:
    from certdde.systems.problem import Problem


def certify(
    problem: Problem | DelaySystem,
    delay: AnyDelay | None = None,
    *,
    method: str = "auto",
    order: int | None = None,
    seed: int | None = None,
    budget: float | None = None,
    engine: str | None = None,
    steps: int | None = None,
    threads: int = 1,
    workdir: Path | None = None,
    progress: Progress | None = None,
) -> Certificate:
    """Look for a certificate of asymptotic stability for every delay of a class, and check it.

    Parameters
    ----------
    problem : Problem or DelaySystem
        A problem brings its delay and settings; arguments that are given override them.
    delay : Constant, optional
        Needed with a DelaySystem.
    method : str
        A method of :mod:`certdde.learning.methods`, or ``auto``: those that apply, cheapest first.
    order : int, optional
        Number of Legendre moments, default 1.
    seed : int, optional
        Default 0.
    budget : float, optional
        Seconds, default 600.
    engine : str, optional
        Bounds by ``intervals`` (default) or ``lirpa``.
    steps : int, optional
        Training steps of the first round, default 2,500.
    threads : int
        Threads of torch.
    workdir : Path, optional
        Where checkpoints of training are kept, and found again.
    progress : callable, optional
        ``progress(phase, info)``.

    Returns
    -------
    Certificate
        ``certified`` with ``rigor`` ``rigorous`` if the independent checker accepted it; else
        ``unknown`` or ``refuted``.

    Raises
    ------
    ProblemError
        If the problem cannot be used.

    Soundness
    ---------
    ``rigorous`` rests on the checker alone. ``refuted`` rests on a float64 spectrum, and on a simulated solution
    that does not contradict it. A solution that leaves the domain, in the record of an ``unknown`` outcome, says that
    no certificate can have all of the domain as its region; it refutes nothing.

    References
    ----------
    docs/math.md, sections 2 to 5.
    """
    options = Options(method, order, seed, budget, engine, steps)
    with torch_threads(threads):
        task = make_task(problem, delay, options, workdir, progress)
        return _random(task) if isinstance(task.delay, Random) else _certify(task)


def _random(task: Task) -> Certificate:
    found = certify_random(task, _certify)
    return _checked(task, found) if found.status == "certified" else found


def _certify(task: Task) -> Certificate:
    methods, unstable = plan(task), None
    for k, method in enumerate(methods):
        if method.name != "spectral" and unstable is None:
            unstable = task.timed("spectrum", lambda: _refutation(task))
            if unstable is not None:
                return unstable
        outcome = attempt(task, method)
        if outcome.certificate is not None:
            certificate = _checked(task, outcome.certificate)
            if certificate.rigor == "rigorous" or k == len(methods) - 1:
                return certificate
    return task.timed("spectrum", lambda: _refutation(task)) or _unknown(task)


def _unknown(task: Task) -> Certificate:
    """Say what each method said."""
    several = len(task.said) > 1
    whys = [f"{s['method']}: {s['said']}" if several else s["said"] for s in task.said]
    claim = f"Not certified: {'; '.join(whys)}."
    held = isinstance(task.asked, Sampled)  # no constant delay belongs to it
    found = None if held or task.late() else task.timed("simulation", lambda: _escape(task))
    about = extra(task, task.method)
    if found is not None:
        about["statistics"]["escape"] = found
    return not_certified("unknown", claim, task.system, task.asked, **about)


def _escape(task: Task) -> dict[str, Any] | None:
    """Return a solution from the domain that leaves it or does not converge: information, no refutation."""
    if task.delay.kind == "resampled":  # a region holds with a probability: no solution denies it
        return None
    each = task.delay.delays if isinstance(task.delay, Several) else (task.delay,)
    shares = (1.0, 0.5, 0.0)
    tried = [{one.name: one.lower + s * (one.upper - one.lower) for one in each} for s in shares]
    if task.system.time == "discrete":
        tried = [{name: float(round(value)) for name, value in one.items()} for one in tried]
    different = [one for k, one in enumerate(tried) if one not in tried[:k]]
    return escape(task.system, different, seed=task.settings.seed, deadline=task.settings.deadline)


def _refutation(task: Task) -> Certificate | None:
    """Return the record of an unstable linearisation, if one is found."""
    if task.system.time == "discrete":
        return grown_moment(task) if task.delay.kind == "resampled" else refutation(task)
    if isinstance(task.asked, Sampled):
        return sampled_refutation(task, task.asked)
    if isinstance(task.delay, Several):
        found = unstable_delays(task.system, task.delay)
        return found and _refuted(
            task, dict(zip(task.delay.names, found[0], strict=True)), found[1]
        )
    for values, system in members(task.system):
        unstable = _unstable_delay(system, task.delay)
        if unstable is not None:
            return _refuted(task, {task.delay.name: unstable[0]}, unstable[1], system, values)
    return None


def _unstable_delay(system: DelaySystem, delay: DelayClass) -> tuple[float, float] | None:
    """Return the sampled delay at which the linearisation is least stable, and its abscissa, if that is positive."""
    present, matrices = system.linearisation()
    found: list[tuple[float, float]] = []
    for k in range(33):
        tau = delay.upper - (delay.upper - delay.lower) * k / 32
        lags = [(multiple * tau, m.numpy()) for (_, multiple), m in matrices]
        found.append((several_abscissa(present.numpy(), lags), tau))
    abscissa, tau = max(found)
    return (tau, abscissa) if abscissa > UNSTABLE else None


def _refuted(
    task: Task,
    delays: Mapping[str, float],
    abscissa: float,
    member: DelaySystem | None = None,
    values: Mapping[str, float] | None = None,
) -> Certificate | None:
    """Return the record of a refutation with a solution that shows it; None if the solution shows the opposite.

    ``member`` is the system for ``values`` of the parameters that are known in intervals.
    """
    try:
        solution, doubtful = small_solution(member or task.system, delays, abscissa)
    except (
        CertddeError,
        ArithmeticError,
        RuntimeError,
    ):  # it cannot be simulated: the spectrum stands alone
        solution, doubtful = None, False
    if doubtful:
        return None
    one = len(delays) == 1
    shown = ", ".join(
        f"{tau:.6g}" if one else f"{name} = {tau:.6g}" for name, tau in delays.items()
    )
    shown += "".join(f" and {name} = {value:.6g}" for name, value in (values or {}).items())
    claim = (
        f"Refuted: at the delay{'' if one else 's'} {shown} the linearisation at the equilibrium has"
        f" a characteristic root with real part {abscissa:.4g} > 0."
    )
    where = {"delay": next(iter(delays.values()))} if one else {"delays": dict(delays)}
    found = {**where, "abscissa": abscissa, "kind": "unstable linearisation"}
    if values:
        found["parameters"] = dict(values)
    if solution is not None and solution["kind"] != DECAYS:
        found["trajectory"] = solution
        claim += f" A simulated solution from a small constant history {solution['outcome']}."
    return not_certified(
        "refuted", claim, task.system, task.delay, counterexample=found, **extra(task, task.method)
    )


def _checked(task: Task, certificate: Certificate) -> Certificate:
    """Have it checked, and say ``rigorous`` only if the checker accepts."""
    statistics: dict[str, Any] = certificate.data["statistics"]
    if task.progress:
        task.progress("check", {"boxes": statistics["boxes"].get("leaves", 0)})
    began = time.monotonic()
    found, result = checked(certificate)
    seconds = {**statistics["seconds"], "check": round(time.monotonic() - began, 3)}
    statistics = {**statistics, "seconds": seconds}
    if not result.valid:
        statistics["check"] = {"reason": result.reason, "where": result.where}
    return Certificate({**found.data, "statistics": statistics}, found.entries)
