"""A program in the standard form of Clarabel, built at once from its matrices.

cvxpy takes a millisecond a block to compile, most of the time of a cutting-plane round with
hundreds of small blocks (measured: 2.0 s against 0.13 s); here the rows are stacked in numpy.
Other solvers go through cvxpy (``program.py``); a test compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import clarabel
import numpy as np
from scipy import sparse

from certdde.verify.lmi.failure import failure

if TYPE_CHECKING:
    from certdde.verify.lmi.program import Block, Program


def solve_by_clarabel(
    program: Program, minimise: np.ndarray | None, margin: float | None, largest: float
) -> tuple[np.ndarray | None, str]:
    """Return x (None if there is none) and the solver's status.

    The unknowns are x, and t unless the margin is fixed.
    """
    free = margin is None
    size = program.count + free
    rows, right, cones = _limits(program, size, largest if free else None)
    for block in program.blocks:
        row, bound, cone = _rows(block, size, margin)
        rows.append(row)
        right.append(bound)
        cones.append(cone)
    cost = np.zeros(size)
    if free:
        cost[-1] = -1.0
    elif minimise is not None:
        cost[: program.count] = minimise
    data = sparse.csc_matrix(np.concatenate(rows)), np.concatenate(right)
    x, status = _run(cost, *data, cones, equilibrate=True)
    if status == "NumericalError":  # it may get no further than the first step
        x, status = _run(cost, *data, cones, equilibrate=False)
    return (None if x is None else x[: program.count]), status


def _run(
    cost: np.ndarray,
    matrix: sparse.csc_matrix,
    right: np.ndarray,
    cones: list,
    *,
    equilibrate: bool,
) -> tuple[np.ndarray | None, str]:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.equilibrate_enable = equilibrate
    empty = sparse.csc_matrix((len(cost), len(cost)))
    try:
        solver = clarabel.DefaultSolver(empty, cost, matrix, right, cones, settings)
        solution = solver.solve()
    except BaseException as error:  # a panic of Rust is no Exception
        return None, failure(error)
    x, status = np.asarray(solution.x, dtype=np.float64), str(solution.status)
    return (x if np.all(np.isfinite(x)) and "Infeasible" not in status else None), status


def _limits(program: Program, size: int, largest: float | None) -> tuple[list, list, list]:
    """Return the rows of vector . x <= bound, and of t <= largest."""
    rows = [np.pad(vector, (0, size - len(vector))) for vector, _ in program.limits]
    right = [bound for _, bound in program.limits]
    if largest is not None:
        rows.append(np.eye(size)[-1])
        right.append(largest)
    if not rows:
        return [], [], []
    return (
        [np.stack(rows)],
        [np.array(right, dtype=np.float64)],
        [clarabel.NonnegativeConeT(len(rows))],
    )


def _rows(block: Block, size: int, margin: float | None) -> tuple[np.ndarray, np.ndarray, object]:
    """Return A, b and the cone with b - A x = svec of minus the block."""
    k = block.constant.shape[0]
    cols, lines = np.tril_indices(k)  # the upper triangle, column by column
    weight = np.where(cols == lines, 1.0, np.sqrt(2.0))
    matrix = np.zeros((len(cols), size))
    matrix[:, : len(block.matrices)] = (block.matrices[:, lines, cols] * weight).T
    bound = -block.constant[lines, cols] * weight
    identity = block.margin_weight * (lines == cols)
    if margin is None:
        matrix[:, -1] = identity
    else:
        bound = bound - margin * identity
    return matrix, bound, clarabel.NonnegativeConeT(1) if k == 1 else clarabel.PSDTriangleConeT(k)
