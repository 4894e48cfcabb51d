"""Where v_0 exceeds a level: the part of the domain that needs no dissipation (docs/math.md, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from certdde.functionals import Functional
from certdde.functionals.algebra import columns, concatenate
from certdde.inequalities.features import Features
from certdde.inequalities.inequality import Inequality, box
from certdde.inequalities.reduction import ConstantDelay, ExactDelay, MeasurableDelay, Reduction
from certdde.systems.delay_system import DelaySystem

KRASOVSKII = (ConstantDelay, ExactDelay, MeasurableDelay)


@dataclass(frozen=True, slots=True)
class Core:
    """The features (u, p_V0(u)) of v_0, u the states and moments among xi.

    Attributes
    ----------
    functional : Functional
    places : tuple of int
        Where the entries of u stand in xi.
    inputs : tuple of int
        Where the inputs of V0 stand in xi.
    """

    functional: Functional
    places: tuple[int, ...]
    inputs: tuple[int, ...]

    def __call__(self, xi: Any) -> Any:
        """Return (u, p_V0(u)) on a tensor (..., d) or an enclosure of xi."""
        u = columns(xi, self.places)
        if self.functional.V0 is None:
            return u
        p = self.functional.V0.displacement(columns(xi, self.inputs))
        return concatenate([u, p], [], [("vector", 0), ("vector", 1)])


def core_of(functional: Functional, features: Features) -> Core | None:
    """Return the features of v_0 over xi; None if xi holds neither a state nor a moment."""
    variables = features.structure.nonlinear
    states = [i for i, v in enumerate(variables) if v.delay is None]
    places = (*states, *range(len(variables), features.dimension))
    return Core(functional, places, features.v0_present) if places else None


def core_forms(functional: Functional, features: Features, reduction: Reduction) -> torch.Tensor:
    """Return matrices M' (E, m, m): v_0 >= min u^T M' u + |p_V0(u)|^2, u the states and moments among xi.

    Each is the Schur complement of a matrix of ``Functional.cores`` onto u: the least over the other states.
    """
    cores, states = functional.cores(reduction.breaks, reduction.longest), features.structure.states
    n, size = len(states), cores.shape[-1]
    kept = [states.index(v.name) for v in features.structure.nonlinear if v.delay is None]
    rest = [i for i in range(n) if i not in kept]
    kept += range(n, size)
    if not rest:
        return cores[:, kept][:, :, kept]
    cross = cores[:, rest][:, :, kept]
    block = cores[:, rest][:, :, rest]
    return cores[:, kept][:, :, kept] - cross.mT @ torch.linalg.solve(block, cross)


def outside(
    system: DelaySystem, functional: Functional, reduction: Reduction, level: float
) -> Inequality | None:
    """Return v_0 > level over the nonlinear variables, as level - v_0 < 0.

    Returns
    -------
    Inequality or None
        None if v_0 cannot be bounded there: no state and no moment is a nonlinear variable, or the delay class is
        not one for which V <= level keeps a solution inside.
    """
    features = Features.of(system, functional)
    core = core_of(functional, features)
    if core is None or not isinstance(reduction, KRASOVSKII):
        return None
    eye = torch.eye(functional.V0.outputs if functional.V0 else 0, dtype=functional.P.dtype)
    forms = -torch.stack(
        [torch.block_diag(m, eye) for m in core_forms(functional, features, reduction)]
    )
    low, high = box(system, features)
    return Inequality(features.names, low, high, core, forms, level, holds_origin=False)
