"""``certify``: from a problem to a checked certificate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.certificates.certificate import Certificate, not_certified
from certdde.delays.classes import AnyDelay, DelayClass, Several
from certdde.learning.cegis import Progress
from certdde.learning.methods import attempt, plan
from certdde.learning.outcome import checked, extra
from certdde.learning.schemes import refutation
from certdde.learning.several import unstable_delays
from certdde.learning.task import Options, Task, make_task
from certdde.learning.threads import torch_threads
from certdde.systems.delay_system import DelaySystem
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
    ``rigorous`` rests on the checker alone. ``refuted`` rests on a float64 spectrum.

    References
    ----------
    docs/math.md, sections 2 to 5.
    """
    options = Options(method, order, seed, budget, engine, steps)
    with torch_threads(threads):
        task = make_task(problem, delay, options, workdir, progress)
        return _certify(task)


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
    return not_certified("unknown", claim, task.system, task.delay, **extra(task, task.method))


def _refutation(task: Task) -> Certificate | None:
    """Return the record of an unstable linearisation, if one is found."""
    if task.system.time == "discrete":
        return refutation(task)
    if isinstance(task.delay, Several):
        found = unstable_delays(task.system, task.delay)
        return found and _refuted(
            task, dict(zip(task.delay.names, found[0], strict=True)), found[1]
        )
    unstable = _unstable_delay(task.system, task.delay)
    return unstable and _refuted(task, {task.delay.name: unstable[0]}, unstable[1])


def _unstable_delay(system: DelaySystem, delay: DelayClass) -> tuple[float, float] | None:
    """Return a delay of the range at which the linearisation has a root with positive real part, and that part."""
    present, matrices = system.linearisation()
    for k in range(33):
        tau = delay.upper - (delay.upper - delay.lower) * k / 32
        lags = [(multiple * tau, m.numpy()) for (_, multiple), m in matrices]
        abscissa = several_abscissa(present.numpy(), lags)
        if abscissa > 1e-6:
            return tau, abscissa
    return None


def _refuted(task: Task, delays: Mapping[str, float], abscissa: float) -> Certificate:
    one = len(delays) == 1
    shown = ", ".join(
        f"{tau:.6g}" if one else f"{name} = {tau:.6g}" for name, tau in delays.items()
    )
    claim = (
        f"Refuted: at the delay{'' if one else 's'} {shown} the linearisation at the equilibrium has"
        f" a characteristic root with real part {abscissa:.4g} > 0."
    )
    where = {"delay": next(iter(delays.values()))} if one else {"delays": dict(delays)}
    found = {**where, "abscissa": abscissa, "kind": "unstable linearisation"}
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
