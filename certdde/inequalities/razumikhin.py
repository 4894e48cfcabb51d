"""Razumikhin functions as a reduction: V of the state alone, for any measurable delay (docs/math.md, Razumikhin).

V(x) = x^T P x + |p(x)|^2 is read from a functional of order 0 whose two networks are the same one, so that p is a
feature at x and at y. Its S is the matrix Q of the delay-dependent form; its R is not used.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from certdde.inequalities.dissipation import Layout, linear_layout
from certdde.inequalities.features import Features


@dataclass(frozen=True, slots=True)
class Razumikhin:
    """Any measurable delay in [0, window], or, where beta is a single number, any measurable bounded delay.

    Attributes
    ----------
    window : float
        h, at least the longest delay.
    beta : tuple of float
        (b,), the delay-independent form, or (b0, b1, b2), the delay-dependent one; positive.
    q : float
        Above 1.
    """

    window: float
    beta: tuple[float, ...]
    q: float

    @property
    def dependent(self) -> bool:
        """Whether the delay's length matters."""
        return len(self.beta) > 1

    @property
    def longest(self) -> float:
        """Zero: V sees the state now and nothing of the history."""
        return 0.0

    @property
    def breaks(self) -> tuple[float, ...]:
        """The ends of the range."""
        return (0.0, self.window)

    def count(self, order: int) -> int:  # noqa: ARG002
        """D, and the bound E of the rates in the delay-dependent form."""
        return 1 + self.dependent

    def rows(self, features: Features, order: int) -> Layout:  # noqa: ARG002
        """Rows for a nonlinear system."""
        return Layout.of(features, 0)

    def linear_rows(
        self,
        present: torch.Tensor,
        delayed: torch.Tensor,
        order: int,  # noqa: ARG002
    ) -> Layout:
        """Rows for x' = present x + delayed y."""
        return linear_layout(present, delayed, 0)

    def forms(
        self,
        rows: Layout,
        P: torch.Tensor,
        S: torch.Tensor,
        R: torch.Tensor,  # noqa: ARG002
        networks: float = 1.0,
    ) -> torch.Tensor:
        """Matrices of D, and of E (delay-dependent form).

        D = grad V(x) . f + beta q V(x) - b0 V(y) - (x - y)^T Q (x - y), beta the sum, without the last term if
        beta is single; E = h^2 f^T Q f - b1 V(x) - b2 V(y).
        """
        now = rows.x.T @ P @ rows.x + networks * rows.w_present.T @ rows.w_present
        then = rows.y.T @ P @ rows.y + networks * rows.w_delayed.T @ rows.w_delayed
        rate = 2 * rows.x.T @ P @ rows.f + networks * 2 * rows.q.T @ rows.f
        decay = rate + sum(self.beta) * self.q * now - self.beta[0] * then
        forms = [decay]
        if self.dependent:
            gap = rows.x - rows.y
            bound = self.window**2 * rows.f.T @ S @ rows.f
            forms = [
                decay - gap.T @ S @ gap,
                bound - self.beta[1] * now - self.beta[2] * then,
            ]
        return torch.stack([(form + form.mT) / 2 for form in forms], dim=-3)

    def in_time(self, unit: float) -> Razumikhin:
        """The same conditions in time measured in another unit."""
        return Razumikhin(self.window / unit, tuple(b * unit for b in self.beta), self.q)

    def windows(self) -> tuple[float, ...]:
        """V of a constant history is V of its value."""
        return (0.0,)
