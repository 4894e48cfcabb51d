"""What the functions of an expression are in torch."""

from __future__ import annotations

import math

import torch

from certdde.systems.expressions import FUNCTIONS


def apply_function(name: str, value: torch.Tensor | float) -> torch.Tensor | float:
    """Apply one of ``expressions.FUNCTIONS`` to a tensor, elementwise, or to a float.

    A float argument gives a float; outside the function's domain the result is NaN, in both cases.
    """
    if name not in FUNCTIONS:
        raise KeyError(name)
    function = torch.sigmoid if name == "sigmoid" else getattr(torch, name)
    if isinstance(value, torch.Tensor):
        return function(value)
    return (
        math.nan if math.isnan(value) else float(function(torch.tensor(value, dtype=torch.float64)))
    )
