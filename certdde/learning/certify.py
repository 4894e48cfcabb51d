"""``certify``: from a problem to a checked certificate."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.certificates.certificate import Certificate, not_certified
from certdde.delays.classes import DelayClass
from certdde.learning.cegis import Progress
from certdde.learning.methods import attempt, plan
from certdde.learning.outcome import extra
from certdde.learning.task import Options, Task, make_task
from certdde.learning.threads import torch_threads
from certdde.systems.delay_system import DelaySystem
from certdde.verify.spectral import spectral_abscissa

if TYPE_CHECKING:
    from certdde.systems.problem import Problem


def certify(
    problem: Problem | DelaySystem,
    delay: DelayClass | None = None,
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
            unstable = task.timed("spectrum", lambda: _unstable_delay(task.system, task.delay))
            if unstable is not None:
                return _refuted(task, *unstable)
        outcome = attempt(task, method)
        if outcome.certificate is not None:
            certificate = _checked(task, outcome.certificate)
            if certificate.rigor == "rigorous" or k == len(methods) - 1:
                return certificate
    unstable = task.timed("spectrum", lambda: _unstable_delay(task.system, task.delay))
    if unstable is not None:
        return _refuted(task, *unstable)
    return _unknown(task)


def _unknown(task: Task) -> Certificate:
    """Say what each method said."""
    several = len(task.said) > 1
    whys = [f"{s['method']}: {s['said']}" if several else s["said"] for s in task.said]
    claim = f"Not certified: {'; '.join(whys)}."
    return not_certified("unknown", claim, task.system, task.delay, **extra(task, task.method))


def _unstable_delay(system: DelaySystem, delay: DelayClass) -> tuple[float, float] | None:
    """Return a delay of the range at which the linearisation has a root with positive real part, and that part."""
    present, delayed = (m.numpy() for m in system.jacobians())
    for k in range(33):
        tau = delay.upper - (delay.upper - delay.lower) * k / 32
        abscissa = spectral_abscissa(present, delayed, tau)
        if abscissa > 1e-6:
            return tau, abscissa
    return None


def _refuted(task: Task, tau: float, abscissa: float) -> Certificate:
    claim = (
        f"Refuted: at the delay {tau:.6g} the linearisation at the equilibrium has"
        f" a characteristic root with real part {abscissa:.4g} > 0."
    )
    found = {"delay": tau, "abscissa": abscissa, "kind": "unstable linearisation"}
    return not_certified(
        "refuted", claim, task.system, task.delay, counterexample=found, **extra(task, task.method)
    )


def _checked(task: Task, certificate: Certificate) -> Certificate:
    """Write the file, have it checked, and say ``rigorous`` only if the checker accepts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.certdde"
        claimed = Certificate({**certificate.data, "rigor": "rigorous"}, certificate.entries).save(
            path
        )
        if task.progress:
            task.progress(
                "check", {"boxes": certificate.data["statistics"]["boxes"].get("leaves", 0)}
            )
        began = time.monotonic()
        result = claimed.check()
        seconds = {
            **certificate.data["statistics"]["seconds"],
            "check": round(time.monotonic() - began, 3),
        }
    statistics: Mapping[str, Any] = {**certificate.data["statistics"], "seconds": seconds}
    if result.valid:
        return Certificate({**claimed.data, "statistics": statistics}, certificate.entries)
    statistics = {**statistics, "check": {"reason": result.reason, "where": result.where}}
    return Certificate({**certificate.data, "statistics": statistics}, certificate.entries)
