"""What the functions of an expression are in torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch

from certdde.systems.expressions import FUNCTIONS, Expression, Variable, evaluate


def apply_function(name: str, value: torch.Tensor | float) -> torch.Tensor | float:
    """Apply one of ``expressions.FUNCTIONS`` to a tensor, elementwise, or to a float.

    A float argument gives a float; outside the function's domain the result is NaN, in both cases.
    """
    if name not in FUNCTIONS:
        raise KeyError(name)
    function: Callable[[torch.Tensor], torch.Tensor] = getattr(torch, name)
    if isinstance(value, torch.Tensor):
        return function(value)
    return (
        math.nan if math.isnan(value) else float(function(torch.tensor(value, dtype=torch.float64)))
    )


def stack_rows(
    rhs: Sequence[Expression],
    states: Sequence[str],
    x: torch.Tensor,
    past: Mapping[tuple[str, int], torch.Tensor],
) -> torch.Tensor:
    """Evaluate a right-hand side; x and the states at each lag have shape (..., n), and so has the result."""
    values = {Variable(s): x[..., i] for i, s in enumerate(states)}
    values |= {Variable(s, *k): y[..., i] for k, y in past.items() for i, s in enumerate(states)}
    rows = [evaluate(e, values, apply_function) for e in rhs]
    like = torch.broadcast_tensors(x[..., 0], *(y[..., 0] for y in past.values()))[0]
    return torch.stack(
        [
            row.expand_as(like) if isinstance(row, torch.Tensor) else torch.full_like(like, row)
            for row in rows
        ],
        dim=-1,
    )
