"""How the solver sees a delay: a constant, a function of time, or a function of time and state."""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.solvers.errors import SolverError


@dataclass(frozen=True, slots=True)
class ConstantLag:
    """A delay that does not change, () or (*batch,); whether some, or all, are 0 is read off once."""

    value: Tensor
    some_zero: bool
    all_zero: bool


@dataclass(frozen=True, slots=True)
class TimeLag:
    """tau(t): elementwise in t; ``jumps(t0, t1)`` are the declared jump times, (M,) or (M, *batch), padded with inf.

    ``rough`` says that it is continuous nowhere, so that no breaking point can be followed through it.
    """

    function: Callable[[Tensor], Tensor]
    lower: float = 0.0
    upper: float = math.inf
    jumps: Callable[[float, float], Tensor] | None = None
    rough: bool = False


@dataclass(frozen=True, slots=True)
class StateLag:
    """tau(t, x)."""

    function: Callable[[Tensor, Tensor], Tensor]
    lower: float = 0.0
    upper: float = math.inf


Lag = ConstantLag | TimeLag | StateLag


def as_lags(
    delays: Sequence[object] | Tensor | float | Callable[..., Tensor],
    like: Tensor,
    bounds: Sequence[tuple[float, float] | None] | None,
) -> tuple[Lag, ...]:
    """Read the ``delays`` argument.

    Raises
    ------
    SolverError
        If a delay is neither a number, a tensor nor a callable of one or two arguments; if a constant delay is
        negative or not finite; if there are bounds for another number of delays.
    """
    items = list(delays) if isinstance(delays, (list, tuple)) else [delays]
    if bounds is not None and len(bounds) != len(items):
        raise SolverError(
            f"{len(bounds)} bounds for {len(items)} delays",
            where="options.delay_bounds",
            wanted="one entry a delay",
        )
    pairs = [
        (0.0, math.inf) if bounds is None or b is None else b
        for b in (bounds or [None] * len(items))
    ]
    return tuple(
        _as_lag(item, like, *pair, f"delays[{i}]")
        for i, (item, pair) in enumerate(zip(items, pairs, strict=True))
    )


def _as_lag(item: object, like: Tensor, lower: float, upper: float, where: str) -> Lag:
    if isinstance(item, (int, float, Tensor)):
        value = torch.as_tensor(item, dtype=like.dtype, device=like.device)
        if bool((~torch.isfinite(value) | (value < 0)).any()):
            raise SolverError(
                "a delay is negative or not finite", where=where, wanted="finite delays >= 0"
            )
        zero = value == 0
        return ConstantLag(value, bool(zero.any()), bool(zero.all()))
    if not callable(item):
        raise SolverError(
            f"{type(item).__name__} is no delay",
            where=where,
            wanted="a tensor, tau(t) or tau(t, x)",
        )
    path = _as_path(item)
    if path is not None:
        return path
    count = _positional(item)
    if count == 1:
        return TimeLag(item, lower, upper)
    if count == 2:
        return StateLag(item, lower, upper)
    raise SolverError(
        f"a delay that takes {count} arguments", where=where, wanted="tau(t) or tau(t, x)"
    )


def _as_path(item: Callable[..., Tensor]) -> TimeLag | None:
    from certdde.delays.paths import (
        DelayPath,
    )  # late: the words of the field need no solver, nor does a constant delay

    if not isinstance(item, DelayPath):
        return None
    has_jumps = item.regularity not in ("smooth", "measurable")
    return TimeLag(
        item,
        item.lower,
        item.upper,
        item.jumps if has_jumps else None,
        item.regularity == "measurable",
    )


def _positional(function: Callable[..., Tensor]) -> int:
    target = function.forward if isinstance(function, torch.nn.Module) else function
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(target).parameters.values()
    return sum(p.kind in kinds and p.default is inspect.Parameter.empty for p in parameters)
