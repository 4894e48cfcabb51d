"""``synthesise``: from a plant with a late input to a controller and a checked certificate for the loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from certdde.certificates.certificate import Certificate, certified
from certdde.delays.classes import Constant
from certdde.learning.area import region_area
from certdde.learning.krasovskii import all_boxes, nonlinear_names
from certdde.learning.outcome import checked, extra
from certdde.learning.synthesis.run import Run
from certdde.learning.synthesis.stage import Closed, Progress
from certdde.learning.task import Task
from certdde.learning.threads import torch_threads
from certdde.systems.controller_problem import ControllerProblem
from certdde.systems.feedforward import Feedforward

UNSTABLE = "no gains were found for which the linearised loop is stable"
NOTHING = "no functional was proved for the controllers tried"
SMALL = f"{NOTHING} that has learn.region in its region"


@dataclass(frozen=True, slots=True)
class Synthesised:
    """What was found.

    Attributes
    ----------
    problem : ControllerProblem
    network : Feedforward or None
        The controller; None if nothing was proved.
    delay : Constant or None
        For which its loop is certified.
    certificate : Certificate or None
        ``rigorous`` if the checker has accepted it.
    share : float
        Of the domain's constant histories that are in the region (float64).
    log : list of dict
        One entry a proof: ``delay``, ``round`` (0: the start, not yet trained), ``functional``, ``share``, ..
    gains : array
        Of the start.
    abscissa : float
        Largest real part of the characteristic roots of the loop, at the last delay (float64).
    why : str
        Why there is none.
    seconds : float
    """

    problem: ControllerProblem
    network: Feedforward | None
    delay: Constant | None
    certificate: Certificate | None
    share: float
    log: list[dict[str, Any]]
    gains: np.ndarray
    abscissa: float
    why: str
    seconds: float


def synthesise(
    problem: ControllerProblem,
    *,
    workdir: Path | None = None,
    keep: Callable[[Closed], None] | None = None,
    progress: Progress | None = None,
) -> Synthesised:
    """Train a controller and a functional together until the loop has a certificate, and have it checked.

    Gains for the linearised loop with its delay come first, then a network that imitates them, then rounds: training
    of the network and a quadratic functional at sampled points, worst points and counterexamples of the last proof;
    a proof; and the best quadratic functional for the network as it is, by a convex program, from which the next round
    goes on. With ``objective = "region"`` the loop with the largest region is kept; with ``"delay"`` the delay grows as
    long as there is a proof whose region holds ``learn.region``.

    Parameters
    ----------
    problem : ControllerProblem
    workdir : Path, optional
        Where the state after each round is kept: an interrupted run goes on from there, to the same controller.
    keep : callable, optional
        Is given each loop that is better than all before, as soon as it is proved (in float64).
    progress : callable, optional
        ``progress(phase, info)``.

    Returns
    -------
    Synthesised

    Raises
    ------
    ProblemError
        If the problem cannot be used.

    Soundness
    ---------
    The certificate is about the network's exact weights, and rests on the checker alone.

    References
    ----------
    Dai, Landry, Yang, Pavone, Tedrake (2021), Lyapunov-stable neural-network control, RSS: the two loops, for systems
    without delay.
    """
    with torch_threads(1):
        run = Run.of(problem, workdir, keep, progress)
        run.run()
        best = run.best
        certificate = _certificate(run.task, best) if best else None
        return Synthesised(
            problem,
            best.network if best else None,
            best.delay if best else None,
            certificate,
            best.share if best else 0.0,
            run.log,
            run.start,
            run.abscissa(),
            "" if best else _why(problem) if run.stable() else UNSTABLE,
            round(time.monotonic() - run.task.started, 3),
        )


def _why(problem: ControllerProblem) -> str:
    """Say why there is no certificate although gains are stable."""
    return SMALL if problem.learn.region else NOTHING


def _certificate(task: Task, best: Closed) -> Certificate:
    """Return the certificate of a loop, checked."""
    task.system, task.delay = best.system, best.delay
    area = task.timed("area", lambda: region_area(best.system, best.delay, [best.part]))
    about = extra(task, "quadratic", all_boxes([best.part]))
    names = nonlinear_names(best.system, [best.part])
    found = certified(best.system, best.delay, [best.part], nonlinear=names, area=area, **about)
    began = time.monotonic()
    certificate, result = checked(found)
    statistics = certificate.data["statistics"]
    statistics["seconds"]["check"] = round(time.monotonic() - began, 3)
    if not result.valid:
        statistics["check"] = {"reason": result.reason, "where": result.where}
    return certificate
