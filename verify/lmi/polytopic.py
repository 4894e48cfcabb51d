"""The polytopic Bessel-Legendre LMI: f = F [x; y], slopes F in a box (docs/math.md, section 2).

For a linear system it is the Bessel-Legendre LMI (Seuret, Gouaisbaut 2015). It only proposes a
functional: slopes are sampled, and the
proof is the partition that branch and bound finds and the checker repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice, product

import numpy as np
import torch

from certdde.functionals import Functional
from certdde.inequalities.reduction import Reduction, as_reduction
from certdde.systems.delay_system import DelaySystem
from certdde.systems.expressions import Variable, evaluate
from certdde.systems.structure import structure
from certdde.systems.torch_functions import apply_function
from certdde.verify.lmi.parameters import Parameters
from certdde.verify.lmi.positivity import mean_on_constant_histories, nearest_faces, positivity
from certdde.verify.lmi.program import Program, Solution, solve, stack_blocks

MAX_UNCERTAIN = 6
MOST_SAMPLES = 1e5  # points of a grid over more than four nonlinear variables
CORNERS = 16  # of the box of the constants known in intervals


def slope_vertices(
    system: DelaySystem, samples: int = 33
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the vertices (A, Ad) of the sampled slope box of f over the domain, A and Ad (n, n).

    n_i(xi) is split by telescoping, delayed variables first: the slope in a variable is the
    change of n_i when that variable is set to 0,
    divided by it.
    """
    parts = structure(system)
    low, high = _sampled_slopes(system, samples)
    entries = [tuple(index) for index in np.argwhere(high - low > 1e-9)]
    if len(entries) > MAX_UNCERTAIN:
        entries = sorted(entries, key=lambda index: low[index] - high[index])[:MAX_UNCERTAIN]
    middle = (low + high) / 2
    vertices = []
    for choice in product((0, 1), repeat=len(entries)):
        slopes = middle.copy()
        for index, upper in zip(entries, choice, strict=True):
            slopes[index] = high[index] if upper else low[index]
        n = system.dimension
        vertices.append(
            (
                torch.as_tensor(parts.present + slopes[:, :n]),
                torch.as_tensor(parts.delayed + slopes[:, n:]),
            )
        )
    return vertices


def _sampled_slopes(system: DelaySystem, samples: int) -> tuple[np.ndarray, np.ndarray]:
    parts, n = structure(system), system.dimension
    shape = (n, 2 * n)
    if not parts.nonlinear:
        return np.zeros(shape), np.zeros(shape)
    if len(parts.nonlinear) > 4:
        samples = int(MOST_SAMPLES ** (1 / len(parts.nonlinear)))
    domain = system.whole or ()
    order = [*[v for v in parts.nonlinear if v.delay], *[v for v in parts.nonlinear if not v.delay]]
    axes = [
        torch.linspace(float(domain[i][0]), float(domain[i][1]), samples, dtype=torch.float64)
        + 1e-7
        for i in (system.states.index(v.name) for v in order)
    ]
    grid = torch.meshgrid(*axes, indexing="ij")
    points = dict(zip(order, (g.reshape(-1) for g in grid), strict=True))
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    for corner in islice(product(*parts.ranges), CORNERS):
        values = points | {v: float(c) for v, c in zip(parts.constants, corner, strict=True)}
        for variable in order:
            column = system.states.index(variable.name) + (n if variable.delay else 0)
            without = values | {variable: torch.zeros_like(values[variable])}
            for i, remainder in enumerate(parts.remainders):
                change = (_value(remainder, values) - _value(remainder, without)) / values[variable]
                low[i, column] = min(low[i, column], float(change.min()))
                high[i, column] = max(high[i, column], float(change.max()))
            values = without
    inside = low <= high  # false too where no slope was taken
    return np.where(inside, low, 0.0), np.where(inside, high, 0.0)


def _value(remainder: object, values: dict[Variable, torch.Tensor]) -> torch.Tensor:
    like = next(iter(values.values()))
    return torch.zeros_like(like) + evaluate(remainder, values, apply_function)  # type: ignore[arg-type]


def polytopic_lmi(
    system: DelaySystem,
    order: int,
    cover: Sequence[float] | Reduction,
    *,
    solver: str = "CLARABEL",
    margin: float = 0.03,
) -> tuple[Functional, float] | None:
    """Solve the LMI at all vertices; return the functional and the margin, or None where there is none.

    Parameters
    ----------
    system : DelaySystem
        Well scaled (domain of about unit size).
    order : int
    cover : Reduction, or sequence of float
        The delay class; a sequence means the breaks of a constant delay.
    solver : str
    margin : float
        The margin at which the mean of V is minimised, once the largest is known.
    """
    parameters, reduction = Parameters(system.dimension, order), as_reduction(cover)
    blocks = positivity(parameters, reduction.longest, nearest_faces(system))
    program = Program(parameters.count, blocks)
    for present, delayed in slope_vertices(system):
        rows = reduction.linear_rows(present, delayed, order)
        program.blocks += stack_blocks(parameters.basis(partial(reduction.forms, rows)))
    mean = mean_on_constant_histories(parameters, system, reduction.longest)
    cap = 1e3 if system.domain else 1e5  # a global claim has no region to keep large
    share = 0.3 if system.domain else 1.0
    solution = best(program, mean, solver=solver, margin=margin, cap=cap, share=share)
    return None if solution is None else (parameters.functional(solution.x), solution.margin)


def best(
    program: Program,
    mean: np.ndarray,
    *,
    solver: str,
    margin: float,
    cap: float = 1e3,
    share: float = 0.3,
) -> Solution | None:
    """Maximise the margin; then minimise the mean of V at ``margin``, or at a share of the largest.

    The level of V is fixed by v_0 >= 1 on the faces, so margins are comparable between systems. A share of 1 leaves
    out the second step: a global claim has no region.
    """
    program.limits = [(mean, cap)]
    first = solve(program, solver=solver)
    if first is None or not first.margin > 1e-7:
        return None
    if share >= 1:
        return first
    second = solve(program, minimise=mean, margin=min(margin, share * first.margin), solver=solver)
    return second if second is not None and second.margin > 0 else first
