"""Activations of hidden layers and their derivatives, on tensors and on enclosures alike (format, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from certdde.functionals.algebra import columns

# sin and tanh are odd, square is even: what an even functional needs (certdde/learning/shapes.py).
ACTIVATIONS = ("tanh", "sin", "square", "softplus")
Groups = tuple[tuple[str, int], ...]  # names and how many units each has, in the order of the units
Activation = str | tuple[Groups, ...]  # one name for all hidden layers, or the groups of each


def layer_groups(activation: Activation, level: int, width: int) -> Groups:
    """Return the groups of units of a hidden layer."""
    return ((activation, width),) if isinstance(activation, str) else activation[level]


def apply(name: str, z: Any) -> Any:
    """Return phi(z) componentwise: tanh, sin, z^2, log(1 + exp z)."""
    if name == "square":
        return z**2
    if not isinstance(z, torch.Tensor):
        return z.call(name)
    if name == "softplus":  # torch's own is linear beyond 20
        return torch.logaddexp(z, torch.zeros_like(z))
    return z.tanh() if name == "tanh" else z.sin()


def rate(name: str, z: Any, h: Any) -> Any:
    """Return phi'(z) componentwise, for h = phi(z)."""
    if name == "tanh":
        return 1.0 - h**2
    if name == "square":
        return 2.0 * z
    derivative = {"sin": "cos", "softplus": "sigmoid"}[name]
    return getattr(z, derivative)() if isinstance(z, torch.Tensor) else z.call(derivative)


def by_groups(groups: Groups, function: Callable[..., Any], *values: Any) -> Any:
    """Return function(name, *parts) of every group's components of the values, side by side."""
    if len(groups) == 1:
        return function(groups[0][0], *values)
    found: list[Any] = []
    start = 0
    for name, count in groups:
        index = range(start, start + count)
        found.append(function(name, *(columns(value, index) for value in values)))
        start += count
    return _side_by_side(found)


def _side_by_side(parts: Sequence[Any]) -> Any:
    first = parts[0]
    return torch.cat(list(parts), dim=-1) if isinstance(first, torch.Tensor) else first.join(parts)
