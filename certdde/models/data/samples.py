"""Trajectories, and what came before them."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from certdde.errors import ProblemError
from certdde.solvers import History, SplineHistory, StartingAt, TableHistory

JOINED = ("steps", "linear", "cubic")


@dataclass(frozen=True, slots=True)
class Past:
    """Tabulated histories of many samples.

    Attributes
    ----------
    times : Tensor, (K,)
        Increasing, the last one is the initial time; at least two, four for ``cubic``.
    values : Tensor, (K, samples, n)
    joined : str
        ``steps`` (values[k] holds from times[k] on), ``linear``, or ``cubic`` (a spline).

    Raises
    ------
    ProblemError
        If ``joined`` is none of these, or the shapes do not fit.
    """

    times: Float[Tensor, " knots"]
    values: Float[Tensor, "knots samples n"]
    joined: str = "linear"

    def __post_init__(self) -> None:
        if self.joined not in JOINED:
            raise ProblemError(
                f"unknown way to join values: {self.joined!r}",
                where="past.joined",
                wanted=f"one of {', '.join(JOINED)}",
            )
        if self.values.ndim != 3 or self.values.shape[0] != self.times.shape[0]:
            raise ProblemError(
                f"{self.times.shape[0]} times, values of shape {tuple(self.values.shape)}",
                where="past.values",
                wanted="(times, samples, n)",
            )

    def history(self) -> History:
        """Return the history that the solver takes."""
        if self.joined == "cubic":
            return SplineHistory(self.times, self.values)
        return TableHistory(self.times, self.values, linear=self.joined == "linear")


@dataclass(frozen=True, slots=True)
class Samples:
    """Trajectories of one system from many histories.

    Attributes
    ----------
    times : Tensor, (T,), or (T, samples) where each sample has its own
    initial : Tensor, (samples, n)
        The state at the initial time: ``times[0]`` if the times are shared, 0 otherwise.
    states : Tensor, (T, samples, n)
    past : Past or None
        What came before; None: the history is constant, ``initial``.

    Raises
    ------
    ProblemError
        If the shapes do not fit each other.
    """

    times: Float[Tensor, " times *samples"]
    initial: Float[Tensor, "samples n"]
    states: Float[Tensor, "times samples n"]
    past: Past | None = None

    def __post_init__(self) -> None:
        count, shape = self.initial.shape[0], tuple(self.states.shape)
        fits = self.states.ndim == 3 and shape == (self.times.shape[0], *self.initial.shape)
        own = self.times.ndim == 1 or tuple(self.times.shape[1:]) == (count,)
        same = self.past is None or self.past.values.shape[1:] == self.initial.shape
        if not (fits and own and same):
            raise ProblemError(
                f"times {tuple(self.times.shape)}, initial {tuple(self.initial.shape)}, states {shape}",
                where="samples",
                wanted="(T,) or (T, samples); (samples, n); (T, samples, n)",
            )

    def __len__(self) -> int:
        return self.initial.shape[0]

    @property
    def dimension(self) -> int:
        """Number of states."""
        return self.initial.shape[1]

    def history(self) -> Tensor | History:
        """Return the history that :func:`certdde.solvers.ddeint` takes."""
        if self.past is None:
            return self.initial
        before = self.past.history()
        if torch.equal(self.past.values[-1], self.initial):
            return before
        return StartingAt(before, self.initial)

    def select(self, index: Int[Tensor, " chosen"]) -> Self:
        """Return some of the samples, in the order of the index."""
        past = self.past and replace(self.past, values=self.past.values[:, index])
        times = self.times if self.times.ndim == 1 else self.times[:, index]
        return type(self)(times, self.initial[index], self.states[:, index], past)

    def until(self, count: int) -> Self:
        """Return the first ``count`` times only."""
        return replace(self, times=self.times[:count], states=self.states[:count])

    def to(self, *, dtype: torch.dtype | None = None, device: str | None = None) -> Self:
        """Return the same samples in another type or on another device."""

        def moved(value: Tensor) -> Tensor:
            return value.to(dtype=dtype, device=device)

        past = self.past and Past(moved(self.past.times), moved(self.past.values), self.past.joined)
        return type(self)(moved(self.times), moved(self.initial), moved(self.states), past)
