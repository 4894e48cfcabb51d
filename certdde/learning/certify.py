"""``certify``: from a problem to a checked certificate."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.certificates.certificate import Certificate, certified, not_certified
from certdde.certificates.part import Part
from certdde.delays.classes import Constant
from certdde.errors import ProblemError
from certdde.inequalities.features import Features
from certdde.learning.area import region_area
from certdde.learning.cegis import CegisSettings, Progress, search
from certdde.learning.finish import Finished, where_it_failed
from certdde.learning.proposals import attempt
from certdde.systems.delay_system import DelaySystem
from certdde.systems.structure import structure
from certdde.verify.bound_propagation.branch import Encloser, Settings
from certdde.verify.bound_propagation.engines import encloser
from certdde.verify.spectral import spectral_abscissa

if TYPE_CHECKING:
    from certdde.systems.problem import Problem

METHODS = ("auto", "lmi", "quadratic", "neural")
MAX_SPLITS = 6


@dataclass(slots=True)
class _Task:
    """What is asked, and what has been found out."""

    system: DelaySystem
    delay: Constant
    method: str
    settings: CegisSettings
    enclose: Encloser
    directory: Path | None
    progress: Progress | None
    started: float
    seconds: dict[str, float] = field(default_factory=dict)
    baselines: list[dict[str, Any]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)

    def timed(self, phase: str, call: Callable[[], Any]) -> Any:
        """Run a call and add its time to a phase."""
        began = time.monotonic()
        try:
            return call()
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - began

    def late(self) -> bool:
        """Tell whether the budget is spent."""
        return time.monotonic() > self.settings.deadline


def certify(
    problem: Problem | DelaySystem,
    delay: Constant | None = None,
    *,
    method: str = "auto",
    order: int | None = None,
    seed: int | None = None,
    budget: float | None = None,
    engine: str | None = None,
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
        ``lmi``, ``quadratic`` (cutting planes), ``neural``, or ``auto``: ``lmi`` for a linear system, else ``neural``.
    order : int, optional
        Number of Legendre moments, default 1.
    seed : int, optional
        Default 0.
    budget : float, optional
        Seconds, default 600.
    engine : str, optional
        Bounds by ``intervals`` (default) or ``lirpa``.
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
    task = _task(problem, delay, method, order, seed, budget, engine, workdir, progress)
    unstable = task.timed("spectrum", lambda: _unstable_delay(task.system, task.delay))
    if unstable is not None:
        return _refuted(task, *unstable)
    parts, why = _find(task)
    if not parts:
        return not_certified(
            "unknown", f"Not certified: {why}.", task.system, task.delay, **_extra(task, [])
        )
    area = task.timed("area", lambda: _area(task, parts))
    certificate = certified(
        task.system,
        task.delay,
        parts,
        nonlinear=_nonlinear(task.system, parts),
        area=area,
        **_extra(task, parts),
    )
    return _checked(task, certificate)


def _task(
    problem: Problem | DelaySystem,
    delay: Constant | None,
    method: str,
    order: int | None,
    seed: int | None,
    budget: float | None,
    engine: str | None,
    workdir: Path | None,
    progress: Progress | None,
) -> _Task:
    settings, chosen = CegisSettings(), "intervals"
    if isinstance(problem, DelaySystem):
        system = problem
        if delay is None:
            raise ProblemError(
                "no delay is given", where="delay", wanted='delay=Constant("tau", 0.0, 1.0)'
            )
    else:
        spec, system, delay = problem.certify, problem.build(), delay or problem.delay_class()
        method = spec.method if method == "auto" else method
        settings = replace(
            settings, order=spec.order, seed=spec.seed, hidden=(spec.neurons,), outputs=spec.outputs
        )
        budget, chosen = budget or spec.budget, spec.engine
    if method not in METHODS:
        raise ProblemError(
            f"the method {method!r} is not in this release",
            where="certify.method",
            wanted=f"one of {', '.join(METHODS)}",
        )
    if method == "auto":
        method = "neural" if structure(system).nonlinear else "lmi"
    if method in ("neural", "quadratic") and not structure(system).nonlinear:
        method = "lmi"
    started = time.monotonic()
    order = settings.order if order is None else order
    settings = replace(
        settings,
        order=order,
        seed=settings.seed if seed is None else seed,
        deadline=started + (budget or 600.0),
    )
    return _Task(
        system, delay, method, settings, encloser(engine or chosen), workdir, progress, started
    )


def _unstable_delay(system: DelaySystem, delay: Constant) -> tuple[float, float] | None:
    """Return a delay of the range at which the linearisation has a root with positive real part, and that part."""
    present, delayed = (m.numpy() for m in system.jacobians())
    for k in range(33):
        tau = delay.upper - (delay.upper - delay.lower) * k / 32
        abscissa = spectral_abscissa(present, delayed, tau)
        if abscissa > 1e-6:
            return tau, abscissa
    return None


def _refuted(task: _Task, tau: float, abscissa: float) -> Certificate:
    claim = (
        f"Refuted: at the delay {tau:.6g} the linearisation at the equilibrium has"
        f" a characteristic root with real part {abscissa:.4g} > 0."
    )
    found = {"delay": tau, "abscissa": abscissa, "kind": "unstable linearisation"}
    return not_certified(
        "refuted", claim, task.system, task.delay, counterexample=found, **_extra(task, [])
    )


def _find(task: _Task) -> tuple[list[Part], str]:
    """Return the parts of a proof by the method asked for, or none and why."""
    if task.method == "lmi":
        return _covered(task, "lmi")
    quadratic = [_baseline(task, method) for method in ("lmi", "quadratic")]
    if task.method == "quadratic":
        return ([quadratic[1]], "") if quadratic[1] else _covered(task, "quadratic")
    parts, why = _neural(task, task.delay.lower, task.delay.upper, MAX_SPLITS)
    return (parts, why) if parts or quadratic[1] is None else ([quadratic[1]], "")


def _baseline(task: _Task, method: str) -> Part | None:
    """Try one quadratic functional for the whole range, and note the outcome for the report."""
    began = time.monotonic()
    finished = _attempt(task, method, task.delay.lower, task.delay.upper)
    row: dict[str, Any] = {
        "method": method,
        "order": task.settings.order,
        "status": "proved" if finished.part else "not proved",
    }
    row |= {
        "boxes": finished.part.boxes["leaves"] if finished.part else 0,
        "area": None,
        "seconds": round(time.monotonic() - began, 3),
    }
    if finished.part:
        row["area"] = _share(task, [finished.part])
    task.baselines.append(row)
    return finished.part


def _attempt(task: _Task, method: str, lower: float, upper: float) -> Finished:
    settings = Settings(max_boxes=task.settings.max_boxes, deadline=task.settings.deadline)
    order, seed = task.settings.order, task.settings.seed
    return task.timed(
        "quadratic",
        lambda: attempt(
            method,
            task.system,
            lower,
            upper,
            order=order,
            seed=seed,
            settings=settings,
            enclose=task.enclose,
        ),
    )


def _covered(task: _Task, method: str) -> tuple[list[Part], str]:
    """Cover the range by parts with a quadratic functional each, halving a part that fails."""
    parts, open_ = [], [(task.delay.lower, task.delay.upper, 0)]
    while open_:
        lower, upper, depth = open_.pop()
        finished = _attempt(task, method, lower, upper)
        if finished.part is not None:
            parts.append(finished.part)
            continue
        if depth == MAX_SPLITS or task.late():
            names = [str(v) for v in structure(task.system).nonlinear]
            return (
                [],
                f"{where_it_failed(finished.answer, names)} (delays in [{lower:.6g}, {upper:.6g}])",
            )
        middle = (lower + upper) / 2
        open_ += [(middle, upper, depth + 1), (lower, middle, depth + 1)]
    return parts, ""


def _neural(task: _Task, lower: float, upper: float, splits: int) -> tuple[list[Part], str]:
    """Search for one neural functional over [lower, upper]; where that fails, for one on each half."""
    found = task.timed(
        "neural",
        lambda: search(
            task.system,
            lower,
            upper,
            task.settings,
            enclose=task.enclose,
            directory=task.directory,
            progress=task.progress,
        ),
    )
    if found is None:
        return [], f"no quadratic functional to start from (delays in [{lower:.6g}, {upper:.6g}])"
    task.log += [
        {
            "range": [lower, upper],
            "start": found.start,
            **{k: getattr(line, k) for k in line.__slots__},
        }
        for line in found.log
    ]
    if found.finished.part is not None:
        return [found.finished.part], ""
    names = [str(v) for v in structure(task.system, range(task.system.dimension)).nonlinear]
    why = f"{where_it_failed(found.finished.answer, names)} (delays in [{lower:.6g}, {upper:.6g}])"
    if splits <= 0 or task.late():
        return [], why
    middle = (lower + upper) / 2
    parts: list[Part] = []
    for low, high in ((middle, upper), (lower, middle)):
        half, why = _neural(task, low, high, 0)
        if not half:
            return [], why
        parts = half + parts
    return parts, ""


def _nonlinear(system: DelaySystem, parts: Sequence[Part]) -> dict[str, list[str]]:
    """Return ``proof.nonlinear``; all parts have the same networks' inputs."""
    variables = Features.of(system, parts[0].functional).structure.nonlinear
    return {
        "states": [v.name for v in variables if v.delay is None],
        "delayed": [v.name for v in variables if v.delay is not None],
    }


def _pieces(parts: Sequence[Part]) -> list[tuple[Any, Sequence[float], float]]:
    return [(part.functional, part.breaks, part.level or 0.0) for part in parts]


def _share(task: _Task, parts: Sequence[Part]) -> float | None:
    from certdde.learning.region import grid_points, inside

    if parts[0].level is None:
        return None
    points = grid_points(task.system, 400 if task.system.dimension == 1 else 100)
    return float(inside(_pieces(parts), points).double().mean())


def _area(task: _Task, parts: Sequence[Part]) -> dict[str, float] | None:
    if parts[0].level is None:
        return None
    return region_area(task.system, task.delay, _pieces(parts))


def _extra(task: _Task, parts: Sequence[Part]) -> dict[str, Any]:
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


def _checked(task: _Task, certificate: Certificate) -> Certificate:
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
