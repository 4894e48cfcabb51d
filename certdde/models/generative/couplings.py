"""Where the paths of a generator begin and end, and what was before them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from certdde.errors import ProblemError
from certdde.solvers import ConstantHistory, History, StartingAt

BATCH = 512
"""Points that are assigned to each other at once."""
ROUNDS = 50
"""Of the search for codes."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What paths come from: x(s) = past for s < 0, and x(0) = start.

    Attributes
    ----------
    past, start : Tensor, (n, d)

    Raises
    ------
    ProblemError
        If the shapes differ.
    """

    past: Float[Tensor, "n d"]
    start: Float[Tensor, "n d"]

    def __post_init__(self) -> None:
        _same_shapes("origin", past=self.past, start=self.start)

    def __len__(self) -> int:
        return self.start.shape[0]

    def history(self) -> History:
        """Return the history that the solver takes."""
        before = ConstantHistory(self.past)
        return before if torch.equal(self.past, self.start) else StartingAt(before, self.start)

    def select(self, index: Int[Tensor, " chosen"]) -> Self:
        """Return some of them, in the order of the index."""
        return type(self)(self.past[index], self.start[index])


@dataclass(frozen=True, slots=True)
class Pairs:
    """Origins, and the points at time 1 that belong to them.

    Attributes
    ----------
    origin : Origin
    end : Tensor, (n, d)

    Raises
    ------
    ProblemError
        If the shapes differ.
    """

    origin: Origin
    end: Float[Tensor, "n d"]

    def __post_init__(self) -> None:
        _same_shapes("pairs", start=self.origin.start, end=self.end)

    def __len__(self) -> int:
        return len(self.origin)

    def select(self, index: Int[Tensor, " chosen"]) -> Self:
        """Return some of them, in the order of the index."""
        return type(self)(self.origin.select(index), self.end[index])


class Coupling(ABC):
    """How ends get their origins for training, and how origins are drawn afterwards.

    Implementations owe: the origins of ``pairs`` have the law of ``origins``, up to the finite number of ends.
    """

    @abstractmethod
    def pairs(self, end: Float[Tensor, "n d"], generator: torch.Generator) -> Pairs:
        """Return the ends with origins of their own; they may come in another order."""

    @abstractmethod
    def origins(self, like: Float[Tensor, "n d"], generator: torch.Generator) -> Origin:
        """Draw origins of the shape, type and device of ``like``."""


class Independent(Coupling):
    """Standard normal starts that say nothing of the end; the past is the start."""

    def pairs(self, end: Float[Tensor, "n d"], generator: torch.Generator) -> Pairs:
        """Return the ends with starts of their own."""
        return Pairs(self.origins(end, generator), end)

    def origins(self, like: Float[Tensor, "n d"], generator: torch.Generator) -> Origin:
        """Draw starts."""
        start = _normal(like, generator)
        return Origin(start, start)


class Transported(Coupling):
    """Standard normal starts, assigned to the ends by optimal transport in batches; the past is the start.

    Each batch of ``BATCH`` has the assignment of the least sum of squared distances.

    References
    ----------
    Tong et al., Improving and generalizing flow-based generative models with minibatch optimal transport, TMLR 2024
    (arXiv 2302.00482).
    """

    def pairs(self, end: Float[Tensor, "n d"], generator: torch.Generator) -> Pairs:
        """Return the ends with the starts that are assigned to them."""
        start = _assigned(_normal(end, generator), end)
        return Pairs(Origin(start, start), end)

    def origins(self, like: Float[Tensor, "n d"], generator: torch.Generator) -> Origin:
        """Draw starts."""
        return Independent().origins(like, generator)


@dataclass(frozen=True, slots=True)
class Coded(Coupling):
    """A code as the past, and a standard normal start that is independent of it.

    The code of an end is the nearest of finitely many points; among the ends of one code the starts are assigned as by
    :class:`Transported`. So the history tells which part of the law is meant, and the start where in it.

    Attributes
    ----------
    points : Tensor, (codes, d)
    weights : Tensor, (codes,)
        Shares of the ends, with the sum 1.
    """

    points: Float[Tensor, "codes d"]
    weights: Float[Tensor, " codes"]

    @classmethod
    def of(cls, end: Float[Tensor, "n d"], codes: int, generator: torch.Generator) -> Self:
        """Find codes by Lloyd's algorithm: means of the ends that are nearest to each; it begins at random ends.

        Raises
        ------
        ProblemError
            If there are not as many ends as codes, or no code.
        """
        if not 1 <= codes <= len(end):
            raise ProblemError(f"{codes} codes", where="codes", wanted=f"1 to {len(end)}, the ends")
        points = end[torch.randperm(len(end), generator=generator)[:codes]]
        for _ in range(ROUNDS):
            code = _nearest(end, points)
            share = torch.bincount(code, minlength=codes).to(end) / len(end)
            sums = torch.zeros_like(points).index_add(0, code, end)
            means = sums / (len(end) * share.clamp_min(1 / len(end))).unsqueeze(1)
            points = torch.where(share.unsqueeze(1) > 0, means, points)
        return cls(
            points, torch.bincount(_nearest(end, points), minlength=codes).to(end) / len(end)
        )

    def pairs(self, end: Float[Tensor, "n d"], generator: torch.Generator) -> Pairs:
        """Return the ends, in the order of their codes, with codes and starts."""
        code = _nearest(end, self.points)
        order = torch.argsort(code, stable=True)
        end, code, start = end[order], code[order], _normal(end, generator)
        groups = [int(k) for k in torch.bincount(code, minlength=len(self.points))]
        parts = zip(start.split(groups), end.split(groups), strict=True)
        assigned = torch.cat([_assigned(some, there) for some, there in parts])
        return Pairs(Origin(self.points[code], assigned), end)

    def origins(self, like: Float[Tensor, "n d"], generator: torch.Generator) -> Origin:
        """Draw codes by their weights, and starts."""
        weights = self.weights.double().cpu()
        code = torch.multinomial(weights, len(like), replacement=True, generator=generator)
        return Origin(self.points[code].to(like), _normal(like, generator))


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)


def _nearest(end: Tensor, points: Tensor) -> Tensor:
    return torch.cdist(end, points).argmin(1)


def _assigned(source: Tensor, end: Tensor) -> Tensor:
    """Return the source in the order that fits the ends best, batch by batch."""
    parts = [source[:0]]
    for some, there in zip(source.split(BATCH), end.split(BATCH), strict=True):
        cost = torch.cdist(there.double(), some.double()).square()
        _, column = linear_sum_assignment(cost.cpu().numpy())
        parts.append(some[torch.as_tensor(column, device=some.device)])
    return torch.cat(parts)


def _same_shapes(where: str, **tensors: Tensor) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ProblemError(told, where=where, wanted="the same shape")
