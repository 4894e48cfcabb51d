"""Histories to begin an attack from: constant, sinusoidal, straight, in pieces; and scaled onto V = level."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from certdde.functionals import Functional
from certdde.functionals.energy import history_energy
from certdde.learning.domain_box import Box
from certdde.studies.window import PIECES

INSIDE = 1 - 1e-5  # of the level: V of a history is found by quadrature


def sampled_histories(
    box: Box, count: int, generator: torch.Generator
) -> Float[Tensor, "nodes batch n"]:
    """Draw histories in the box, in equal shares of each kind; the first are the constant corners."""
    kinds = [_constant, _sinusoidal, _straight, _pieces]
    each = [kind(box, -(-count // len(kinds)), generator) for kind in kinds]
    return box.clipped(torch.cat(each, dim=1)[:, :count])


def _draw(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def _constant(box: Box, count: int, generator: torch.Generator) -> Tensor:
    n = len(box.low)
    unit = _draw(generator, count, n)
    corners = min(count, 2**n)
    for k in range(corners):
        unit[k] = torch.tensor([float((k >> i) & 1) for i in range(n)])
    return (box.low + unit * (box.high - box.low)).expand(PIECES + 1, count, n)


def _sinusoidal(box: Box, count: int, generator: torch.Generator) -> Tensor:
    n = len(box.low)
    u = torch.linspace(0.0, 1.0, PIECES + 1, dtype=torch.float64)[:, None, None]
    turns = torch.randint(1, 4, (count, n), generator=generator) / 2
    wave = torch.sin(2 * math.pi * (turns * u + _draw(generator, count, n)))
    return (box.low + box.high) / 2 + box.half * wave * (0.3 + 0.7 * _draw(generator, count, n))


def _straight(box: Box, count: int, generator: torch.Generator) -> Tensor:
    u = torch.linspace(0.0, 1.0, PIECES + 1, dtype=torch.float64)[:, None, None]
    ends = _draw(generator, 2, count, len(box.low))
    return box.low + (box.high - box.low) * (ends[0] + u * (ends[1] - ends[0]))


def _pieces(box: Box, count: int, generator: torch.Generator) -> Tensor:
    drawn = _draw(generator, PIECES + 1, count, len(box.low))
    kept = _draw(generator, PIECES + 1, count, 1) < 0.5
    for k in range(1, PIECES + 1):
        drawn[k] = torch.where(kept[k], drawn[k - 1], drawn[k])
    return box.low + (box.high - box.low) * drawn


def onto_level(
    functional: Functional,
    nodes: Float[Tensor, "nodes batch n"],
    longest: Float[Tensor, " batch"],
    level: float,
    box: Box,
    panels: int,
) -> Float[Tensor, "nodes batch n"]:
    """Return the histories times the largest factors with V within the level and values within the domain.

    A global claim has no level: the histories are scaled to V = 1 (its V is quadratic).
    """

    def value(factor: Tensor) -> Tensor:
        return history_energy(functional, nodes * factor[:, None], longest, panels)

    largest = (1 / (1 + box.excursion(nodes)).amax(0).clamp(min=1e-12)).clamp(max=1e9)
    if not box.bounded:
        start = value(torch.ones_like(largest))
        return nodes * (1 / start.clamp(min=1e-300)).sqrt()[:, None]
    aim = level * INSIDE
    low, high = torch.zeros_like(largest), largest
    fits: Bool[Tensor, " batch"] = value(largest) <= aim
    for _ in range(40):
        middle = (low + high) / 2
        inside = value(middle) <= aim
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    return nodes * torch.where(fits, largest, low)[:, None]
