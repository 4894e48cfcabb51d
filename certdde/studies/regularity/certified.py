"""The certified part of the study: the delay margin of each class, by the program's own methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certdde.errors import ProblemError
from certdde.studies.margin import margin
from certdde.systems.problem import DelaySpec

if TYPE_CHECKING:
    from certdde.studies.march import Progress
    from certdde.studies.regularity.classes import Regularity
    from certdde.systems.problem import Problem


def certified(
    problem: Problem,
    regularity: Regularity,
    stop: float,
    *,
    budget: float,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the largest h found with all delays of the class in [0, h] certified, and how.

    Returns
    -------
    dict
        ``margin`` (None if there is none), ``method``, ``rigor``, ``seconds``, ``why`` (of a class without a method).

    Soundness
    ---------
    That of :func:`certdde.studies.margin.margin`: ``rigor`` says whether the checker accepted a certificate.
    """
    spec = regularity.spec(stop)
    if spec is None:
        return {"margin": None, "why": "a rate of 1 and more has no method of its own"}
    [name] = problem.delays
    varied = problem.model_copy(update={"delays": {name: DelaySpec.model_validate(spec)}})
    order = problem.certify.order
    try:
        found = margin(
            varied, method="auto", order=order, stop=stop, budget=budget, progress=progress
        )
    except ProblemError as error:
        return {"margin": None, "why": error.what}
    answer = {"margin": found.delay_margin, "method": found.method, "order": found.order}
    return {**answer, "rigor": found.rigor, "seconds": found.seconds}
