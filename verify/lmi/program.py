"""Semidefinite programs over one vector of unknowns, solved through cvxpy and never believed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import cvxpy as cp
import numpy as np

from certdde.verify.lmi.conic import solve_by_clarabel


@dataclass(frozen=True, slots=True)
class Block:
    """sum_i x_i matrices[i] + margin_weight * t * I + constant <= 0 (negative semidefinite)."""

    matrices: np.ndarray
    constant: np.ndarray
    margin_weight: float = 0.0


@dataclass(slots=True)
class Program:
    """Blocks, bounds on linear functions of x, and what to minimise.

    Attributes
    ----------
    count : int
        Number of unknowns.
    blocks : list of Block
    limits : list of (vector, bound)
        vector . x <= bound.
    """

    count: int
    blocks: list[Block] = field(default_factory=list)
    limits: list[tuple[np.ndarray, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Solution:
    """What came back: x, and the margin recomputed from x by eigenvalues (never the solver's word)."""

    x: np.ndarray
    margin: float
    status: str


def solve(
    program: Program,
    *,
    minimise: np.ndarray | None = None,
    margin: float | None = None,
    largest: float = 1.0,
    solver: str = "CLARABEL",
) -> Solution | None:
    """Maximise the margin t in [.., largest], or minimise a linear function at a fixed margin.

    Parameters
    ----------
    program : Program
    minimise : (count,) array, optional
        With ``margin``: minimise ``minimise . x`` at t = margin. Without: maximise t.
    margin : float, optional
    largest : float
        Upper end of t when it is maximised.
    solver : str
        ``CLARABEL`` is called directly; any other goes through cvxpy, which must have it.

    Returns
    -------
    Solution or None
        None if the solver returned nothing usable; its status alone is never used as evidence.
    """
    if solver == "CLARABEL":
        x, status = solve_by_clarabel(program, minimise, margin, largest)
    else:
        x, status = _solve_by_cvxpy(program, minimise, margin, largest, solver)
    if x is None or not np.all(np.isfinite(x)):
        return None
    return Solution(x, recomputed_margin(program, x), status)


def _solve_by_cvxpy(
    program: Program, minimise: np.ndarray | None, margin: float | None, largest: float, solver: str
) -> tuple[np.ndarray | None, str]:
    x = cp.Variable(program.count)
    t = cp.Variable() if margin is None else cp.Constant(margin)
    constraints = [_negative(block, x, t) for block in program.blocks]
    if program.limits:
        matrix = np.stack([vector for vector, _ in program.limits])
        constraints.append(matrix @ x <= np.array([bound for _, bound in program.limits]))
    if margin is None:
        objective = cp.Maximize(t)
        constraints.append(t <= largest)
    else:
        objective = cp.Minimize(minimise @ x)
    problem = cp.Problem(objective, constraints)
    status = _run(problem, solver)
    return None if x.value is None else np.asarray(x.value), status


def _negative(block: Block, x: cp.Variable, t: cp.Expression) -> cp.Constraint:
    size = block.constant.shape[0]
    flat = block.matrices.reshape(len(block.matrices), -1).T
    value = cp.reshape(flat @ x, (size, size), order="C") + block.constant
    if block.margin_weight:
        value = value + block.margin_weight * t * np.eye(size)
    return value << 0 if size > 1 else value[0, 0] <= 0


def _run(problem: cp.Problem, solver: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            problem.solve(solver=solver)
        except (cp.error.SolverError, ArithmeticError, ValueError) as error:
            return f"failed: {type(error).__name__}"
    return str(problem.status)


def recomputed_margin(program: Program, x: np.ndarray) -> float:
    """Return the largest t at which all blocks hold, by eigenvalues; -inf if a plain block fails, or is not finite."""
    margins = []
    for block in program.blocks:
        value = np.tensordot(x, block.matrices, 1) + block.constant
        if not np.all(np.isfinite(value)):  # LAPACK may say 0 of it
            return -np.inf
        top = float(np.linalg.eigvalsh(value)[-1])
        if block.margin_weight:
            margins.append(-top / block.margin_weight)
        elif not top <= 1e-7:
            return -np.inf
    return min(margins, default=np.inf)


def stack_blocks(
    matrices: np.ndarray, constant: np.ndarray | None = None, *, margin_weight: float = 1.0
) -> Sequence[Block]:
    """Return one block for each e of matrices (count, E, k, k)."""
    fixed = np.zeros(matrices.shape[1:]) if constant is None else constant
    return [Block(matrices[:, e], fixed[e], margin_weight) for e in range(matrices.shape[1])]
