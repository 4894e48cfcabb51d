"""Quadratic functionals by cutting planes on the collapsed matrix: a convex problem.

Far stronger than the polytopic LMI, and the warm start of the neural functional. The
constraints are imposed at points of xi only; what comes out
is a proposal, and infeasibility at the points shows that no quadratic functional of this order exists.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, product

import numpy as np
import torch

from certdde.functionals import Functional
from certdde.inequalities.dissipation import eliminate
from certdde.inequalities.features import Features
from certdde.inequalities.inequality import box
from certdde.inequalities.reduction import Reduction, as_reduction
from certdde.systems.delay_system import DelaySystem
from certdde.verify.lmi.parameters import Parameters
from certdde.verify.lmi.polytopic import best, polytopic_lmi
from certdde.verify.lmi.positivity import mean_on_constant_histories, nearest_faces, positivity
from certdde.verify.lmi.program import Block, Program


@dataclass(frozen=True, slots=True)
class Cuts:
    """What cutting planes found.

    Attributes
    ----------
    functional : Functional or None
        None if there is none at the points tried.
    margin : float
        Smallest of -D / |xi|^2 over the last sample; not positive where the proposal fails.
    rounds, points : int
    """

    functional: Functional | None
    margin: float
    rounds: int
    points: int


def cutting_planes(
    system: DelaySystem,
    order: int,
    cover: Sequence[float] | Reduction,
    *,
    seed: int = 0,
    rounds: int = 12,
    samples: int = 20_000,
    solver: str = "CLARABEL",
    margin: float = 0.03,
    share: float = 0.3,
    deadline: float = float("inf"),
) -> Cuts:
    """Find (P, S, R) with D < 0 at sampled points of the nonlinear variables.

    Parameters
    ----------
    system : DelaySystem
        Well scaled, with a domain.
    order : int
    cover : Reduction, or sequence of float
        The delay class; a sequence means the breaks of a constant delay.
    seed : int
        Of the sample.
    rounds, samples : int
        Rounds of adding the worst of so many sampled points.
    solver : str
    margin : float
        The mean of V on constant histories is minimised at this margin (v_0 >= 1 on the faces), or
    share : float
        at this part of the largest, if that is less.
    deadline : float
        On ``time.monotonic``: no round is begun after it.
    """
    parameters = Parameters(system.dimension, order)
    features = Features.of(system, parameters.functional(np.zeros(parameters.count)))
    if not features.dimension:  # linear: the collapsed matrix is the LMI
        plain = polytopic_lmi(system, order, cover, solver=solver, margin=margin)
        return Cuts(None, -np.inf, 1, 0) if plain is None else Cuts(*plain, 1, 0)
    reduction = as_reduction(cover)
    rows, longest = reduction.rows(features, order), reduction.longest
    basis = parameters.basis(partial(reduction.forms, rows))
    generator = torch.Generator().manual_seed(seed)
    program = Program(parameters.count, positivity(parameters, longest, nearest_faces(system)))
    program.blocks += _at_origin(basis, features)
    mean = mean_on_constant_histories(parameters, system, longest)
    d = features.dimension
    points = sample_xi(*box(system, features), 40, generator, d)
    _add(program, basis, features, points, np.repeat(_spread(basis.shape[1])[None], len(points), 0))
    found, worst, used, turn = None, np.inf, len(points), 0
    for turn in range(1, rounds + 1):
        if time.monotonic() > deadline:
            break
        solution = best(program, mean, solver=solver, margin=margin, share=share)
        if solution is None:
            return Cuts(None, -np.inf, turn, used)
        found = parameters.functional(solution.x)
        points = sample_xi(*box(system, features), samples, generator, d)
        values, largest = sampled_rates(found, features, reduction, points)
        worst = float(values.max()) if largest < 0 else np.inf
        if worst < -0.3 * solution.margin:
            break
        order_ = np.argsort(values.max(1))[::-1][:12]
        used += len(order_)
        _add(program, basis, features, points[order_.copy()], np.argsort(values[order_], 1)[:, -2:])
    return Cuts(found if worst < 0 else None, -worst, turn, used)


def _spread(count: int, most: int = 8) -> np.ndarray:
    """Return a few indices of the matrices, evenly spread; cuts add the others where they are violated."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def sample_xi(
    lower: torch.Tensor,
    upper: torch.Tensor,
    count: int,
    generator: torch.Generator,
    coordinates: int | None = None,
) -> torch.Tensor:
    """Return points (count, d) of the box: a third uniform, a third on its faces, a third scaled towards 0.

    Axes after the first ``coordinates`` are constants, and not scaled.
    """
    unit = torch.rand(count, len(lower), generator=generator, dtype=lower.dtype)
    points = lower + (upper - lower) * unit
    third = max(1, count // 3)
    axis = torch.randint(len(lower), (third,), generator=generator)
    side = torch.rand(third, generator=generator) < 0.5
    points[:third][torch.arange(third), axis] = torch.where(side, lower[axis], upper[axis])
    shrink = torch.rand(third, 1, generator=generator, dtype=lower.dtype) ** 2
    points[third : 2 * third, :coordinates] = points[third : 2 * third, :coordinates] * shrink
    return points


def sampled_rates(
    functional: Functional,
    features: Features,
    reduction: Reduction,
    points: torch.Tensor,
) -> tuple[np.ndarray, float]:
    """Return max over eta of D / |xi|^2 at points, (k, E), and the largest eigenvalue of the eliminated block."""
    rows = reduction.rows(features, functional.order)
    form = reduction.forms(rows, functional.P, functional.S, functional.R)
    collapsed, largest = eliminate(form, rows.head)
    v = features(points)
    size = points[:, : features.dimension].square().sum(-1, keepdim=True)
    rate = torch.einsum("ki,eij,kj->ke", v, collapsed, v) / size
    return rate.numpy(), float(largest.max())


def _at_origin(basis: np.ndarray, features: Features) -> list[Block]:
    """Return the constraints at xi -> 0: the form in (dv/dxi(0) xi, eta)."""
    zero, blocks = torch.zeros(features.dimension, dtype=torch.float64), []
    for constants in constant_corners(features):
        at = torch.cat([zero, constants])
        found = torch.autograd.functional.jacobian(features, at).numpy()
        slopes = found[:, : features.dimension]
        blocks += [_block(basis[:, e], slopes) for e in range(basis.shape[1])]
    return blocks


def constant_corners(features: Features, most: int = 16) -> list[torch.Tensor]:
    """Return values of the constants known in intervals: corners, the first of them; one empty vector without any."""
    ends = [(float(lo), float(hi)) for lo, hi in features.structure.ranges]
    return [torch.tensor(v, dtype=torch.float64) for v in islice(product(*ends), most)]


def _add(
    program: Program, basis: np.ndarray, features: Features, points: torch.Tensor, ends: np.ndarray
) -> None:
    """Impose D < 0 at points, for the ends named for each."""
    size = points[:, : features.dimension].norm(dim=-1, keepdim=True)
    directions = (features(points) / size).numpy()
    for v, chosen in zip(directions, ends, strict=True):
        program.blocks += [_block(basis[:, e], v[:, None]) for e in chosen]


def _block(basis: np.ndarray, columns: np.ndarray) -> Block:
    """Return K^T H K <= -t for K = blkdiag(columns, I)."""
    head, rest = columns.shape[0], basis.shape[-1] - columns.shape[0]
    k = np.zeros((head + rest, columns.shape[1] + rest))
    k[:head, : columns.shape[1]] = columns
    k[head:, columns.shape[1] :] = np.eye(rest)
    return Block(np.einsum("ia,pij,jb->pab", k, basis, k), np.zeros((k.shape[1],) * 2), 1.0)
