"""A learned scheme at one delay: the numbers, and the equations that hold the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.written_numbers import few_digits, state_names, weighted_sum
from certdde.systems.delay_system import DelaySystem


@dataclass(frozen=True, slots=True)
class FixedScheme:
    """x[t+1] = x[t] - L y - sum_j W_j T_j / (1 + c_j T_j), T_j = tanh(A_j y), y = x[t - tau].

    Every number is a float64 with few decimal digits; :meth:`system` writes these digits, so that what is certified
    has the weights of this object and of no other.

    Attributes
    ----------
    linear : (n, n) Tensor
        L.
    outer : (n, H) Tensor
        W.
    inner : (H, n) Tensor
        A.
    shifts : (H,) Tensor
        c, within (-1, 1).
    """

    linear: Tensor
    outer: Tensor
    inner: Tensor
    shifts: Tensor

    @classmethod
    def rounded(cls, linear: Tensor, outer: Tensor, inner: Tensor, shifts: Tensor) -> FixedScheme:
        """Round every number to nine significant decimal digits.

        Raises
        ------
        ProblemError
            If a number is not finite, or a shift is not within (-1, 1) after rounding.
        """
        parts = [few_digits(part) for part in (linear, outer, inner, shifts)]
        if not all(bool(torch.isfinite(part).all()) for part in parts):
            raise ProblemError(
                "a weight of the scheme is not finite", where="weights", wanted="finite weights"
            )
        if not bool((parts[3].abs() < 1).all()):
            raise ProblemError(
                "a shift of the scheme is not within (-1, 1)",
                where="weights",
                wanted="biases below 10 in absolute value",
            )
        return cls(*parts)

    @property
    def states(self) -> int:
        """Number of states."""
        return self.linear.shape[0]

    def increment(self, y: Tensor) -> Tensor:
        """Return F(y), shape (*batch, n), in the type of y."""
        linear, outer, inner, shifts = (
            part.to(y) for part in (self.linear, self.outer, self.inner, self.shifts)
        )
        tanh = torch.tanh(y @ inner.T)
        return y @ linear.T + (tanh / (1 + shifts * tanh)) @ outer.T

    def __call__(self, _t: int, x: Tensor, past: Sequence[Tensor]) -> Tensor:
        """Return x[t+1], as :func:`certdde.solvers.scheme` asks for it."""
        return x - self.increment(past[0])

    def scaled(self, factor: float) -> FixedScheme:
        """Return the scheme with factor * F, rounded again."""
        return self.rounded(self.linear * factor, self.outer * factor, self.inner, self.shifts)

    def equations(self, delay: str = "tau") -> list[str]:
        """Return the scheme in the grammar of problem files."""
        names = state_names(self.states)
        past = [f"{name}[t-{delay}]" for name in names]
        units = [
            _unit(row, shift, past)
            for row, shift in zip(self.inner.tolist(), self.shifts.tolist(), strict=True)
        ]
        rows = zip(names, self.linear.tolist(), self.outer.tolist(), strict=True)
        return [
            f"{name}[t+1] = {name}[t] - ({weighted_sum(zip(linear + outer, past + units, strict=True))})"
            for name, linear, outer in rows
        ]

    def system(
        self, domain: Sequence[tuple[float, float]], *, delay: str = "tau", name: str = "scheme"
    ) -> DelaySystem:
        """Return the scheme as a system on a box, one interval a state.

        Raises
        ------
        ProblemError
            As :meth:`DelaySystem.from_equations`.
        """
        names = state_names(self.states)
        box: Mapping[str, tuple[float, float]] = dict(zip(names, domain, strict=True))
        return DelaySystem.from_equations(
            self.equations(delay), domain=box, delays=[delay], name=name
        )


def _unit(row: Sequence[float], shift: float, past: Sequence[str]) -> str:
    tanh = f"tanh({weighted_sum(zip(row, past, strict=True))})"
    return tanh if shift == 0 else f"{tanh}/(1 + {shift!r}*{tanh})"
