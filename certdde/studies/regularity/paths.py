"""Periodic courses of a delay that a search finds: piecewise linear ones with jumps, and trigonometric ones."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from certdde.delays.paths import DelayPath, FourierPath

FINE = 32  # grid points for each period of the fastest term


@dataclass(frozen=True, slots=True)
class PeriodicPath(DelayPath):
    """tau(t) = values[k] + slopes[k] (t - times[k]) from times[k] to times[k + 1], and so on with the period.

    Parameters
    ----------
    times : Tensor, (K,)
        Increasing, from 0, below ``period``.
    values, slopes : Tensor, (K,)
    period : float
    """

    times: Float[Tensor, " pieces"]
    values: Float[Tensor, " pieces"]
    slopes: Float[Tensor, " pieces"]
    period: float

    @classmethod
    def of(
        cls,
        times: Float[np.ndarray, " pieces"],
        values: Float[np.ndarray, " pieces"],
        slopes: Float[np.ndarray, " pieces"],
        period: float,
    ) -> "PeriodicPath":
        """Return the path of arrays, with pieces joined that continue each other."""
        ends = values[:-1] + slopes[:-1] * np.diff(times)
        new = (np.abs(ends - values[1:]) > 1e-9) | (np.abs(np.diff(slopes)) > 1e-9)
        keep = np.flatnonzero(np.concatenate([[True], new]))
        return cls(*(torch.as_tensor(one[keep]) for one in (times, values, slopes)), period)

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*times_and_batch"]:
        """Return the delay at the times t; at a jump, the value after it."""
        turn = torch.remainder(t.to(self.times), self.period)
        row = (torch.searchsorted(self.times, turn.contiguous(), right=True) - 1).clamp(min=0)
        return self.values[row] + self.slopes[row] * (turn - self.times[row])

    def _ends(self) -> Tensor:
        following = torch.cat([self.times[1:], self.times.new_tensor([self.period])])
        return self.values + self.slopes * (following - self.times)

    @property
    def lower(self) -> float:
        """Return the least value."""
        return max(0.0, float(torch.cat([self.values, self._ends()]).min()))

    @property
    def upper(self) -> float:
        """Return the greatest value."""
        return float(torch.cat([self.values, self._ends()]).max())

    @property
    def regularity(self) -> str:
        """Return "lipschitz" if it has no jumps, else "piecewise smooth"."""
        gaps = self._ends() - torch.roll(self.values, -1)
        return "lipschitz" if float(gaps.abs().max()) < 1e-9 else "piecewise smooth"

    def rate(self) -> tuple[float, float]:
        """Return the least and the greatest slope."""
        return float(self.slopes.min()), float(self.slopes.max())

    def jumps(self, start: float, end: float) -> Float[Tensor, " jumps *batch"]:
        """Return the ends of the pieces inside."""
        first, last = math.floor(start / self.period), math.ceil(end / self.period)
        turns = torch.arange(first, last + 1, dtype=self.times.dtype) * self.period
        times = (turns[:, None] + self.times).reshape(-1)
        return times[(times > start) & (times < end)]

    def scaled(self, time: float) -> "PeriodicPath":
        """Return the path with delays and times longer by a factor; its slopes stay."""
        return PeriodicPath(time * self.times, time * self.values, self.slopes, time * self.period)


def trigonometric(
    mean: float, cosines: Float[np.ndarray, " terms"], sines: Float[np.ndarray, " terms"]
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"], float]:
    """Return p and p' on a grid of [0, 2 pi), and a factor; p = mean + sum_k c_k cos((k+1) u) + s_k sin((k+1) u).

    A trigonometric polynomial of degree K is nowhere larger in modulus than the factor 1/cos(pi K/M) times its
    largest modulus on an even grid of M > 2 K points (Ehlich and Zeller 1964), and so is p': both bounds hold
    everywhere.
    """
    degree = len(cosines)
    points = FINE * degree
    angles = 2 * math.pi * np.arange(points) / points
    k = np.arange(1, degree + 1)
    c, s = np.cos(np.outer(angles, k)), np.sin(np.outer(angles, k))
    value = mean + c @ cosines + s @ sines
    return value, c @ (k * sines) - s @ (k * cosines), 1 / math.cos(math.pi * degree / points)


def fourier_path(
    mean: float,
    cosines: Float[np.ndarray, " terms"],
    sines: Float[np.ndarray, " terms"],
    period: float,
    upper: float,
) -> FourierPath:
    """Return a trigonometric polynomial with values in [0, upper] as a path of the solver."""
    half = upper / 2
    k = np.arange(len(cosines) + 1)
    amplitudes = np.concatenate([[mean - half], np.hypot(cosines, sines)]) / half
    phases = np.concatenate([[math.pi / 2], np.arctan2(cosines, sines)])
    terms = (amplitudes, 2 * math.pi * k / period, phases)
    return FourierPath(half, half, *(torch.as_tensor(one) for one in terms))
