"""A learning task: trajectories for training, validation and test, and what is beyond them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from certdde.models.data.samples import Samples
from certdde.solvers import History, ddeint

Delay = float | Callable[[Tensor], Tensor]
RTOL, ATOL = 1e-9, 1e-10
"""Tolerances of the solver where data are made."""


@dataclass(frozen=True, slots=True)
class TaskData:
    """What a model learns from, and what it is measured on.

    Attributes
    ----------
    name : str
    train, validation, test : Samples
    extrapolation : mapping from str to Samples
        Tests outside the range of the training data: ``time``, ``space``, ``histories``.
    delays : tuple of float or callable
        The delays of the true system, which the generator knows and the model does not; empty: none.
    source : str
        Where the task comes from, and in what this version of it differs.
    """

    name: str
    train: Samples
    validation: Samples
    test: Samples
    extrapolation: Mapping[str, Samples] = field(default_factory=dict)
    delays: tuple[Delay, ...] = ()
    source: str = ""

    @property
    def dimension(self) -> int:
        """Number of states."""
        return self.train.dimension

    def to(self, *, dtype: torch.dtype | None = None, device: str | None = None) -> TaskData:
        """Return the same task in another type or on another device."""
        train, validation, test = (
            part.to(dtype=dtype, device=device) for part in (self.train, self.validation, self.test)
        )
        beyond = {k: v.to(dtype=dtype, device=device) for k, v in self.extrapolation.items()}
        return TaskData(self.name, train, validation, test, beyond, self.delays, self.source)


def seeded(seed: int) -> torch.Generator:
    """Return a generator of its own; nothing global is touched."""
    return torch.Generator().manual_seed(seed)


def uniform(shape: Sequence[int], low: float, high: float, generator: torch.Generator) -> Tensor:
    """Draw float64 numbers uniformly in [low, high)."""
    unit = torch.rand(tuple(shape), generator=generator, dtype=torch.float64)
    return low + (high - low) * unit


def solved(
    f: Callable[[Tensor, Tensor, Sequence[Tensor]], Tensor],
    times: Tensor,
    initial: Tensor,
    delays: Sequence[Delay],
    history: History | None = None,
    bounds: Sequence[tuple[float, float]] | None = None,
) -> Tensor:
    """Integrate at tight tolerance: states (T, samples, n); without ``history`` it is constant.

    ``bounds`` are those of the delays, where they are functions.
    """
    with torch.no_grad():
        return ddeint(
            f,
            initial if history is None else history,
            times,
            list(delays),
            rtol=RTOL,
            atol=ATOL,
            options={"delay_bounds": bounds},
        )


def split(samples: Samples, counts: tuple[int, int, int]) -> tuple[Samples, Samples, Samples]:
    """Cut samples into consecutive parts of the given sizes."""
    first, second, third = torch.arange(sum(counts)).split(list(counts))
    return samples.select(first), samples.select(second), samples.select(third)
