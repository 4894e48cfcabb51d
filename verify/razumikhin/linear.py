"""Razumikhin functions of a linear system: multipliers by search, P by a linear matrix inequality."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from certdde.verify.lmi.program import Block, Program, solve
from certdde.verify.razumikhin.average import MULTIPLIERS, Unknowns, conditions

ENOUGH = 1e-6  # a margin that exact arithmetic confirms; P has the trace n
LEAST = 1e-6  # of a multiplier
STARTS = (
    (0.3, 0.1, 0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0.5, 0.5),
    (0.1, 0.1, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.9),
    (0.8, 0.3, 0.05, 0.1, 0.05, 0.05, 0.05, 0.05, 0.9, 0.1),
)


@dataclass(frozen=True, slots=True)
class Independent:
    """V = x^T P x with grad V . f + beta (q V(x) - V(y)) < 0 for all x, y."""

    P: np.ndarray
    beta: float
    q: float
    margin: float


@dataclass(frozen=True, slots=True)
class Averaged:
    """P, Q, N and the multipliers of ``average.conditions``, in time measured in the delay."""

    at: Unknowns
    multipliers: np.ndarray
    q: float
    margin: float


def independent(present: np.ndarray, delayed: np.ndarray, q: float) -> Independent | None:
    """Look for a delay-independent Razumikhin function of x' = present x + delayed y.

    Returns
    -------
    Independent or None
        With the largest margin found by a line search on beta; None where it is not positive.

    Soundness
    ---------
    float64 proposal.
    """
    size = float(np.linalg.norm(present, 2) + np.linalg.norm(delayed, 2))
    if not size > 0:
        return None
    best = [Independent(np.eye(len(present)), size, q, -np.inf)]

    def lost(logarithm: float) -> float:
        found = _independent_at(present, delayed, size * float(np.exp(logarithm)), q)
        best[0] = max(best[0], found, key=lambda one: one.margin)
        return -found.margin

    grid = np.linspace(-7.0, 1.5, 18)
    values = [lost(k) for k in grid]
    k = int(np.argmin(values))
    ends = (grid[max(k - 1, 0)], grid[min(k + 1, len(grid) - 1)])
    minimize_scalar(lost, bounds=ends, method="bounded", options={"maxiter": 25})
    return best[0] if best[0].margin > ENOUGH * size else None


def _independent_at(present: np.ndarray, delayed: np.ndarray, beta: float, q: float) -> Independent:
    n = len(present)
    units = Unknowns.units(n).P[: n * (n + 1) // 2]
    top = units @ present
    corner = top + top.swapaxes(-1, -2) + beta * q * units
    cross = units @ delayed
    matrices = np.block([[corner, cross], [cross.swapaxes(-1, -2), -beta * units]])
    blocks = [Block(matrices, np.zeros((2 * n, 2 * n)), 1.0), _above(units, 1e-4)]
    solution = solve(Program(len(units), blocks, [(np.trace(units, axis1=1, axis2=2), float(n))]))
    if solution is None:
        return Independent(np.eye(n), beta, q, -np.inf)
    return Independent(np.tensordot(solution.x, units, 1), beta, q, solution.margin)


def _above(matrices: np.ndarray, floor: float) -> Block:
    """Return the block of sum_i x_i M_i >= floor."""
    return Block(-matrices, floor * np.eye(matrices.shape[-1]))


def averaged(
    present: np.ndarray,
    delayed: np.ndarray,
    q: float,
    *,
    starts: Sequence[Sequence[float]] = (),
    deadline: float = float("inf"),
) -> Averaged | None:
    """Look for a delay-dependent Razumikhin function of x' = present x + delayed y, all delays up to 1.

    Parameters
    ----------
    present, delayed : (n, n) arrays
        h A and h B.
    q : float
    starts : sequence of multipliers, optional
        Where the search begins, in place of ``STARTS``.
    deadline : float
        On ``time.monotonic``.

    Returns
    -------
    Averaged or None
        None where no margin above ``ENOUGH`` was found.

    Soundness
    ---------
    float64 proposal.
    """
    search = _Search(present, delayed, q, Unknowns.units(len(present)), deadline)
    for start in starts or STARTS:
        if search.alternate(np.array(start, dtype=float)):
            break
    else:
        search.polish()
    found = search.best
    return found if found is not None and found.margin > ENOUGH else None


@dataclass(slots=True)
class _Search:
    """The best answer so far; every method tells whether it is good enough."""

    present: np.ndarray
    delayed: np.ndarray
    q: float
    units: Unknowns
    deadline: float
    best: Averaged | None = None

    def alternate(self, multipliers: np.ndarray, rounds: int = 20) -> bool:
        """Optimise (P, Q, N) and (multipliers, N) in turn: the conditions are linear in each."""
        before = -np.inf
        for _ in range(rounds):
            found = self.solved(multipliers)
            if found is None or found.margin > ENOUGH or time.monotonic() > self.deadline:
                break
            better = self._multipliers(found)
            if better is None or better[1] - before < 1e-6 * abs(better[1]) + 1e-9:
                break
            multipliers, before = better
        return self.best is not None and self.best.margin > ENOUGH

    def polish(self, tries: int = 300) -> None:
        """Move the multipliers by the simplex method of Nelder and Mead."""
        if self.best is None:
            return

        def lost(logarithms: np.ndarray) -> float:
            found = self.solved(_normal(np.exp(np.clip(logarithms, -14, 9))))
            if (found is not None and found.margin > ENOUGH) or time.monotonic() > self.deadline:
                raise StopIteration
            return 10.0 if found is None else -found.margin

        first = np.log(np.maximum(self.best.multipliers, 1e-3))
        options = {"maxfev": tries, "adaptive": True, "fatol": 1e-9}
        try:
            minimize(lost, first, method="Nelder-Mead", options=options)
        except StopIteration:
            return

    def solved(self, multipliers: np.ndarray) -> Averaged | None:
        """Return P, Q, N with the largest margin for given multipliers."""
        blocks = self._blocks(self.units, multipliers)
        blocks += [_above(self.units.P, 1e-3), _above(self.units.Q, 1e-6)]
        trace = np.trace(self.units.P, axis1=1, axis2=2)
        program = Program(len(trace), blocks, [(trace, float(len(self.present)))])
        solution = solve(program)
        if solution is None or not np.isfinite(solution.margin):
            return None
        at = self.units.combined(solution.x)
        found = Averaged(at, multipliers, self.q, solution.margin)
        if self.best is None or found.margin > self.best.margin:
            self.best = found
        return found

    def _blocks(self, at: Unknowns, multipliers: np.ndarray) -> list[Block]:
        matrices = conditions(self.present, self.delayed, self.q, at, multipliers)
        return [Block(m, np.zeros(m.shape[1:]), 1.0) for m in matrices]

    def _multipliers(self, found: Averaged) -> tuple[np.ndarray, float] | None:
        """Return the best multipliers, and N, for P and Q as found; b_1 + b_2 = 1."""
        fixed = replace(found.at, N=np.zeros_like(found.at.N))
        units = np.eye(MULTIPLIERS)[:-1]
        units[-1, -1] = -1.0
        base = np.eye(MULTIPLIERS)[-1]
        constant = conditions(self.present, self.delayed, self.q, fixed, base)
        moved = conditions(self.present, self.delayed, self.q, fixed, units + base)
        count, n = len(self.units.N), len(self.present)
        free = Unknowns(*(m[n * (n + 1) :] for m in (self.units.P, self.units.Q, self.units.N)))
        slack = conditions(self.present, self.delayed, self.q, free, base)
        blocks = [
            Block(np.concatenate([m - c, s]), c, 1.0)
            for m, c, s in zip(moved, constant, slack, strict=True)
        ]
        count = len(units) + len(free.N)
        limits = [(-row, -LEAST) for row in np.eye(count)[: len(units)]]
        limits += [(row, 1e3) for row in np.eye(count)[: len(units)]]
        limits.append((np.eye(count)[len(units) - 1], 1 - LEAST))
        solution = solve(Program(count, blocks, limits))
        if solution is None or not np.isfinite(solution.margin):
            return None
        values = np.maximum(solution.x[: len(units)], LEAST)
        return _normal(np.append(values, 1 - min(values[-1], 1 - LEAST))), solution.margin


def _normal(multipliers: np.ndarray) -> np.ndarray:
    """Return multipliers of 30 bits, with b_1 + b_2 about 1: Q can be scaled."""
    result = np.array(multipliers, dtype=float)
    result[-2:] /= result[-2:].sum()
    return np.asarray(_short(result))


def _short(value: np.ndarray) -> np.ndarray:
    mantissa, exponent = np.frexp(value)
    return np.asarray(np.ldexp(np.round(np.ldexp(mantissa, 30)), exponent - 30))
