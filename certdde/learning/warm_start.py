"""The quadratic functional that the neural search starts from."""

from __future__ import annotations

import time

from certdde.functionals import Functional
from certdde.inequalities.reduction import Reduction
from certdde.learning.finish import Cover, constant_cover
from certdde.learning.proposals import SMALLER, propose, smaller
from certdde.learning.region import sampled_level
from certdde.learning.settings import CegisSettings
from certdde.systems.delay_system import DelaySystem
from certdde.systems.scaling import Scaling

SHARES = (1.0, 0.93, 0.86, 0.79, 0.7, 0.6, 0.45, 0.3)  # of the delays
FEW = (1.0, 0.79, 0.6, 0.3)  # the same on a smaller domain


def warm_start(
    system: DelaySystem,
    scaling: Scaling,
    settings: CegisSettings,
    lower: float,
    upper: float,
    cover: Cover = constant_cover,
) -> tuple[Functional, str] | None:
    """Return a quadratic functional for the largest of a few scaled ranges that has one, and what it is.

    Where there is none on the whole domain, smaller domains are tried; it is then scaled so that v_0 is about 1 on the
    faces of the whole one.
    """
    parts = [(system, SHARES)]
    if system.domain is not None:
        parts += [(smaller(system, part), FEW) for part in SMALLER]
    for inner, shares in parts:
        for share in shares:
            if time.monotonic() > settings.deadline:
                return None
            shorter = cover(lower * share, upper * share)
            proposal = propose(
                "quadratic",
                inner,
                scaling,
                settings.order,
                shorter,
                settings.seed,
                settings.deadline,
            )
            if proposal is not None:
                name = f"quadratic functional for delays up to {upper * share:.6g}"
                if inner is system:
                    return proposal.functional, name
                found = _spread(system, scaling, proposal.functional, shorter)
                return found, f"{name} on a smaller domain"
    return None


def _spread(
    system: DelaySystem, scaling: Scaling, functional: Functional, cover: Reduction
) -> Functional:
    """Scale a functional so that the least v_0 on the faces of the domain is about 1."""
    level = sampled_level(system, scaling.invert(functional), cover)
    return functional.times(1 / level)
