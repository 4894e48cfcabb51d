"""One certificate for the delays that a march has covered, from its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from certdde.certificates.certificate import Certificate, certified
from certdde.certificates.part import Part
from certdde.delays.classes import Constant
from certdde.functionals import Network
from certdde.inequalities.reduction import ConstantDelay, ExactDelay
from certdde.learning.finish import finish
from certdde.learning.krasovskii import all_boxes, nonlinear_names
from certdde.systems.delay_system import DelaySystem
from certdde.verify.bound_propagation.branch import Settings


def covering_certificate(
    system: DelaySystem, delay: Constant, parts: Sequence[Part], engine: str, settings: Settings
) -> Certificate | None:
    """Put the parts of a march together; None if one cannot be proved again.

    Parameters
    ----------
    system, delay
        What is certified; the parts cover the delay's range, in order.
    parts : sequence of Part
        Of one order.
    engine : str
    settings : Settings
        Of the proofs that are repeated: all parts of a certificate have the same nonlinear variables, so a quadratic
        functional beside a neural one gets networks that are 0.
    """
    reads = _union(parts)
    whole: list[Part] = []
    for part in parts:
        found = _widened(system, part, reads, settings)
        if found is None:
            return None
        whole.append(found)
    nonlinear = nonlinear_names(system, whole)
    statistics = {"boxes": all_boxes(whole), "seconds": {}, "baselines": [], "cegis": []}
    return certified(
        system, delay, whole, nonlinear=nonlinear, area=None, engine=engine, statistics=statistics
    )


def _union(parts: Sequence[Part]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the states that V0 and W read in any part."""
    n = parts[0].functional.dimension
    v0 = {i for p in parts for i in p.functional.inputs()[0] if i < n}
    return tuple(sorted(v0)), tuple(sorted({i for p in parts for i in p.functional.inputs()[1]}))


def _widened(
    system: DelaySystem,
    part: Part,
    reads: tuple[tuple[int, ...], tuple[int, ...]],
    settings: Settings,
) -> Part | None:
    functional, n = part.functional, part.functional.dimension
    states = tuple(i for i in functional.inputs()[0] if i < n)
    if (tuple(sorted(states)), tuple(sorted(functional.inputs()[1]))) == reads:
        return part
    v0, w = functional.V0, functional.W
    inputs = (*reads[0], *functional.moments())
    wide = replace(
        functional,
        V0=_wide(v0, inputs) if inputs else None,
        W=_wide(w, reads[1]) if reads[1] else None,
    )
    breaks = tuple(part.breaks)
    cover = ExactDelay(breaks) if functional.moments() else ConstantDelay(breaks)
    return finish(system, wide, cover, settings).part


def _wide(network: Network | None, inputs: tuple[int, ...]) -> Network:
    """Return a network that reads ``inputs`` with the values of another, or that is 0."""
    if network is not None:
        return network.widened(inputs)
    one = torch.zeros(1, dtype=torch.float64)
    return Network(
        inputs, (one.expand(len(inputs)).reshape(1, -1).clone(), one.reshape(1, 1)), (one,)
    )
