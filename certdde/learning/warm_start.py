"""The quadratic functional that the neural search starts from."""

from __future__ import annotations

import time

import torch

from certdde.functionals import Functional
from certdde.inequalities.reduction import Reduction
from certdde.learning.area import domain_points
from certdde.learning.finish import Cover, constant_cover
from certdde.learning.proposals import SMALLER, propose, smaller
from certdde.learning.region import sampled_level
from certdde.learning.settings import CegisSettings
from certdde.systems.delay_system import DelaySystem
from certdde.systems.scaling import Scaling

SHARES = (1.0, 0.93, 0.86, 0.79, 0.7, 0.6, 0.45, 0.3)  # of the delays
SHORTER = (0.82, 0.7)  # of the longest delays with a functional, where the region counts
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
            functional = _proposed(inner, scaling, settings, shorter)
            if functional is None:
                continue
            if inner is system:
                if settings.choices.start == "roomy":
                    functional, share = _roomiest(
                        system, scaling, settings, cover, (lower, upper), (functional, share)
                    )
                return functional, f"quadratic functional for delays up to {upper * share:.6g}"
            name = f"quadratic functional for delays up to {upper * share:.6g}"
            return _spread(system, scaling, functional, shorter), f"{name} on a smaller domain"
    return None


def _roomiest(
    system: DelaySystem,
    scaling: Scaling,
    settings: CegisSettings,
    cover: Cover,
    ends: tuple[float, float],
    found: tuple[Functional, float],
) -> tuple[Functional, float]:
    """Return the functional with the largest level set of those for the longest delays and for some shorter ones.

    At the longest delays that have one, level sets are thin: training keeps the shape it starts from.
    """
    best = found[1]
    choices = [found]
    for part in SHORTER:
        if time.monotonic() < settings.deadline:
            shorter = cover(ends[0] * best * part, ends[1] * best * part)
            other = _proposed(system, scaling, settings, shorter)
            choices += [(other, best * part)] if other is not None else []

    def room(choice: tuple[Functional, float]) -> float:
        reduction = cover(ends[0] * choice[1], ends[1] * choice[1])
        functional = scaling.invert(choice[0])
        level = sampled_level(system, functional, reduction)
        points = domain_points(system)
        inside = [functional.on_constant_histories(points, t) <= level for t in reduction.windows()]
        return float(torch.stack(inside).all(0).double().mean())

    return max(choices, key=room)


def _proposed(
    system: DelaySystem, scaling: Scaling, settings: CegisSettings, cover: Reduction
) -> Functional | None:
    proposal = propose(
        "quadratic", system, scaling, settings.order, cover, settings.seed, settings.deadline
    )
    return None if proposal is None else proposal.functional


def _spread(
    system: DelaySystem, scaling: Scaling, functional: Functional, cover: Reduction
) -> Functional:
    """Scale a functional so that the least v_0 on the faces of the domain is about 1."""
    level = sampled_level(system, scaling.invert(functional), cover)
    return functional.times(1 / level)
