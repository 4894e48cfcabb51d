"""The few operations from which networks and features are built, on tensors and on enclosures alike.

An enclosure (Taylor form, slope form) brings its own ``affine``, ``call``, ``weighted``, ``column`` and ``join``;
a tensor has its components in the last axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch.nn.functional import linear


class Enclosure(Protocol):
    """A vector of quantities enclosed on a batch of boxes."""

    def affine(self, weight: torch.Tensor, bias: torch.Tensor | None) -> Any:
        """Return weight @ self + bias."""

    def call(self, name: str) -> Any:
        """Return a named function of each component."""

    def weighted(self, factor: Any) -> Any:
        """Return factor * self, componentwise; self vanishes at the origin."""

    def column(self, index: int) -> Any:
        """Return one component, as a quantity with + - * / and integer powers."""

    def columns(self, index: Sequence[int]) -> Any:
        """Return a vector of some components."""


def affine(value: Any, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Any:
    """Return weight @ value + bias."""
    return (
        linear(value, weight, bias)
        if isinstance(value, torch.Tensor)
        else value.affine(weight, bias)
    )


def weighted(value: Any, factor: Any) -> Any:
    """Return factor * value; value vanishes at the origin."""
    return factor * value if isinstance(value, torch.Tensor) else value.weighted(factor)


def column(value: Any, index: int) -> Any:
    """Return one component."""
    return value[..., index] if isinstance(value, torch.Tensor) else value.column(index)


def columns(value: Any, index: Sequence[int]) -> Any:
    """Return a vector of some components."""
    return value[..., list(index)] if isinstance(value, torch.Tensor) else value.columns(index)


def concatenate(
    parts: Sequence[Any], scalars: Sequence[Any], order: Sequence[tuple[str, int]]
) -> Any:
    """Join vectors and scalars into one vector, in the order given by ("vector", i) and ("scalar", i)."""
    pieces = [parts[i] if kind == "vector" else scalars[i] for kind, i in order]
    if isinstance(pieces[0], torch.Tensor):
        reference = next(p for (kind, _), p in zip(order, pieces, strict=True) if kind == "vector")
        shaped = [
            p if kind == "vector" else p.expand(reference.shape[:-1]).unsqueeze(-1)
            for (kind, _), p in zip(order, pieces, strict=True)
        ]
        return torch.cat(shaped, dim=-1)
    return type(pieces[0]).join(pieces)
