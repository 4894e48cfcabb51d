"""Scaling of states and time by powers of two: well-conditioned numbers, and an exact way back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import torch

from certdde.functionals import Functional
from certdde.systems.delay_system import DelaySystem


@dataclass(frozen=True, slots=True)
class Scaling:
    """x = diag(state) z, t = time * s, with powers of two (of four for time).

    ``apply`` goes to the scaled system, ``invert`` brings a functional back without rounding.
    """

    state: tuple[Fraction, ...]
    time: Fraction

    @classmethod
    def of(cls, system: DelaySystem, longest: float) -> Scaling:
        """Choose the factors from the domain and the longest delay."""
        widths = (
            [1.0] * system.dimension
            if system.domain is None
            else [float(max(-lo, hi)) for lo, hi in system.domain]
        )
        state = tuple(Fraction(2) ** round(math.log2(width)) for width in widths)
        return cls(state, Fraction(4) ** round(math.log(longest, 4)))

    def apply(self, system: DelaySystem) -> DelaySystem:
        """Return the system in scaled coordinates."""
        return system.scaled(self.state, self.time)

    def delay(self, tau: float) -> float:
        """Return a delay in scaled time."""
        return tau / float(self.time)

    def invert(self, functional: Functional) -> Functional:
        """Return the functional in the original coordinates."""
        factors = torch.tensor([float(k) for k in self.state], dtype=functional.P.dtype)
        return functional.unscaled(factors, float(self.time))

    def forward(self, functional: Functional) -> Functional:
        """Return a functional of the original coordinates in the scaled ones."""
        factors = torch.tensor([1 / float(k) for k in self.state], dtype=functional.P.dtype)
        return functional.unscaled(factors, 1 / float(self.time))
