"""The three answers of an engine. Nothing else in the program decides what is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from certdde.verify.bound_propagation.forest import Forest


@dataclass(frozen=True, slots=True)
class Proved:
    """The inequality holds on the whole box, by float64 bounds; the proof is a partition for the checker."""

    proof: Forest


@dataclass(frozen=True, slots=True)
class Refuted:
    """The inequality fails at these points (k, d)."""

    points: torch.Tensor
    boxes: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not decided: why, and where (k, d) the open boxes have their centres."""

    why: str
    where: torch.Tensor
    boxes: int


Answer = Proved | Refuted | Unknown
