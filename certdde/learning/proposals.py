"""Quadratic proposals for a part of the delay range, from the two convex programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from certdde.functionals import Functional
from certdde.systems.delay_system import DelaySystem
from certdde.systems.scaling import Scaling
from certdde.verify.lmi.cutting_planes import cutting_planes
from certdde.verify.lmi.polytopic import polytopic_lmi


@dataclass(frozen=True, slots=True)
class Proposal:
    """A quadratic functional in scaled coordinates, with the margin that its program reached."""

    functional: Functional
    margin: float


def propose(method: str, system: DelaySystem, scaling: Scaling, order: int, breaks: Sequence[float], seed: int) -> Proposal | None:
    """Ask the polytopic LMI (``lmi``) or cutting planes (``quadratic``) for a functional.

    Parameters
    ----------
    method : str
        ``lmi`` or ``quadratic``.
    system : DelaySystem
        In the user's coordinates.
    scaling : Scaling
    order : int
    breaks : sequence of float
        In the user's time.
    seed : int

    Returns
    -------
    Proposal or None
        None where the program has no solution.
    """
    scaled = scaling.apply(system)
    times = [scaling.delay(t) for t in breaks]
    if method == "lmi":
        found = polytopic_lmi(scaled, order, times, margin=REGION_MARGIN)
        return None if found is None else Proposal(*found)
    cuts = cutting_planes(scaled, order, times, seed=seed, margin=REGION_MARGIN)
    return None if cuts.functional is None else Proposal(cuts.functional, cuts.margin)


REGION_MARGIN = 0.03
