"""Delay paths: one course tau(t) of a delay, given by a formula."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


class DelayPath(ABC):
    """tau(t) for one sample or a batch, with what is known about it.

    Implementations owe: ``lower <= self(t) <= upper`` for every t; ``self(t)`` is elementwise in t, whose axes
    broadcast with the batch from the right; between two times of ``jumps`` the path is as regular as ``regularity``
    says, and its slope lies in ``rate``.
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
        """Return "smooth" (C^infinity), "lipschitz", "piecewise smooth", "piecewise constant" or "measurable"."""

    def rate(self) -> tuple[float, float]:
        """Return bounds of tau' where it exists."""
        return -math.inf, math.inf

    def jumps(self, start: float, end: float) -> Float[Tensor, " jumps *batch"]:  # noqa: ARG002
        """Return the times in (start, end) at which the path, or its slope, jumps; filled up with inf."""
        return torch.empty(0, dtype=torch.float64)


@dataclass(frozen=True, slots=True)
class ConstantPath(DelayPath):
    """tau(t) = value, one per sample."""

    value: Float[Tensor, "*batch"]

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*times_and_batch"]:
        """Return the value at every time."""
        return self.value + torch.zeros_like(t)

    @property
    def lower(self) -> float:
        """Return the least value of the batch."""
        return float(self.value.detach().min())

    @property
    def upper(self) -> float:
        """Return the greatest value of the batch."""
        return float(self.value.detach().max())

    @property
    def regularity(self) -> str:
        """Return "smooth"."""
        return "smooth"

    def rate(self) -> tuple[float, float]:
        """Return zeros."""
        return 0.0, 0.0


@dataclass(frozen=True, slots=True)
class FourierPath(DelayPath):
    """tau(t) = middle + half sum_k a_k sin(w_k t + p_k), sum_k |a_k| <= 1: smooth, never outside middle +- half.

    Parameters
    ----------
    middle, half : float
        Centre and half-width of the range.
    amplitudes, frequencies, phases : Tensor, (K, *batch)
        Of the terms; frequencies in radians per unit of time.
    """

    middle: float
    half: float
    amplitudes: Float[Tensor, " terms *batch"]
    frequencies: Float[Tensor, " terms *batch"]
    phases: Float[Tensor, " terms *batch"]

    @classmethod
    def sinusoidal(
        cls,
        lower: float,
        upper: float,
        frequency: Float[Tensor, "*batch"],
        phase: Float[Tensor, "*batch"],
    ) -> "FourierPath":
        """Return the path with one term, which reaches both bounds."""
        one = torch.ones_like(frequency * phase).unsqueeze(0)
        return cls((lower + upper) / 2, (upper - lower) / 2, one, frequency * one, phase * one)

    @classmethod
    def random(
        cls,
        lower: float,
        upper: float,
        fastest: float,
        batch: Sequence[int],
        generator: torch.Generator,
        terms: int = 8,
        dtype: torch.dtype = torch.float64,
    ) -> "FourierPath":
        """Draw amplitudes (summing to 1), frequencies in (0, fastest) and phases."""
        shape, device = (terms, *batch), generator.device
        draws = torch.rand((3, *shape), generator=generator, dtype=dtype, device=device)
        weights = -torch.log1p(-draws[0])
        weights = weights / weights.sum(0)
        return cls(
            (lower + upper) / 2,
            (upper - lower) / 2,
            weights,
            fastest * draws[1],
            2 * math.pi * draws[2],
        )

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*times_and_batch"]:
        """Return the sum at the times t."""
        terms = zip(self.amplitudes, self.frequencies, self.phases, strict=True)
        total = sum((a * torch.sin(w * t + p) for a, w, p in terms), torch.zeros_like(t))
        return self.middle + self.half * total.clamp(-1, 1)

    @property
    def lower(self) -> float:
        """Return middle - half."""
        return self.middle - self.half

    @property
    def upper(self) -> float:
        """Return middle + half."""
        return self.middle + self.half

    @property
    def regularity(self) -> str:
        """Return "smooth"."""
        return "smooth"

    def rate(self) -> tuple[float, float]:
        """Return -+ half sum |a_k w_k|, of the worst sample."""
        steepest = self.half * float((self.amplitudes * self.frequencies).abs().sum(0).max())
        return -steepest, steepest


@dataclass(frozen=True, slots=True)
class SawtoothPath(DelayPath):
    """tau(t) = shortest + (t - phase) mod period: sample and hold, where the state is read every period.

    Parameters
    ----------
    shortest : float
        The delay just after a reading.
    period : float
        Time from reading to reading.
    phase : Tensor, (*batch,)
        A time of reading of each sample.
    """

    shortest: float
    period: float
    phase: Float[Tensor, "*batch"]

    @classmethod
    def random(
        cls,
        shortest: float,
        period: float,
        batch: Sequence[int],
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> "SawtoothPath":
        """Draw the phases."""
        phase = torch.rand(tuple(batch), generator=generator, dtype=dtype, device=generator.device)
        return cls(shortest, period, period * phase)

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*times_and_batch"]:
        """Return the time since the last reading, plus the shortest delay."""
        return self.shortest + torch.remainder(t - self.phase, self.period)

    @property
    def lower(self) -> float:
        """Return the shortest delay."""
        return self.shortest

    @property
    def upper(self) -> float:
        """Return the delay just before a reading."""
        return self.shortest + self.period

    @property
    def regularity(self) -> str:
        """Return "piecewise smooth"."""
        return "piecewise smooth"

    def rate(self) -> tuple[float, float]:
        """Return ones."""
        return 1.0, 1.0

    def jumps(self, start: float, end: float) -> Float[Tensor, " jumps *batch"]:
        """Return the times of reading."""
        first = self.phase + torch.ceil((start - self.phase) / self.period) * self.period
        count = math.ceil((end - start) / self.period) + 1
        steps = self.period * torch.arange(count, dtype=first.dtype, device=first.device)
        times = first + steps.reshape(-1, *([1] * first.ndim))
        return torch.where((times > start) & (times < end), times, torch.inf)


@dataclass(frozen=True, slots=True)
class WhitePath(DelayPath):
    """A delay that is anything in [low, high] at any time, without memory: measurable, nowhere continuous.

    The value is a hash of the time, so that the path is a function: asked twice, it answers the same.
    """

    low: float
    high: float
    seed: Float[Tensor, "*batch"]

    @classmethod
    def random(
        cls,
        lower: float,
        upper: float,
        batch: Sequence[int],
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> "WhitePath":
        """Draw the seeds."""
        draw = torch.rand(tuple(batch), generator=generator, dtype=dtype, device=generator.device)
        return cls(lower, upper, 1 + draw)

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*times_and_batch"]:
        """Return the hashed times."""
        noise = torch.frac(torch.sin(t * 127.1 * self.seed + 311.7 * self.seed) * 43758.5453).abs()
        return self.low + (self.high - self.low) * noise

    @property
    def regularity(self) -> str:
        """Return "measurable"."""
        return "measurable"

    @property
    def lower(self) -> float:
        """Return low."""
        return self.low

    @property
    def upper(self) -> float:
        """Return high."""
        return self.high
