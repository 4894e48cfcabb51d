"""Delay laws: what a random delay is drawn from."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
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

    def truncated(self, lower: float, upper: float) -> "TruncatedLaw":
        """Return the law given that the delay lies in [lower, upper]."""
        return TruncatedLaw(self, lower, upper)


def _check(ok: bool, what: str, wanted: str) -> None:
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
        _check(0 < self.scale < math.inf, f"scale {self.scale}", "a finite scale > 0")

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
        _check(
            self.index > 1, f"a Pareto law of index {self.index} has no finite mean", "an index > 1"
        )
        _check(0 < self.scale < math.inf, f"scale {self.scale}", "a finite scale > 0")

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
    """Uniform on [lower, upper].

    Raises
    ------
    ProblemError
        If not 0 <= lower < upper < inf.
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        _check(
            0 <= self.lower < self.upper < math.inf,
            f"[{self.lower}, {self.upper}]",
            "0 <= lower < upper",
        )

    def cdf(self, tau: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the share of [lower, upper] below tau."""
        return ((tau - self.lower) / (self.upper - self.lower)).clamp(0, 1)

    def quantile(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return lower + u (upper - lower)."""
        return self.lower + u * (self.upper - self.lower)

    @property
    def mean(self) -> float:
        """Return the middle."""
        return 0.5 * (self.lower + self.upper)


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
        _check(
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


@dataclass(frozen=True, slots=True)
class ScipyLaw(DelayLaw):
    """Any continuous law of scipy.stats on [0, inf) with a finite mean, by its name there.

    Raises
    ------
    ProblemError
        If there is no such law, its arguments do not fit, it reaches below 0, or its mean is not finite.
    """

    name: str
    args: Mapping[str, float]

    def __post_init__(self) -> None:
        law = getattr(stats, self.name, None)
        _check(
            isinstance(law, stats.rv_continuous),
            f"unknown law {self.name!r}",
            "a continuous law of scipy.stats",
        )
        try:
            frozen = self._frozen()
            support, mean = frozen.support(), float(frozen.mean())
        except (TypeError, ValueError) as error:
            raise ProblemError(
                f"{self.name}: {error}", where="delay law", wanted="the arguments scipy.stats takes"
            ) from None
        _check(
            support[0] >= 0,
            f"{self.name} reaches down to {support[0]:g}",
            "a law on [0, inf); truncate it",
        )
        _check(
            math.isfinite(mean),
            f"{self.name} has no finite mean",
            "a law with a finite mean, or a truncated one",
        )

    def _frozen(self) -> Any:
        return getattr(stats, self.name)(**self.args)

    def cdf(self, tau: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return scipy's cdf; without gradient."""
        return torch.as_tensor(np.asarray(self._frozen().cdf(tau.detach().cpu().numpy()))).to(tau)

    def quantile(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return scipy's ppf; without gradient."""
        return torch.as_tensor(np.asarray(self._frozen().ppf(u.detach().cpu().numpy()))).to(u)

    @property
    def mean(self) -> float:
        """Return the mean."""
        return float(self._frozen().mean())

    @property
    def lower(self) -> float:
        """Return the lower end of the support."""
        return float(self._frozen().support()[0])

    @property
    def upper(self) -> float:
        """Return the upper end of the support."""
        return float(self._frozen().support()[1])


@dataclass(frozen=True, slots=True)
class TruncatedLaw(DelayLaw):
    """A law given that the delay lies in [lower, upper].

    Raises
    ------
    ProblemError
        If not 0 <= lower < upper < inf, or the law gives this interval no probability.
    """

    law: DelayLaw
    lower: float
    upper: float

    def __post_init__(self) -> None:
        _check(
            0 <= self.lower < self.upper < math.inf,
            f"[{self.lower}, {self.upper}]",
            "0 <= lower < upper < inf",
        )
        low, high = self._ends()
        _check(
            high > low,
            f"the law has no probability in [{self.lower}, {self.upper}]",
            "an interval it reaches",
        )

    def _ends(self) -> tuple[float, float]:
        ends = self.law.cdf(torch.tensor([self.lower, self.upper], dtype=torch.float64))
        return float(ends[0]), float(ends[1])

    def cdf(self, tau: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the cdf of the law, rescaled."""
        low, high = self._ends()
        return ((self.law.cdf(tau.clamp(self.lower, self.upper)) - low) / (high - low)).clamp(0, 1)

    def quantile(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the quantile of the law at the rescaled probability."""
        low, high = self._ends()
        return self.law.quantile(low + u * (high - low)).clamp(self.lower, self.upper)

    @property
    def mean(self) -> float:
        """Return the mean, as upper minus the integral of the cdf: 400 Gauss points on each of 64 pieces."""
        nodes, weights = np.polynomial.legendre.leggauss(400)
        edges = np.linspace(self.lower, self.upper, 65)
        half = (edges[1] - edges[0]) / 2
        points = torch.as_tensor(edges[:-1, None] + half * (nodes + 1))
        return self.upper - float((self.cdf(points) * torch.as_tensor(weights)).sum() * half)


@dataclass(frozen=True, slots=True)
class Mixture(DelayLaw):
    """A law drawn first, with the weights given; then a delay from it.

    Raises
    ------
    ProblemError
        If the weights are not positive numbers that sum to 1, or do not fit the laws.
    """

    weights: tuple[float, ...]
    laws: tuple[DelayLaw, ...]

    def __post_init__(self) -> None:
        fits = len(self.weights) == len(self.laws) and all(w > 0 for w in self.weights)
        _check(
            fits and abs(sum(self.weights) - 1) < 1e-9,
            f"weights {self.weights}",
            "one weight > 0 a law, of sum 1",
        )

    def cdf(self, tau: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the weighted sum of the cdfs."""
        return sum(
            (w * law.cdf(tau) for w, law in zip(self.weights, self.laws, strict=True)),
            torch.zeros_like(tau),
        )

    def quantile(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the inverse of the cdf by bisection between the quantiles of the laws; without gradient."""
        with torch.no_grad():
            each = torch.stack([law.quantile(u) for law in self.laws])
            low, high = each.amin(0), each.amax(0)
            for _ in range(80):
                middle = 0.5 * (low + high)
                below = self.cdf(middle) < u
                low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return high

    @property
    def mean(self) -> float:
        """Return the weighted mean."""
        return sum(w * law.mean for w, law in zip(self.weights, self.laws, strict=True))

    @property
    def lower(self) -> float:
        """Return the least of the lower ends."""
        return min(law.lower for law in self.laws)

    @property
    def upper(self) -> float:
        """Return the greatest of the upper ends."""
        return max(law.upper for law in self.laws)
