"""Delays drawn anew at each step of a scheme: certificates of kind ``resampled``, and second moments that grow."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from certdde.certificates.certificate import Certificate, not_certified
from certdde.certificates.resampled import resampled_certified
from certdde.delays.classes import Resampled
from certdde.learning.outcome import Outcome, extra
from certdde.learning.schemes import (
    MOST_DELAY,
    MOST_SIZE,
    MOST_UNKNOWNS,
    face_distances,
    nonlinear_names,
)
from certdde.learning.task import Task
from certdde.verify.schemes.lifted import LiftedScheme
from certdde.verify.schemes.mean_square import (
    Drawn,
    MeanForm,
    few,
    mean_growth,
    search_linear,
    search_vertices,
    second_moment_growth,
    second_moments,
)
from certdde.verify.schemes.region import level_and_radius
from certdde.verify.schemes.slopes import enclosed
from certdde.verify.schemes.words import TOLERANCE

STEPS = 200  # of the second moments that have to show the growth


def by_mean_square(task: Task) -> Outcome:
    """Look for a quadratic function of the lifted state whose mean over the next delay falls."""
    delay, system = _class(task), task.system
    size = system.dimension * (int(delay.upper) + 1)
    if size > MOST_SIZE or delay.upper > MOST_DELAY:
        return Outcome(None, f"the lifted state has {size} entries, more than {MOST_SIZE}")
    growth = task.timed("moments", lambda: _moments(task))
    why = _grows(system.linear, growth)
    if why:
        return Outcome(None, why)
    scheme = task.timed("slopes", lambda: enclosed(system))
    if scheme is None:
        return Outcome(None, "the slopes of g on the domain are not bounded, or too many vary")
    drawn = _drawn(scheme, delay)
    many = 1 if few(drawn) else 1 + len(drawn.delays)
    unknowns = many * size * (size + 1) // 2
    if len(scheme.vertices) > 1 and unknowns > MOST_UNKNOWNS:
        return Outcome(None, f"the matrix inequality has {unknowns} unknowns, too many")
    radii = face_distances(system)
    found = task.timed("lmi", lambda: _search(task, drawn, radii))
    if found is None or not found.found:
        return Outcome(
            None, "no quadratic function of the lifted state was found that falls in the mean"
        )
    return Outcome(_certificate(task, found, drawn, radii, growth))


def grown_moment(task: Task) -> Certificate | None:
    """Return the record of a linear scheme whose second moment grows (float64); None if it does not.

    Of a nonlinear scheme that says nothing: its linearisation may grow in mean square and still tend to 0 with
    probability 1.
    """
    if not task.system.linear:
        return None
    found = _moments(task)
    radius = found["mean_square"]
    if radius is None or radius <= 1 + TOLERANCE or not _shown(task, radius):
        return None
    claim = (
        f"Refuted in mean square: the second moment of the solutions grows by a factor of {radius:.6g} > 1 a step in"
        f" the long run (the spectral radius of E[A kron A], in float64); that of the mean is {found['mean']:.6g}."
        " Whether solutions tend to the equilibrium with probability 1 is another question, and not decided here."
    )
    counterexample = {"kind": "growing second moment", **found}
    about = extra(task, task.method)
    return not_certified(
        "refuted", claim, task.system, task.delay, counterexample=counterexample, **about
    )


def _class(task: Task) -> Resampled:
    if not isinstance(task.delay, Resampled):
        raise TypeError(f"a {task.delay.kind} delay is not drawn at each step")
    return task.delay


def _drawn(scheme: LiftedScheme, delay: Resampled) -> Drawn:
    """Leave out the delays that are never drawn; the lifted state reaches back to the longest of all."""
    pairs = zip(delay.values, delay.probabilities, strict=True)
    kept = [(d, float(p)) for d, p in pairs if p > 0]
    delays, shares = zip(*kept, strict=True)
    return Drawn(scheme, delays, shares, int(delay.upper))


def _moments(task: Task) -> dict[str, float | None]:
    """Return the factors a step of the mean and of the mean square of the linearisation, in the long run."""
    drawn = _drawn(LiftedScheme.linearised(task.system), _class(task))
    return {"mean": mean_growth(drawn), "mean_square": second_moment_growth(drawn)}


def _grows(linear: bool, growth: dict[str, float | None]) -> str:
    """Say why no quadratic function can fall in the mean; "" if one may."""
    mean, square = growth["mean"], growth["mean_square"]
    if square is None or square < 1:
        return ""
    of = "" if linear else " of the linearisation"
    return (
        f"the second moment{of} does not fall: its factor a step is {square:.6g}, that of the mean {mean:.6g};"
        " no quadratic function falls in the mean"
    )


def _shown(task: Task, radius: float) -> bool:
    """Whether second moments, step by step, grow as the spectral radius says: trace T^k(I) >= radius^k."""
    drawn = _drawn(LiftedScheme.linearised(task.system), _class(task))
    steps = min(STEPS, int(600 / math.log(radius)) + 1)
    last = second_moments(drawn, steps)[-1]
    return bool(math.log(max(last, 1e-300)) >= steps * math.log(radius) * (1 - 1e-9) - 1e-9)


def _search(task: Task, drawn: Drawn, radii: tuple[float, ...]) -> MeanForm | None:
    began = time.monotonic()
    if len(drawn.scheme.vertices) == 1 and not radii:
        return search_linear(drawn)
    left = max(task.settings.deadline - began, 0.0)
    return search_vertices(drawn, seconds=left, radii=radii)


def _certificate(
    task: Task,
    found: MeanForm,
    drawn: Drawn,
    radii: tuple[float, ...],
    growth: dict[str, float | None],
) -> Certificate:
    arrays = {"P": found.form}
    delay = _class(task)
    if found.bounds is not None:
        arrays["Q"] = np.zeros((len(delay.values), *found.form.shape))
        arrays["Q"][[d - delay.values[0] for d in drawn.delays]] = found.bounds
    about: dict[str, Any] = extra(task, "lmi", {"leaves": 1, "star": 0, "face": 0})
    about["statistics"]["moments"] = growth
    return resampled_certified(
        task.system,
        delay,
        arrays,
        nonlinear=nonlinear_names(task.system),
        region=level_and_radius(found, radii) if radii else None,
        **about,
    )
