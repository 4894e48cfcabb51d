"""The method ``sos``: polynomial functionals by sums of squares, with exact Gram matrices as proof."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch

from certdde.certificates.sos import SosPart, sos_certified
from certdde.functionals.polynomial import PolynomialFunctional
from certdde.learning.area import certified_share, region_area
from certdde.learning.finish import covering_breaks
from certdde.learning.outcome import Outcome, extra
from certdde.learning.region import largest_radius
from certdde.learning.task import Task
from certdde.systems.delay_system import DelaySystem
from certdde.systems.scaling import Scaling
from certdde.systems.structure import structure
from certdde.verify.sos.model import Model, right_hand_side
from certdde.verify.sos.search import Found, Settings, block_size, polynomial_functional

RATIO = 1.5  # of neighbouring breaks
LARGEST = 30  # size of a Gram matrix beyond which p is not given more moments
MAX_SPLITS = 6


def objection(system: DelaySystem) -> str:
    """Say why sums of squares do not apply to a system; "" if they do."""
    if system.domain is None:
        return "takes a system with a domain"
    return "takes polynomial equations only" if right_hand_side(system) is None else ""


def by_sos(task: Task) -> Outcome:
    """Look for a certificate of kind ``sos``."""
    began = time.monotonic()
    parts, why = _cover(task)
    task.baselines.append(
        {
            "method": "sos",
            "order": task.settings.order,
            "status": "proved" if parts else "not proved",
            "boxes": 0,
            "area": certified_share(task.system, parts) if parts else None,
            "seconds": round(time.monotonic() - began, 3),
        }
    )
    if not parts:
        return Outcome(None, why)
    area = task.timed("area", lambda: region_area(task.system, task.delay, parts))
    counts = {"leaves": sum(part.boxes["identities"] for part in parts), "star": 0, "face": 0}
    about = extra(task, "sos", counts)
    names = nonlinear_states(task.system)
    return Outcome(sos_certified(task.system, task.delay, parts, names, area, **about))


def nonlinear_states(system: DelaySystem) -> dict[str, list[str]]:
    """Return ``proof.nonlinear``: the variables in the nonlinear terms of f."""
    variables = structure(system).nonlinear
    return {
        "states": [v.name for v in variables if v.delay is None],
        "delayed": [v.name for v in variables if v.delay is not None],
    }


def stages(
    system: DelaySystem, order: int, degree: int, moments: int, largest: int = LARGEST
) -> list[int]:
    """Return how many moments p sees, from one attempt to the next: none first, as long as Gram matrices stay small."""
    model = Model.of(system, order)
    if model is None:
        return []
    counts = range(min(moments, order) + 1)
    return [k for k in counts if k == 0 or block_size(model, degree, k) <= largest]


def _cover(task: Task) -> tuple[list[SosPart], str]:
    """Cover the range by parts, halving one that fails; the longest delays first, where it fails soonest."""
    parts, open_ = [], [(task.delay.lower, task.delay.upper, 0)]
    while open_:
        lower, upper, depth = open_.pop()
        part = task.timed("sos", lambda a=lower, b=upper: _first(task, a, b))
        if part is not None:
            parts.insert(0, part)
            continue
        where = f"(delays in [{lower:.6g}, {upper:.6g}])"
        if depth == MAX_SPLITS or task.late():
            degree = task.settings.degree
            return [], f"no functional of degree {degree} was found by sums of squares {where}"
        middle = (lower + upper) / 2
        open_ += [(lower, middle, depth + 1), (middle, upper, depth + 1)]
    return parts, ""


def _first(task: Task, lower: float, upper: float) -> SosPart | None:
    """Return a part by the simplest functional that is found."""
    given = task.settings
    for moments in stages(task.system, given.order, given.degree, given.moments):
        settings = Settings(given.degree, moments, deadline=given.deadline)
        part = sos_part(task.system, lower, upper, order=given.order, settings=settings)
        if part is not None or task.late():
            return part
    return None


def sos_part(
    system: DelaySystem, lower: float, upper: float, *, order: int, settings: Settings
) -> SosPart | None:
    """Find a polynomial functional for all constant delays in [lower, upper], with its identities.

    Parameters
    ----------
    system : DelaySystem
        Polynomial, with one delay and a domain, in the user's coordinates.
    lower, upper : float
    order : int
        Number of moments.
    settings : Settings
        Degree, moments that p sees, margin.

    Returns
    -------
    SosPart or None
        None if the programs have no solution, or none that survives a recomputation in float64.
    """
    breaks, scaling = covering_breaks(lower, upper, RATIO), Scaling.of(system, upper)
    model = Model.of(scaling.apply(system), order)
    if model is None:
        return None
    found = polynomial_functional(model, [scaling.delay(t) for t in breaks], settings)
    if found is None or not found.least > 0:
        return None
    functional = _functional(found, scaling)
    radius = largest_radius(system, functional, breaks[-1], found.level)
    if radius is None:
        return None
    windows = sorted({*breaks, *((a + b) / 2 for a, b in pairwise(breaks))})
    arrays = {
        name: array for identity in _identities(found, scaling) for name, array in identity.items()
    }
    counts = {"identities": len(found.identities)}
    return SosPart(functional, breaks, windows, arrays, found.level, radius, counts)


def _functional(found: Found, scaling: Scaling) -> PolynomialFunctional:
    """Return the functional in the user's coordinates."""
    space, u = found.space, found.u
    matrices = {name: torch.as_tensor(space.matrix(name, u)) for name in ("P", "S", "B", "R")}
    scaled = PolynomialFunctional(
        space.model.order, space.degree, **matrices, p=space.terms("p", u), q=space.terms("q", u)
    )
    state = torch.tensor([float(k) for k in scaling.state], dtype=torch.float64)
    return scaled.unscaled(state, float(scaling.time))


def _identities(found: Found, scaling: Scaling) -> Iterator[dict[str, np.ndarray]]:
    """Yield the arrays of each identity, in the user's coordinates."""
    state, time_ = [float(k) for k in scaling.state], float(scaling.time)
    order = found.space.model.order
    integrals = [*state, *[time_ * k for k in state] * order]
    units: dict[str, tuple[Sequence[float], float]] = {
        "D": (state * (order + 2), time_),
        "W": (state, time_),
        "f": (integrals, 1.0),
    }
    for name, identity in found.identities.items():
        yield identity.scaled(*units[name[0]]).arrays(name)
