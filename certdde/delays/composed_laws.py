"""Delay laws made of others: those of scipy.stats, truncated ones, mixtures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from certdde.delays.laws import DelayLaw, check
from certdde.errors import ProblemError


@dataclass(frozen=True, slots=True)
class ScipyLaw(DelayLaw):
    """Any continuous law of scipy.stats on [0, inf) with a finite mean, by its name there.

    Attributes
    ----------
    name : str
    args : mapping
    whole : bool
        False: only a part of it in a bounded interval of [0, inf) is used (:class:`TruncatedLaw`), so that it may reach
        below 0 and its mean need not be finite.

    Raises
    ------
    ProblemError
        If there is no such law, its arguments do not fit, it reaches below 0, or its mean is not finite.
    """

    name: str
    args: Mapping[str, float]
    whole: bool = True

    def __post_init__(self) -> None:
        law = getattr(stats, self.name, None)
        check(
            isinstance(law, stats.rv_continuous),
            f"unknown law {self.name!r}",
            "a continuous law of scipy.stats",
        )
        try:
            frozen = self._frozen()
            least, mean = float(frozen.support()[0]), float(frozen.mean())
        except (TypeError, ValueError) as error:
            raise ProblemError(
                f"{self.name}: {error}", where="delay law", wanted="the arguments scipy.stats takes"
            ) from None
        check(
            not math.isnan(least),
            f"{self.name} does not take the arguments {dict(self.args)}",
            "a positive scale and the shapes that scipy.stats says",
        )
        check(
            least >= 0 or not self.whole,
            f"{self.name} reaches down to {least:g}",
            "a law on [0, inf); truncate it",
        )
        check(
            math.isfinite(mean) or not self.whole,
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
    """A law given that the delay lies in [low, high].

    Raises
    ------
    ProblemError
        If not 0 <= low < high < inf, or the law gives this interval no probability.
    """

    law: DelayLaw
    low: float
    high: float

    def __post_init__(self) -> None:
        check(
            0 <= self.low < self.high < math.inf,
            f"[{self.low}, {self.high}]",
            "0 <= low < high < inf",
        )
        low, high = self._ends()
        check(
            high > low,
            f"the law has no probability in [{self.low}, {self.high}]",
            "an interval it reaches",
        )

    def _ends(self) -> tuple[float, float]:
        ends = self.law.cdf(torch.tensor([self.low, self.high], dtype=torch.float64))
        return float(ends[0]), float(ends[1])

    def cdf(self, tau: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the cdf of the law, rescaled."""
        low, high = self._ends()
        return ((self.law.cdf(tau.clamp(self.low, self.high)) - low) / (high - low)).clamp(0, 1)

    def quantile(self, u: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the quantile of the law at the rescaled probability."""
        low, high = self._ends()
        return self.law.quantile(low + u * (high - low)).clamp(self.low, self.high)

    @property
    def mean(self) -> float:
        """Return the mean, as high minus the integral of the cdf: 400 Gauss points on each of 64 pieces."""
        nodes, weights = np.polynomial.legendre.leggauss(400)
        edges = np.linspace(self.low, self.high, 65)
        half = (edges[1] - edges[0]) / 2
        points = torch.as_tensor(edges[:-1, None] + half * (nodes + 1))
        return self.high - float((self.cdf(points) * torch.as_tensor(weights)).sum() * half)

    @property
    def lower(self) -> float:
        """Return low."""
        return self.low

    @property
    def upper(self) -> float:
        """Return high."""
        return self.high


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
        check(
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
