"""Initial functions: what the state was before the first time."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.solvers.errors import SolverError


class History(ABC):
    """The state for s <= t0.

    Implementations owe: ``self(s)`` is defined elementwise on times ``s`` of shape (..., 1) and gives (..., n), where
    the axes before the last broadcast with the batch from the right; extra axes in front are times evaluated at once.
    """

    @abstractmethod
    def __call__(self, s: Float[Tensor, "*times 1"]) -> Float[Tensor, "*times_and_batch n"]:
        """Return the state at the times s <= t0."""

    def initial(self, t0: Float[Tensor, " 1"]) -> Float[Tensor, "*batch n"]:
        """Return x(t0), which differs from the limit of the history only if ``starts_with_jump``."""
        return self(t0)

    @property
    def starts_with_jump(self) -> bool:
        """Say whether x(t0) may differ from the limit of the history at t0."""
        return False

    @property
    def jumps(self) -> tuple[float, ...]:
        """Return the times before t0 at which the history jumps."""
        return ()


@dataclass(frozen=True, slots=True)
class ConstantHistory(History):
    """x(s) = value for all s <= t0."""

    value: Float[Tensor, "*batch n"]

    def __call__(self, s: Float[Tensor, "*times 1"]) -> Float[Tensor, "*times_and_batch n"]:
        """Return the value; its axes broadcast against the times."""
        return self.value + torch.zeros_like(s)

    def initial(self, t0: Float[Tensor, " 1"]) -> Float[Tensor, "*batch n"]:  # noqa: ARG002
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True)
class FunctionHistory(History):
    """x(s) = function(s): a formula, or a module (a learned initial function).

    Parameters
    ----------
    function : callable
        Takes s of shape (..., 1), returns what broadcasts to (..., n).
    jumps_at : tuple of float
        Times at which the function jumps.
    """

    function: Callable[[Tensor], Tensor]
    jumps_at: tuple[float, ...] = ()

    def __call__(self, s: Float[Tensor, "*times 1"]) -> Float[Tensor, "*times_and_batch n"]:
        """Return function(s)."""
        return self.function(s)

    @property
    def jumps(self) -> tuple[float, ...]:
        """Return the declared jumps."""
        return self.jumps_at


@dataclass(frozen=True, slots=True)
class StartingAt(History):
    """A history whose last value is replaced: x(t0) = start, x(s) = before(s) for s < t0."""

    before: History
    start: Float[Tensor, "*batch n"]

    def __call__(self, s: Float[Tensor, "*times 1"]) -> Float[Tensor, "*times_and_batch n"]:
        """Return the history before t0."""
        return self.before(s)

    def initial(self, t0: Float[Tensor, " 1"]) -> Float[Tensor, "*batch n"]:  # noqa: ARG002
        """Return the start."""
        return self.start

    @property
    def starts_with_jump(self) -> bool:
        """Return True."""
        return True

    @property
    def jumps(self) -> tuple[float, ...]:
        """Return the jumps of the history before t0."""
        return self.before.jumps


def as_history(history: object) -> History:
    """Take a History, a tensor (constant in time) or a callable.

    Raises
    ------
    SolverError
        If it is none of them, or a tensor without a state axis or of integers.
    """
    if isinstance(history, History):
        return history
    if isinstance(history, Tensor):
        if history.ndim == 0 or not history.is_floating_point():
            raise SolverError(
                f"a tensor of shape {tuple(history.shape)} and type {history.dtype}",
                where="history",
                wanted="a floating point tensor of shape (..., n)",
            )
        return ConstantHistory(history)
    if callable(history):
        return FunctionHistory(history)
    raise SolverError(
        f"{type(history).__name__} is no history",
        where="history",
        wanted="a tensor (..., n) or a callable",
    )
