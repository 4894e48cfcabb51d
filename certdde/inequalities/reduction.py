"""Delay classes as reductions: which matrices must be negative so that dV/dt < 0 for every delay of the class.

Engines and training see a reduction only: rows that pick x, f and the moments out of the features, and
a list of constant matrices.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from certdde.inequalities.dissipation import Layout, linear_layout, moment_form, quadratic_form
from certdde.inequalities.features import Features
from certdde.inequalities.legendre import reciprocal_minorant
from certdde.inequalities.measurable import (
    Window,
    degree,
    linear_window,
    measurable_forms,
    window_of,
)


class Reduction(Protocol):
    """What a delay class owes: ``forms`` are linear in (P, S, R) up to the networks' terms."""

    @property
    def breaks(self) -> tuple[float, ...]:
        """Delays, or values of tau/h, between which D is bounded."""

    @property
    def longest(self) -> float:
        """The longest delay: the length of history that V sees."""

    def count(self, order: int) -> int:
        """Number of matrices."""

    def rows(self, features: Features, order: int) -> Any:
        """Rows for a nonlinear system."""

    def linear_rows(self, present: torch.Tensor, delayed: torch.Tensor, order: int) -> Any:
        """Rows for x' = present x + delayed y."""

    def forms(
        self,
        rows: Any,
        P: torch.Tensor,
        S: torch.Tensor,
        R: torch.Tensor,
        networks: float = 1.0,
    ) -> torch.Tensor:
        """Matrices (E, M, M) that must all be negative."""

    def in_time(self, unit: float) -> Reduction:
        """The same class in time measured in another unit."""

    def windows(self) -> tuple[float, ...]:
        """Delays at which V of a constant history is evaluated."""


@dataclass(frozen=True, slots=True)
class ConstantDelay:
    """A constant delay of unknown value in [breaks[0], breaks[-1]]; D is affine in tau between breaks."""

    breaks: tuple[float, ...]

    @property
    def longest(self) -> float:
        """The longest delay."""
        return self.breaks[-1]

    def count(self, order: int) -> int:  # noqa: ARG002
        """One matrix a break."""
        return len(self.breaks)

    def rows(self, features: Features, order: int) -> Layout:
        """Rows for a nonlinear system."""
        return Layout.of(features, order)

    def linear_rows(self, present: torch.Tensor, delayed: torch.Tensor, order: int) -> Layout:
        """Rows for x' = present x + delayed y."""
        return linear_layout(present, delayed, order)

    def forms(
        self,
        rows: Layout,
        P: torch.Tensor,
        S: torch.Tensor,
        R: torch.Tensor,
        networks: float = 1.0,
    ) -> torch.Tensor:
        """Matrices of D at the breaks."""
        return quadratic_form(
            rows, P, S, R, self.breaks, reciprocal_minorant(self.breaks), networks
        )

    def in_time(self, unit: float) -> ConstantDelay:
        """The same range in another unit of time."""
        return ConstantDelay(tuple(t / unit for t in self.breaks))

    def windows(self) -> tuple[float, ...]:
        """V depends on the delay: the breaks and the middles between them."""
        middles = ((a + b) / 2 for a, b in itertools.pairwise(self.breaks))
        return tuple(sorted({*self.breaks, *middles}))


@dataclass(frozen=True, slots=True)
class ExactDelay:
    """A constant delay of unknown value in [breaks[0], breaks[-1]], breaks[0] > 0, for a V0 that may read moments.

    The matrices are the Bernstein coefficients of tau D on every piece.
    """

    breaks: tuple[float, ...]

    @property
    def longest(self) -> float:
        """The longest delay."""
        return self.breaks[-1]

    def count(self, order: int) -> int:  # noqa: ARG002
        """Two matrices a piece, and one."""
        return 2 * len(self.breaks) - 1

    def rows(self, features: Features, order: int) -> Layout:
        """Rows for a nonlinear system."""
        return Layout.of(features, order)

    def linear_rows(self, present: torch.Tensor, delayed: torch.Tensor, order: int) -> Layout:
        """Rows for x' = present x + delayed y."""
        return linear_layout(present, delayed, order)

    def forms(
        self,
        rows: Layout,
        P: torch.Tensor,
        S: torch.Tensor,
        R: torch.Tensor,
        networks: float = 1.0,
    ) -> torch.Tensor:
        """Bernstein coefficients of tau D."""
        return moment_form(rows, P, S, R, self.breaks, networks)

    def in_time(self, unit: float) -> ExactDelay:
        """The same range in another unit of time."""
        return ExactDelay(tuple(t / unit for t in self.breaks))

    def windows(self) -> tuple[float, ...]:
        """V depends on the delay: the breaks and the middles between them."""
        return ConstantDelay(self.breaks).windows()


@dataclass(frozen=True, slots=True)
class MeasurableDelay:
    """A delay that varies in any measurable way in [breaks[0] h, breaks[-1] h], breaks in [0, 1]."""

    longest: float
    breaks: tuple[float, ...]

    def count(self, order: int) -> int:
        """The Bernstein coefficients of every piece."""
        return (len(self.breaks) - 1) * (degree(order) + 1)

    def rows(self, features: Features, order: int) -> Window:
        """Rows for a nonlinear system."""
        return window_of(features, order)

    def linear_rows(self, present: torch.Tensor, delayed: torch.Tensor, order: int) -> Window:
        """Rows for x' = present x + delayed y."""
        return linear_window(present, delayed, order)

    def forms(
        self,
        rows: Window,
        P: torch.Tensor,
        S: torch.Tensor,
        R: torch.Tensor,
        networks: float = 1.0,
    ) -> torch.Tensor:
        """Bernstein coefficients of D on every piece of alpha."""
        return measurable_forms(rows, P, S, R, self.longest, self.breaks, networks)

    def in_time(self, unit: float) -> MeasurableDelay:
        """The same class in another unit of time."""
        return MeasurableDelay(self.longest / unit, self.breaks)

    def windows(self) -> tuple[float, ...]:
        """V sees the whole window, whatever the delay is."""
        return (self.longest,)


def as_reduction(cover: Sequence[float] | Reduction) -> Reduction:
    """Return a reduction; a plain sequence is that of the breaks of a constant delay."""
    return ConstantDelay(tuple(cover)) if isinstance(cover, (list, tuple)) else cover  # type: ignore[return-value]
