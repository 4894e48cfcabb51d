"""``certify``: from a problem to a checked certificate."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.certificates.certificate import Certificate, certified, not_certified
from certdde.certificates.part import Part
from certdde.certificates.spectral import spectral_certified
from certdde.delays.classes import DelayClass
from certdde.inequalities.features import Features
from certdde.learning.area import region_area
from certdde.learning.cegis import Progress
from certdde.learning.find import find_parts
from certdde.learning.spectral import SpectralProof, find_spectral
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
        ``spectral`` (linear systems), ``lmi``, ``quadratic`` (cutting planes), ``neural``, or ``auto``:
        ``spectral`` and then ``lmi`` for a linear system, else ``neural``.
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
    spectral, why = find_spectral(task) if task.method in ("auto", "spectral") else (None, "")
    if spectral is not None:
        return _spectral(task, spectral)
    unstable = task.timed("spectrum", lambda: _unstable_delay(task.system, task.delay))
    if unstable is not None:
        return _refuted(task, *unstable)
    task.method = "lmi" if task.method == "auto" else task.method
    parts, why = find_parts(task) if task.method != "spectral" else ([], why)
    if not parts:
        claim = f"Not certified: {why}."
        return not_certified("unknown", claim, task.system, task.delay, **_extra(task, []))
    area = task.timed("area", lambda: region_area(task.system, task.delay, parts))
    nonlinear = _nonlinear(task.system, parts)
    certificate = certified(
        task.system, task.delay, parts, nonlinear=nonlinear, area=area, **_extra(task, parts)
    )
    return _checked(task, certificate)


def _spectral(task: Task, proof: SpectralProof) -> Certificate:
    """Write a spectral proof down and have it checked."""
    task.method, crossing = "spectral", proof.crossing
    certificate = spectral_certified(
        task.system,
        task.delay,
        proof.anchor,
        (crossing.lower, crossing.upper),
        crossing.codes,
        **_extra(task, [proof.anchor]),
    )
    return _checked(task, certificate)


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
        "refuted", claim, task.system, task.delay, counterexample=found, **_extra(task, [])
    )


def _nonlinear(system: DelaySystem, parts: Sequence[Part]) -> dict[str, list[str]]:
    """Return ``proof.nonlinear``; all parts have the same networks' inputs."""
    variables = Features.of(system, parts[0].functional).structure.nonlinear
    return {
        "states": [v.name for v in variables if v.delay is None],
        "delayed": [v.name for v in variables if v.delay is not None],
    }


def _extra(task: Task, parts: Sequence[Part]) -> dict[str, Any]:
    counts = [dict(part.boxes) for part in parts]
    boxes = (
        {key: sum(c[key] for c in counts) for key in ("leaves", "star", "face")} if counts else {}
    )
    statistics = {
        "boxes": boxes,
        "seconds": {
            **{k: round(v, 3) for k, v in task.seconds.items()},
            "total": round(time.monotonic() - task.started, 3),
        },
        "baselines": task.baselines,
        "cegis": task.log,
    }
    kind = (
        "neural"
        if any(part.functional.kind == "neural" for part in parts)
        else task.method
        if task.method != "neural"
        else "quadratic"
    )
    return {
        "engine": kind if parts else task.method,
        "statistics": statistics,
        "seed": task.settings.seed,
    }


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
