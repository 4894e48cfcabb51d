"""Delay laws: what a random delay is drawn from."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.errors import ProblemError


class DelayLaw(ABC):
    """The law of a random delay tau >= 0 with a finite mean.

    Implementations owe: ``quantile`` is the inverse of ``cdf``; both are elementwise; all values lie in [lower, upper].
    """

    @abstractmethod
    def cdf(self, tau: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return P(delay <= tau)."""

    @abstractmethod
    def quantile(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the least tau with P(delay <= tau) >= u, for 0 <= u < 1."""

    @property
    @abstractmethod
    def mean(self) -> float:
        """Return the mean."""

    @property
    @abstractmethod
    def lower(self) -> float:
        """Return the least value."""

    @property
    @abstractmethod
    def upper(self) -> float:
        """Return the greatest value, inf if there is none."""

    def sample(
        self,
        shape: Sequence[int],
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> Float[Tensor, "..."]:
        """Draw independent delays, on the device of the generator."""
        u = torch.rand(
            tuple(shape), generator=generator, dtype=torch.float64, device=generator.device
        )
        return self.quantile(u).to(dtype)


def check(ok: bool, what: str, wanted: str) -> None:
    """Raise a ProblemError unless ``ok``."""
    if not ok:
        raise ProblemError(what, where="delay law", wanted=wanted)


@dataclass(frozen=True, slots=True)
class Exponential(DelayLaw):
    """P(delay > tau) = exp(-tau / scale).

    Raises
    ------
    ProblemError
        If the scale is not positive.
    """

    scale: float

    def __post_init__(self) -> None:
        check(0 < self.scale < math.inf, f"scale {self.scale}", "a finite scale > 0")

    def cdf(self, tau: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return 1 - exp(-tau / scale)."""
        return -torch.expm1(-tau.clamp(min=0) / self.scale)

    def quantile(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return -scale log(1 - u)."""
        return -self.scale * torch.log1p(-u)

    @property
    def mean(self) -> float:
        """Return the scale."""
        return self.scale

    @property
    def lower(self) -> float:
        """Return 0."""
        return 0.0

    @property
    def upper(self) -> float:
        """Return inf."""
        return math.inf


@dataclass(frozen=True, slots=True)
class Pareto(DelayLaw):
    """P(delay > tau) = (scale / tau)^index for tau >= scale, index > 1.

    Raises
    ------
    ProblemError
        If the index is 1 or less (the mean is infinite) or the scale is not positive.
    """

    index: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        check(
            self.index > 1, f"a Pareto law of index {self.index} has no finite mean", "an index > 1"
        )
        check(0 < self.scale < math.inf, f"scale {self.scale}", "a finite scale > 0")

    def cdf(self, tau: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return 1 - (scale / tau)^index."""
        return 1 - (self.scale / tau.clamp(min=self.scale)) ** self.index

    def quantile(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return scale (1 - u)^(-1 / index)."""
        return self.scale * (1 - u) ** (-1 / self.index)

    @property
    def mean(self) -> float:
        """Return scale index / (index - 1)."""
        return self.scale * self.index / (self.index - 1)

    @property
    def lower(self) -> float:
        """Return the scale."""
        return self.scale

    @property
    def upper(self) -> float:
        """Return inf."""
        return math.inf


@dataclass(frozen=True, slots=True)
class Uniform(DelayLaw):
    """Uniform on [low, high].

    Raises
    ------
    ProblemError
        If not 0 <= low < high < inf.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        check(
            0 <= self.low < self.high < math.inf,
            f"[{self.low}, {self.high}]",
            "0 <= low < high",
        )

    def cdf(self, tau: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the share of [low, high] below tau."""
        return ((tau - self.low) / (self.high - self.low)).clamp(0, 1)

    def quantile(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return low + u (high - low)."""
        return self.low + u * (self.high - self.low)

    @property
    def mean(self) -> float:
        """Return the middle."""
        return 0.5 * (self.low + self.high)

    @property
    def lower(self) -> float:
        """Return low."""
        return self.low

    @property
    def upper(self) -> float:
        """Return high."""
        return self.high


@dataclass(frozen=True, slots=True)
class LogNormal(DelayLaw):
    """log(delay / scale) is normal with mean 0 and standard deviation sigma.

    Raises
    ------
    ProblemError
        If sigma or the scale is not positive.
    """

    sigma: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        check(
            self.sigma > 0 and 0 < self.scale < math.inf,
            f"sigma {self.sigma}, scale {self.scale}",
            "both > 0",
        )

    def cdf(self, tau: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return Phi(log(tau / scale) / sigma)."""
        return torch.special.ndtr(torch.log(tau.clamp(min=0) / self.scale) / self.sigma)

    def quantile(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return scale exp(sigma Phi^-1(u))."""
        return self.scale * torch.exp(self.sigma * torch.special.ndtri(u))

    @property
    def mean(self) -> float:
        """Return scale exp(sigma^2 / 2)."""
        return self.scale * math.exp(self.sigma**2 / 2)

    @property
    def lower(self) -> float:
        """Return 0."""
        return 0.0

    @property
    def upper(self) -> float:
        """Return inf."""
        return math.inf
