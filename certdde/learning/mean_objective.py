"""The objective E[V] over random delays and histories: V >= |x|^2 by construction, D <= 0 a constraint."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.delays.laws import DelayLaw
from certdde.functionals import Functional
from certdde.functionals.energy import history_energy
from certdde.systems.delay_system import DelaySystem

DRAWN = 128  # histories a step
PIECES = 6
CONSTRAINTS = ("hinge", "augmented", "barrier")
NEAR = 0.01  # of D: from there on the barrier is continued by a parabola


@dataclass(frozen=True, slots=True)
class MeanObjective:
    """E[V] over tau from a law and histories from one, instead of V on constant histories.

    Attributes
    ----------
    law : DelayLaw or None
        Of the delay, restricted to the range that is proved; None: uniform on it.
    smooth : float
        Share of histories that vary over the window; the others are constant. All values lie in the domain.
    constraint : str
        How D <= -margin is asked for: ``hinge``, a penalty; ``augmented`` (the best as measured, docs/training.md), a
        penalty whose multiplier grows with what is violated; ``barrier``, the hinge and a logarithm of what is left,
        whose weight falls.
    scale : float
        Unit of time in which the functional is trained, in that of the law.
    """

    law: DelayLaw | None = None
    smooth: float = 0.5
    constraint: str = "augmented"
    scale: float = 1.0

    def in_time(self, scale: float) -> MeanObjective:
        """Return the objective for a functional in units of time of this length."""
        return replace(self, scale=self.scale * scale)

    def delays(
        self, count: int, shortest: float, longest: float, generator: torch.Generator
    ) -> Float[Tensor, " count"]:
        """Draw delays in [shortest, longest], in scaled time, from the law given that they lie there."""
        unit = torch.rand(count, generator=generator, dtype=torch.float64)
        if self.law is None:
            return shortest + (longest - shortest) * unit
        ends = torch.tensor([shortest, longest], dtype=torch.float64) * self.scale
        low, high = self.law.cdf(ends)
        drawn = self.law.quantile(low + (high - low) * unit) / self.scale
        return drawn.nan_to_num(nan=longest).clamp(shortest, longest)

    def mean(
        self,
        functional: Functional,
        system: DelaySystem,
        windows: tuple[float, ...],
        generator: torch.Generator,
    ) -> Tensor:
        """Return the mean of V over a draw of delays and histories."""
        nodes = self.histories(system, generator)
        tau = self.delays(DRAWN, min(windows), max(windows), generator)
        return history_energy(functional, nodes, tau, PIECES).mean()

    def histories(
        self, system: DelaySystem, generator: torch.Generator
    ) -> Float[Tensor, "nodes batch n"]:
        """Draw histories on one window: a point of the domain, and from it half a turn or so of a sine."""
        ends = torch.tensor(
            [[float(lo), float(hi)] for lo, hi in system.domain or ()], dtype=torch.float64
        )
        low, high = ends.T
        draws = torch.rand(4, DRAWN, len(ends), generator=generator, dtype=torch.float64)
        u = torch.linspace(0, 1, PIECES + 1, dtype=torch.float64)[:, None, None]
        wave = torch.sin(2 * math.pi * (draws[1] * u + draws[2]))
        middle = low + (high - low) * draws[0]
        room = torch.minimum(middle - low, high - middle) * draws[3]
        varies = (torch.arange(DRAWN) < self.smooth * DRAWN)[:, None]
        return middle + torch.where(varies, room * wave, 0.0)


def barrier(excess: Tensor, weight: float) -> Tensor:
    """Return -log(-excess), continued as a parabola from -NEAR on, with the weight; 0 at -1."""
    left = -excess
    parabola = -math.log(NEAR) + (NEAR - left) / NEAR + 0.5 * ((NEAR - left) / NEAR) ** 2
    return weight * torch.where(left > NEAR, -torch.log(left.clamp(min=NEAR)), parabola)
