"""Conic programs in the standard form of Clarabel, for it and for the solvers that cvxpy knows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import clarabel
import numpy as np
from scipy import sparse

from certdde.verify.lmi.failure import failure

LARGE = 4000  # rows, from which the supernodal factorisation is the faster one
ROOT = float(np.sqrt(2.0))


@dataclass(frozen=True, slots=True)
class Standard:
    """Minimise cost . x subject to right - matrix x in the product of the cones."""

    cost: np.ndarray
    matrix: sparse.csc_matrix
    right: np.ndarray
    cones: list[object]


def triangle(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, columns and factors of the scaled upper triangle, column by column."""
    cols, lines = np.tril_indices(size)
    return lines, cols, np.where(cols == lines, 1.0, ROOT)


def cone(size: int) -> object:
    """Return the cone of positive semidefinite matrices of a size."""
    return clarabel.NonnegativeConeT(1) if size == 1 else clarabel.PSDTriangleConeT(size)


def clarabel_solution(program: Standard, seconds: float) -> tuple[np.ndarray | None, str]:
    """Return x (None if there is none) and the solver's status."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.time_limit = max(seconds, 1e-3)
    if len(program.right) > LARGE:
        settings.direct_solve_method = "faer"
    try:
        empty = sparse.csc_matrix((len(program.cost),) * 2)
        solver = clarabel.DefaultSolver(
            empty, program.cost, program.matrix, program.right, program.cones, settings
        )
        solution = solver.solve()
    except BaseException as error:  # a panic of Rust is no Exception
        return None, failure(error)
    status = str(solution.status)
    return (None if "Infeasible" in status else np.asarray(solution.x, dtype=np.float64)), status


def cvxpy_solution(program: Standard, solver: str) -> tuple[np.ndarray | None, str]:
    """Return x (None if there is none) and the status of a solver that cvxpy knows."""
    import cvxpy as cp

    x = cp.Variable(len(program.cost))
    slack = program.right - program.matrix @ x
    constraints, start = [], 0
    for kind in program.cones:
        name, size = type(kind).__name__, int(kind.dim)  # type: ignore[attr-defined]
        length = size * (size + 1) // 2 if name == "PSDTriangleConeT" else size
        part = slack[start : start + length]
        start += length
        if name == "ZeroConeT":
            constraints.append(part == 0)
        elif name == "NonnegativeConeT":
            constraints.append(part >= 0)
        else:
            constraints.append(cp.reshape(_unfold(size) @ part, (size, size), order="C") >> 0)
    problem = cp.Problem(cp.Minimize(program.cost @ x), constraints)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            problem.solve(solver=solver)
        except (cp.error.SolverError, ArithmeticError, ValueError) as error:
            return None, f"failed: {type(error).__name__}"
    return (None if x.value is None else np.asarray(x.value)), str(problem.status)


def _unfold(size: int) -> sparse.csr_matrix:
    """Return the map from a scaled triangle to the whole matrix, row by row."""
    lines, cols, scale = triangle(size)
    places, data = np.arange(len(lines)), 1 / scale
    off = lines != cols
    rows = np.concatenate([lines * size + cols, (cols * size + lines)[off]])
    index = (rows, np.concatenate([places, places[off]]))
    return sparse.csr_matrix((np.concatenate([data, data[off]]), index), (size**2, len(lines)))
