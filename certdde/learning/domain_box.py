"""Where histories may be, and how far outside, or from the equilibrium, states are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Box:
    """Where histories may be: the domain in deviations, or the cube of size 1 around 0 if there is none."""

    low: Float[Tensor, " n"]
    high: Float[Tensor, " n"]
    bounded: bool

    @classmethod
    def of(cls, domain: object, dimension: int) -> Box:
        """Return the box of a system's domain."""
        if domain is None:
            one = torch.ones(dimension, dtype=torch.float64)
            return cls(-one, one, bounded=False)
        ends = torch.tensor([[float(a), float(b)] for a, b in domain], dtype=torch.float64)  # type: ignore[attr-defined]
        return cls(ends[:, 0], ends[:, 1], bounded=True)

    @property
    def half(self) -> Tensor:
        """Half the widths."""
        return (self.high - self.low) / 2

    def excursion(self, states: Float[Tensor, "*times n"]) -> Float[Tensor, "*times"]:
        """Return by how much states lie outside, relative to the nearest end; negative inside."""
        return torch.maximum(states / self.high, states / self.low).amax(-1) - 1

    def size(self, states: Float[Tensor, "*times n"]) -> Float[Tensor, "*times"]:
        """Return the size of states relative to the smaller end of each interval."""
        return (states.abs() / torch.minimum(-self.low, self.high)).amax(-1)

    def clipped(self, nodes: Tensor) -> Tensor:
        """Return histories cut off at the ends."""
        return torch.minimum(torch.maximum(nodes, self.low), self.high)
