"""Delay paths: one course tau(t) of a delay, for all times asked."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


class DelayPath(ABC):
    """tau(t) for one sample or a batch, with what is known about it.

    Implementations owe: ``lower <= self(t) <= upper`` for every t; ``self(t)`` is elementwise in t, whose axes broadcast
    with the batch from the right; between two times of ``jumps`` the path is as regular as ``regularity`` says.
    """

    @abstractmethod
    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*times_and_batch"]:
        """Return the delay at the times t."""

    @property
    @abstractmethod
    def lower(self) -> float:
        """Return a lower bound of the path."""

    @property
    @abstractmethod
    def upper(self) -> float:
        """Return an upper bound of the path."""

    @property
    @abstractmethod
    def regularity(self) -> str:
        """Return "smooth", "lipschitz", "piecewise constant", "piecewise smooth" or "measurable"."""

    def rate(self) -> tuple[float, float]:
        """Return bounds of tau' where it exists."""
        return -math.inf, math.inf

    def jumps(self, start: float, end: float) -> Float[Tensor, "jumps *batch"]:
        """Return the times in (start, end) at which the path, or its slope, jumps; filled up with inf."""
        return torch.empty(0, dtype=torch.float64)


@dataclass(frozen=True, slots=True)
class ConstantPath(DelayPath):
    """tau(t) = value."""

    value: Float[Tensor, "*batch"]

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*times_and_batch"]:
        """Return the value at every time."""
        return self.value + torch.zeros_like(t)

    @property
    def lower(self) -> float:
        """Return the least value of the batch."""
        return float(self.value.min())

    @property
    def upper(self) -> float:
        """Return the greatest value of the batch."""
        return float(self.value.max())

    @property
    def regularity(self) -> str:
        """Return "smooth"."""
        return "smooth"

    def rate(self) -> tuple[float, float]:
        """Return zeros."""
        return 0.0, 0.0
