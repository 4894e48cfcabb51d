"""Quadratic functionals for a part of the delay range: proposed by a convex program, then proved."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from certdde.functionals import Functional
from certdde.inequalities.reduction import MeasurableDelay, Reduction
from certdde.learning.finish import Cover, Finished, constant_cover, finish
from certdde.systems.delay_system import DelaySystem
from certdde.systems.scaling import Scaling
from certdde.systems.structure import structure
from certdde.verify.answers import Unknown
from certdde.verify.bound_propagation.branch import Encloser, Settings, by_intervals
from certdde.verify.lmi.cutting_planes import cutting_planes
from certdde.verify.lmi.measurable import measurable_lmi
from certdde.verify.lmi.polytopic import polytopic_lmi

REGION_MARGIN = 0.03


@dataclass(frozen=True, slots=True)
class Proposal:
    """A quadratic functional in scaled coordinates, its program's margin, and pieces if it chose them."""

    functional: Functional
    margin: float
    cover: Reduction | None = None


def propose(
    method: str,
    system: DelaySystem,
    scaling: Scaling,
    order: int,
    cover: Reduction,
    seed: int,
    deadline: float = float("inf"),
) -> Proposal | None:
    """Ask the polytopic LMI (``lmi``) or cutting planes (``quadratic``) for a functional.

    Parameters
    ----------
    method : str
        ``lmi`` or ``quadratic``.
    system : DelaySystem
        In the user's coordinates.
    scaling : Scaling
    order : int
    cover : Reduction
        The delay class, in the user's time.
    seed : int
    deadline : float
        On ``time.monotonic``.

    Returns
    -------
    Proposal or None
        None where the program has no solution.
    """
    scaled = scaling.apply(system)
    times = cover.in_time(float(scaling.time))
    if isinstance(times, MeasurableDelay) and not structure(system).nonlinear:
        pieces = measurable_lmi(scaled, order, times)
        if pieces is None:
            return None
        return Proposal(*pieces[:2], MeasurableDelay(cover.longest, pieces[2].breaks))
    if method == "lmi":
        found = polytopic_lmi(scaled, order, times, margin=REGION_MARGIN)
        return None if found is None else Proposal(*found)
    cuts = cutting_planes(scaled, order, times, seed=seed, margin=REGION_MARGIN, deadline=deadline)
    return None if cuts.functional is None else Proposal(cuts.functional, cuts.margin)


def attempt(
    method: str,
    system: DelaySystem,
    lower: float,
    upper: float,
    *,
    order: int,
    seed: int,
    settings: Settings,
    enclose: Encloser = by_intervals,
    cover: Cover = constant_cover,
) -> Finished:
    """Propose one quadratic functional for the delays of a class in [lower, upper] and try to prove it.

    Parameters are those of :func:`propose` and :func:`certdde.learning.finish.finish`.
    """
    reduction, scaling = cover(lower, upper), Scaling.of(system, upper)
    proposal = propose(method, system, scaling, order, reduction, seed, settings.deadline)
    if proposal is None:
        why = f"the solver found no solution of the {method} program of order {order}"
        return Finished(None, Unknown(why, torch.zeros(0, 1), 0))
    cover_found = proposal.cover or reduction
    functional = scaling.invert(proposal.functional)
    return finish(system, functional, cover_found, settings, enclose=enclose)
