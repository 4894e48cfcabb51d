"""Histories from tables, and random ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from torch import Tensor

from certdde.solvers.errors import SolverError
from certdde.solvers.histories import History


def _rows(times: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    """Return the piece of a table that each time lies in, and where in it (0 to 1); both have the shape of s."""
    row = torch.searchsorted(times, s.detach().contiguous(), right=True) - 1
    row = row.clamp(0, times.shape[0] - 2)
    return row, (s - times[row]) / (times[row + 1] - times[row])


def _pick(values: Tensor, row: Tensor) -> Tensor:
    """Pick values[row] (K, *batch, n) for rows (.., 1 or batch axes, 1): (.., *batch, n)."""
    batch = values.shape[1:-1]
    lead = row.shape[: max(row.ndim - 1 - len(batch), 0)]
    if row[(0,) * len(lead)].numel() == 1:
        return values[row.reshape(lead)].reshape(*lead, *values.shape[1:])
    index = (
        row.expand(*lead, *batch, 1)
        .reshape(-1, math.prod(batch), 1)
        .expand(-1, -1, values.shape[-1])
    )
    flat = values.reshape(values.shape[0], -1, values.shape[-1])
    return flat.gather(0, index).reshape(*lead, *batch, values.shape[-1])


@dataclass(frozen=True, slots=True)
class SplineHistory(History):
    """A table of values, joined by a cubic spline (not-a-knot); differentiable in the values.

    Parameters
    ----------
    times : Tensor, (K,)
        Increasing, at least four, the last one the initial time. Before the first the first cubic goes on.
    values : Tensor, (K, *batch, n)

    Raises
    ------
    SolverError
        If there are fewer than four times, or another number of values.
    """

    times: Float[Tensor, " knots"]
    values: Float[Tensor, " knots *batch n"]

    def __post_init__(self) -> None:
        if self.times.shape[0] < 4 or self.values.shape[0] != self.times.shape[0]:
            raise SolverError(
                f"{self.times.shape[0]} times, {self.values.shape[0]} values",
                where="history",
                wanted="as many values as times, four at least",
            )

    def __call__(self, s: Float[Tensor, "*times 1"]) -> Float[Tensor, "*times_and_batch n"]:
        """Evaluate the spline, whose coefficients are linear in the values."""
        count = self.times.shape[0]
        basis = CubicSpline(
            self.times.detach().cpu().numpy(), np.eye(count)
        ).c  # (4, K - 1, K), highest power first
        table = torch.as_tensor(basis, dtype=self.values.dtype, device=self.values.device)
        coefficients = torch.tensordot(table, self.values, dims=1)
        row, theta = _rows(self.times, s)
        offset = theta * (self.times[row + 1] - self.times[row])
        value = _pick(coefficients[0], row)
        for part in coefficients[1:]:
            value = value * offset + _pick(part, row)
        return value


@dataclass(frozen=True, slots=True)
class TableHistory(History):
    """A table of values, constant or linear in between; declares its kinks or jumps as breaking points.

    Parameters
    ----------
    times : Tensor, (K,)
        Increasing, K >= 2. Constant pieces: values[k] holds from times[k] on.
    values : Tensor, (K, *batch, n)
    linear : bool
        Linear in between, or constant.
    declared : bool
        Whether the inner times are breaking points of the problem; for a fine table (a random walk) they are too many.
    """

    times: Float[Tensor, " knots"]
    values: Float[Tensor, " knots *batch n"]
    linear: bool
    declared: bool = True

    def __call__(self, s: Float[Tensor, "*times 1"]) -> Float[Tensor, "*times_and_batch n"]:
        """Look the times up."""
        row, theta = _rows(self.times, s)
        left, right = _pick(self.values, row), _pick(self.values, row + 1)
        return (
            torch.lerp(left, right, theta) if self.linear else torch.where(theta >= 1, right, left)
        )

    @property
    def jumps(self) -> tuple[float, ...]:
        """Return the inner times, if they are declared."""
        return tuple(self.times[1:-1].tolist()) if self.declared else ()


@dataclass(frozen=True, slots=True)
class FourierHistory(History):
    """x(s) = centre + sum_k a_k sin(w_k s + p_k), smooth.

    Parameters
    ----------
    centre : Tensor, (*batch, n)
    amplitudes, frequencies, phases : Tensor, (K, *batch, n)
    """

    centre: Float[Tensor, "*batch n"]
    amplitudes: Float[Tensor, " terms *batch n"]
    frequencies: Float[Tensor, " terms *batch n"]
    phases: Float[Tensor, " terms *batch n"]

    def __call__(self, s: Float[Tensor, "*times 1"]) -> Float[Tensor, "*times_and_batch n"]:
        """Sum the terms."""
        value = self.centre + torch.zeros_like(s)
        for a, w, p in zip(self.amplitudes, self.frequencies, self.phases, strict=True):
            value = value + a * torch.sin(w * s + p)
        return value


def random_fourier(
    shape: Sequence[int],
    generator: torch.Generator,
    *,
    size: float = 1.0,
    fastest: float = 10.0,
    terms: int = 6,
    dtype: torch.dtype = torch.float64,
) -> FourierHistory:
    """Draw smooth histories (*batch, n) with |x(s)| <= size for all s.

    Parameters
    ----------
    shape : sequence of int
        (*batch, n).
    generator : torch.Generator
        Its device is that of the history.
    size, fastest : float
        Bound of the values; greatest frequency, in radians per unit of time.
    terms : int
        Number of sines.
    dtype : torch.dtype
    """
    draws = torch.rand(
        (4, terms, *shape), generator=generator, dtype=dtype, device=generator.device
    )
    weights = -torch.log1p(-draws[0])
    centre = (2 * draws[3, 0] - 1) * size / 2
    amplitudes = (size / 2) * weights / weights.sum(0)
    return FourierHistory(centre, amplitudes, fastest * draws[1], 2 * math.pi * draws[2])


def random_pieces(
    shape: Sequence[int],
    span: tuple[float, float],
    generator: torch.Generator,
    *,
    size: float = 1.0,
    pieces: int = 5,
    dtype: torch.dtype = torch.float64,
) -> TableHistory:
    """Draw piecewise constant histories, uniform in [-size, size] on equal pieces of the span; jumps are declared.

    Parameters
    ----------
    shape, generator, size, dtype
        As in :func:`random_fourier`.
    span : tuple of float
        From the earliest time that a delay reaches to the initial time.
    pieces : int
    """
    times = torch.linspace(span[0], span[1], pieces + 1, dtype=dtype, device=generator.device)
    values = torch.rand((pieces, *shape), generator=generator, dtype=dtype, device=generator.device)
    values = size * (2 * values - 1)
    return TableHistory(times, torch.cat([values, values[-1:]]), linear=False)


def random_lipschitz(
    shape: Sequence[int],
    span: tuple[float, float],
    generator: torch.Generator,
    *,
    size: float = 1.0,
    steepest: float = 1.0,
    pieces: int = 10,
    dtype: torch.dtype = torch.float64,
) -> TableHistory:
    """Draw piecewise linear histories with |x| <= size and |x'| <= steepest, reflected at the bound.

    Parameters
    ----------
    shape, span, generator, size, pieces, dtype
        As in :func:`random_pieces`.
    steepest : float
        Bound of the slopes.
    """
    draws = torch.rand(
        (pieces + 1, *shape), generator=generator, dtype=dtype, device=generator.device
    )
    step = (span[1] - span[0]) / pieces
    walk = torch.cat([2 * size * draws[:1], (2 * draws[1:] - 1) * steepest * step]).cumsum(0)
    folded = (torch.remainder(walk, 4 * size) - 2 * size).abs() - size
    times = torch.linspace(span[0], span[1], pieces + 1, dtype=dtype, device=generator.device)
    return TableHistory(times, folded, linear=True)


def random_walk(
    shape: Sequence[int],
    span: tuple[float, float],
    generator: torch.Generator,
    *,
    size: float = 1.0,
    steps: int = 200,
    dtype: torch.dtype = torch.float64,
) -> TableHistory:
    """Draw random walks whose deviation over the span is ``size``, joined linearly; kinks are not declared.

    Parameters
    ----------
    shape, span, generator, size, dtype
        As in :func:`random_pieces`, but ``size`` is no bound.
    steps : int
        Steps of the walk.
    """
    draws = torch.randn(
        (steps + 1, *shape), generator=generator, dtype=dtype, device=generator.device
    )
    times = torch.linspace(span[0], span[1], steps + 1, dtype=dtype, device=generator.device)
    return TableHistory(
        times, draws.cumsum(0) * (size / math.sqrt(steps)), linear=True, declared=False
    )
