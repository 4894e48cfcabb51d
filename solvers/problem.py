"""An initial value problem with delays, read and checked."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from certdde.solvers.errors import SolverError
from certdde.solvers.histories import History, as_history
from certdde.solvers.lags import ConstantLag, Lag, TimeLag, as_lags
from certdde.solvers.options import Options

RightSide = Callable[[Tensor, Tensor, Sequence[Tensor]], Tensor]


@dataclass(frozen=True, slots=True)
class Problem:
    """x'(t) = f(t, x(t), x(t - tau_1), ..), x = history for t <= t[0].

    Attributes
    ----------
    f : callable
    history : History
    t : Tensor, (T,)
        Output times, increasing; t[0] is where the integration begins.
    lags : tuple of Lag
    x0 : Tensor, (*batch, n)
    batch : tuple of int
    jumps : tuple of float
        Times after t[0] at which f or a delay jumps.
    """

    f: RightSide
    history: History
    t: Tensor
    lags: tuple[Lag, ...]
    x0: Tensor
    batch: tuple[int, ...]
    jumps: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of samples."""
        return math.prod(self.batch)

    @property
    def dimension(self) -> int:
        """Number of states."""
        return self.x0.shape[-1]

    @property
    def has_jumps(self) -> bool:
        """Say whether f along the solution may jump after t[0]."""
        return bool(self.history.jumps) or self.history.starts_with_jump or self.declares_jumps

    @property
    def declares_jumps(self) -> bool:
        """Say whether there are declared jumps of f or of a delay."""
        return bool(self.jumps) or any(
            isinstance(lag, TimeLag) and lag.jumps is not None for lag in self.lags
        )

    def flat(self, value: Tensor) -> Tensor:
        """Reshape a value per sample, () or (*batch), to (1,) or (B,)."""
        if value.ndim == 0:
            return value.reshape(1)
        return value.expand(self.batch).reshape(-1) if self.batch else value.reshape(1)

    def times(self, t: Tensor) -> Tensor:
        """Reshape times (Q, 1 or B) so that they broadcast with states: (Q, 1, .., 1) or (Q, *batch, 1)."""
        if t.shape[1] == 1:
            return t.reshape(-1, *([1] * len(self.batch)), 1)
        return t.reshape(-1, *self.batch, 1)

    def past(self, s: Tensor) -> Tensor:
        """Evaluate the history at times s (Q, 1 or B): (Q, B, n)."""
        value = self.history(self.times(s)).to(self.x0)
        return value.expand(s.shape[0], *self.batch, self.dimension).reshape(
            s.shape[0], self.size, self.dimension
        )


def pose(f: RightSide, history: object, t: Tensor, delays: object, options: Options) -> Problem:
    """Check the arguments of a solver and put them together.

    Raises
    ------
    SolverError
        If the times are not increasing or fewer than two, if shapes do not fit each other, if the history, the delays
        or the value of f cannot be used.
    """
    source = as_history(history)
    x0 = source.initial(t[:1])
    if not x0.is_floating_point() or x0.ndim == 0:
        raise SolverError(
            f"the history gives shape {tuple(x0.shape)}, type {x0.dtype}",
            where="history",
            wanted="floats (..., n)",
        )
    times = t.to(device=x0.device, dtype=x0.dtype)
    if t.ndim != 1 or t.shape[0] < 2 or not bool((times[1:] > times[:-1]).all()):
        raise SolverError(
            f"times of shape {tuple(t.shape)}", where="t", wanted="two or more increasing times"
        )
    lags = as_lags(delays, x0, options.delay_bounds)  # type: ignore[arg-type]
    shapes = [lag.value.shape for lag in lags if isinstance(lag, ConstantLag)]
    shapes += [lag.function(times[0]).shape for lag in lags if isinstance(lag, TimeLag)]
    try:
        # numpy's: torch's own loads sympy at its first call, a second and more
        batch = torch.Size(np.broadcast_shapes(x0.shape[:-1], *shapes))
    except ValueError:
        raise SolverError(
            f"delays of shape {[tuple(s) for s in shapes]} do not fit states of shape {tuple(x0.shape)}",
            where="delays",
            wanted="a scalar, or one delay per sample",
        ) from None
    return Problem(
        f, source, times, lags, x0.expand(*batch, x0.shape[-1]), tuple(batch), tuple(options.jumps)
    )


def needs_graph(problem: Problem) -> bool:
    """Evaluate f once at the start: check its shape, and say whether anything in it asks for a gradient.

    Raises
    ------
    SolverError
        If f does not return a tensor shaped like the state.
    """
    t0 = problem.t[:1]
    before = problem.past((t0 - 1e-3).unsqueeze(1)).reshape(problem.x0.shape)
    value = problem.f(t0[0], problem.x0, [before for _ in problem.lags])
    if not isinstance(value, Tensor) or value.shape != problem.x0.shape:
        got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise SolverError(
            f"f returns {got}",
            where="f",
            wanted=f"a tensor of the shape of the state, {tuple(problem.x0.shape)}",
        )
    if not torch.is_grad_enabled():
        return False
    lagged = [lag.value for lag in problem.lags if isinstance(lag, ConstantLag)]
    lagged += [lag.function(t0[0]) for lag in problem.lags if isinstance(lag, TimeLag)]
    return any(part.requires_grad for part in (value, problem.t, problem.x0, before, *lagged))
