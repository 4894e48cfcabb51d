"""Delay paths given by a table: piecewise constant and piecewise linear ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.delays.paths import DelayPath
from certdde.errors import ProblemError


def _piece(times: Tensor, t: Tensor) -> tuple[Tensor, torch.Size]:
    """Return the row of the table at times t, flattened to (Q, B), and the shape of the answer."""
    batch = times.shape[1:]
    shape = torch.broadcast_shapes(t.shape, batch)
    flat = times.reshape(times.shape[0], -1)
    asked = t.to(times).expand(shape).reshape(-1, flat.shape[1])
    return (torch.searchsorted(flat.T.contiguous(), asked.T.contiguous(), right=True) - 1).T.clamp(
        min=0
    ), shape


@dataclass(frozen=True, slots=True)
class StepPath(DelayPath):
    """A piecewise constant delay: values[k] from times[k] on, until times[k + 1].

    Parameters
    ----------
    times : Tensor, (K, *batch)
        Increasing; the first is where the path begins, later ones may be inf (never).
    values : Tensor, (K, *batch)
    """

    times: Float[Tensor, " pieces *batch"]
    values: Float[Tensor, " pieces *batch"]

    @classmethod
    def random(
        cls,
        lower: float,
        upper: float,
        rate: float,
        span: tuple[float, float],
        batch: Sequence[int],
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> "StepPath":
        """Draw a uniform value at each time of a Poisson process of the given rate."""
        times = _poisson(rate, span, batch, generator, dtype)
        values = torch.rand(times.shape, generator=generator, dtype=dtype, device=generator.device)
        return cls(times, lower + (upper - lower) * values)

    @classmethod
    def markov(
        cls,
        states: Float[Tensor, " states"],
        rates: Float[Tensor, " states states"],
        span: tuple[float, float],
        batch: Sequence[int],
        generator: torch.Generator,
    ) -> "StepPath":
        """Draw a Markov chain in continuous time: rates[i, j] from state i to j; the first state is uniform.

        Raises
        ------
        ProblemError
            If a rate is negative.
        """
        off = rates - torch.diag(rates.diagonal())
        if bool((off < 0).any()):
            raise ProblemError(
                "a negative rate", where="markov path", wanted="rates[i, j] >= 0 for i != j"
            )
        out = off.sum(1)
        top = float(out.max())
        times = _poisson(
            top, span, batch, generator, states.dtype
        )  # uniformisation: at each time, jump or stay
        chance = off / top + torch.diag(1 - out / top)
        ladder = chance.cumsum(1)
        draws = torch.rand(
            times.shape, generator=generator, dtype=states.dtype, device=generator.device
        )
        now = (draws[0] * states.shape[0]).long().clamp(max=states.shape[0] - 1)
        path = [now]
        for draw in draws[1:]:
            now = (ladder[now] < draw.unsqueeze(-1)).sum(-1).clamp(max=states.shape[0] - 1)
            path.append(now)
        return cls(times, states[torch.stack(path)])

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*times_and_batch"]:
        """Return the value of the piece that each time lies in."""
        row, shape = _piece(self.times, t)
        return self.values.reshape(self.values.shape[0], -1).gather(0, row).reshape(shape)

    @property
    def lower(self) -> float:
        """Return the least value."""
        return float(self.values.min())

    @property
    def upper(self) -> float:
        """Return the greatest value."""
        return float(self.values.max())

    @property
    def regularity(self) -> str:
        """Return "piecewise constant"."""
        return "piecewise constant"

    def rate(self) -> tuple[float, float]:
        """Return zeros."""
        return 0.0, 0.0

    def jumps(self, start: float, end: float) -> Float[Tensor, " jumps *batch"]:
        """Return the times of the table inside."""
        inside = (self.times > start) & (self.times < end)
        rows = inside.reshape(inside.shape[0], -1).any(1)
        return torch.where(inside, self.times, torch.inf)[rows]


@dataclass(frozen=True, slots=True)
class LipschitzPath(DelayPath):
    """A piecewise linear delay with slopes of at most ``steepest``: knots at start + k step, constant outside.

    Parameters
    ----------
    start, step : float
    knots : Tensor, (K, *batch)
    steepest : float
        Bound of |tau'|.
    """

    start: float
    step: float
    knots: Float[Tensor, " knots *batch"]
    steepest: float

    @classmethod
    def random(
        cls,
        lower: float,
        upper: float,
        steepest: float,
        step: float,
        span: tuple[float, float],
        batch: Sequence[int],
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> "LipschitzPath":
        """Draw slopes uniform in [-steepest, steepest], reflected at the bounds of the delay."""
        count = max(2, int((span[1] - span[0]) / step) + 2)
        draws = torch.rand(
            (count, *batch), generator=generator, dtype=dtype, device=generator.device
        )
        walk = torch.cat(
            [draws[:1] * (upper - lower), (2 * draws[1:] - 1) * steepest * step]
        ).cumsum(0)
        width = upper - lower
        folded = (
            torch.remainder(walk, 2 * width) - width
        ).abs()  # the reflection keeps distances or shortens them
        return cls(span[0], step, upper - folded, steepest)

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*times_and_batch"]:
        """Interpolate linearly."""
        batch = self.knots.shape[1:]
        shape = torch.broadcast_shapes(t.shape, batch)
        flat = self.knots.reshape(self.knots.shape[0], -1)
        place = ((t.to(self.knots) - self.start) / self.step).clamp(0, flat.shape[0] - 1)
        place = place.expand(shape).reshape(-1, flat.shape[1])
        row = place.detach().floor().long().clamp(max=flat.shape[0] - 2)
        left, right = flat.gather(0, row), flat.gather(0, row + 1)
        return torch.lerp(left, right, place - row).reshape(shape)

    @property
    def lower(self) -> float:
        """Return the least knot."""
        return float(self.knots.min())

    @property
    def upper(self) -> float:
        """Return the greatest knot."""
        return float(self.knots.max())

    @property
    def regularity(self) -> str:
        """Return "lipschitz"."""
        return "lipschitz"

    def rate(self) -> tuple[float, float]:
        """Return -+ steepest."""
        return -self.steepest, self.steepest

    def jumps(self, start: float, end: float) -> Float[Tensor, " jumps *batch"]:
        """Return the knots inside, where the slope jumps."""
        times = self.start + self.step * torch.arange(self.knots.shape[0], dtype=self.knots.dtype)
        return times[(times > start) & (times < end)].to(self.knots.device)


def _poisson(
    rate: float,
    span: tuple[float, float],
    batch: Sequence[int],
    generator: torch.Generator,
    dtype: torch.dtype,
) -> Tensor:
    """Return the start and the times of a Poisson process, (K, *batch), inf after the end."""
    most = 8 + int(rate * (span[1] - span[0]) + 6 * (rate * (span[1] - span[0])) ** 0.5)
    draws = torch.rand((most, *batch), generator=generator, dtype=dtype, device=generator.device)
    gaps = -torch.log1p(-draws) / rate
    times = torch.cat([torch.zeros_like(gaps[:1]), gaps]).cumsum(0) + span[0]
    return torch.where(times <= span[1], times, torch.inf)
