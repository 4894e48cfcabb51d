"""Quadratic functionals for a part of the delay range: proposed by a convex program, then proved."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from fractions import Fraction

import torch

from certdde.functionals import Functional
from certdde.inequalities.inequality import dissipation
from certdde.inequalities.reduction import MeasurableDelay, Reduction
from certdde.learning.area import certified_share
from certdde.learning.finish import Cover, Finished, constant_cover, finish
from certdde.learning.levels import FULL, LEAST
from certdde.systems.delay_system import DelaySystem
from certdde.systems.scaling import Scaling
from certdde.systems.structure import structure
from certdde.verify.answers import Unknown
from certdde.verify.bound_propagation.branch import Encloser, Settings, by_intervals
from certdde.verify.bound_propagation.star import FEW, NEARLY, Star
from certdde.verify.lmi.cutting_planes import cutting_planes
from certdde.verify.lmi.measurable import measurable_lmi
from certdde.verify.lmi.polytopic import polytopic_lmi

REGION_MARGIN = 0.03
FIRST = 4_000_000  # boxes for the functional with a large region, where the variables are many
ROBUST = 0.7  # of the largest margin: for few boxes where the variables are many, rather than for a large region
SMALLER = (Fraction(7, 10), Fraction(1, 2), Fraction(1, 3), Fraction(1, 5))  # parts of the domain


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
    *,
    robust: bool = False,
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
    robust : bool
        Of ``quadratic``: a larger margin and a smaller region.

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
    goal = {"margin": math.inf, "share": ROBUST} if robust else {"margin": REGION_MARGIN}
    cuts = cutting_planes(scaled, order, times, seed=seed, deadline=deadline, **goal)
    return None if cuts.functional is None else Proposal(cuts.functional, cuts.margin)


def smaller(system: DelaySystem, share: Fraction) -> DelaySystem:
    """Return the system on a part of its domain."""
    domain = tuple((share * lo, share * hi) for lo, hi in system.domain or ())
    return replace(system, domain=domain)


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
    least: float = LEAST,
) -> Finished:
    """Propose one quadratic functional for the delays of a class in [lower, upper] and try to prove it.

    Parameters are those of :func:`propose` and :func:`certdde.learning.finish.finish`. Where nothing is proved on the
    level set that touches the faces of the domain, and ``least`` allows a smaller one, functionals for smaller
    domains are tried too; the largest region on the whole domain is returned.
    """
    one = _Attempt(method, system, lower, upper, order, seed, settings, enclose, cover, least)
    first = best = one.run(system)
    if least >= FULL or system.domain is None or (first.part and (first.part.level or 1) >= FULL):
        return first
    size = certified_share(system, [first.part]) or 0.0 if first.part else 0.0
    for share in SMALLER:
        if time.monotonic() > settings.deadline or size > share**system.dimension:
            break
        found = one.run(smaller(system, share))
        if found.part and (region := certified_share(system, [found.part]) or 0.0) > size:
            best, size = found, region
    return best


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The arguments of :func:`attempt`."""

    method: str
    system: DelaySystem
    lower: float
    upper: float
    order: int
    seed: int
    settings: Settings
    enclose: Encloser
    cover: Cover
    least: float

    def run(self, inner: DelaySystem) -> Finished:
        """Propose a functional for the system on a domain ``inner``; prove it on the whole domain."""
        reduction, scaling = self.cover(self.lower, self.upper), Scaling.of(self.system, self.upper)
        deadline = self.settings.deadline
        arguments = inner, scaling, self.order, reduction, self.seed, deadline
        proposal = propose(self.method, *arguments)
        if proposal is None:
            why = f"the solver found no solution of the {self.method} program of order {self.order}"
            return Finished(None, Unknown(why, torch.zeros(0, 1), 0))
        many = self.method == "quadratic" and len(structure(self.system).nonlinear) > FEW
        boxes = min(self.settings.max_boxes, FIRST) if many else self.settings.max_boxes
        first = self._finish(scaling, proposal, reduction, boxes)
        if first.part or not many or time.monotonic() > deadline:
            return first
        second = propose(self.method, *arguments, robust=True)
        if second is None or not self._in_sight(scaling, second, reduction):
            return first
        return self._finish(scaling, second, reduction, self.settings.max_boxes)

    def _finish(
        self, scaling: Scaling, proposal: Proposal, reduction: Reduction, boxes: int
    ) -> Finished:
        return finish(
            self.system,
            scaling.invert(proposal.functional),
            proposal.cover or reduction,
            replace(self.settings, max_boxes=boxes),
            enclose=self.enclose,
            least=self.least,
        )

    def _in_sight(self, scaling: Scaling, proposal: Proposal, reduction: Reduction) -> bool:
        """Return whether star tests are likely to prove a functional in few boxes."""
        functional, cover = scaling.invert(proposal.functional), proposal.cover or reduction
        star = Star.of(dissipation(self.system, functional, cover).inequality)
        return star.spread <= NEARLY
