"""Samples that know their delays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor

from certdde.models.data.samples import Samples


@dataclass(frozen=True, slots=True)
class DelayedSamples(Samples):
    """Trajectories, each with its own delays.

    Attributes
    ----------
    delays : Tensor, (samples, k), or None
        In time, or in steps (integers) for schemes and flows.
    """

    delays: Tensor | None = None

    def select(self, index: Tensor) -> Self:
        """Return some of the samples, in the order of the index."""
        chosen = Samples.select(self, index)
        return chosen if self.delays is None else replace(chosen, delays=self.delays[index])
