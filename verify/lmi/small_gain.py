"""The scaled small-gain theorem for a loop with a delay and a network: a baseline, float64.

The equations are written around a linear law. A nonlinear term h is h(v) = c v + p with |p| <= gain |v / d| on a domain
of half-sides d (for a network: the local gain of what it adds to a linear law). x(t - tau) is x - w, where w is the
integral of x' over the delay, an operator on x' of L2 gain b for every delay in [0, b]. In

    x' = (present + delayed) x - delayed w + inputs p

P > 0, X > 0 and multipliers lambda >= 0 with

    2 x^T P x' + b^2 x'^T X x' - w^T X w + sum_k lambda_k (gain_k^2 |v_k / d_k|^2 - |p_k|^2) <= -t |(x, w, p)|^2

are the bounded real lemma of the small-gain condition with scalings X and lambda: each operator has a gain of 1 at most
after scaling, and what is left of the loop one below 1.

References
----------
Gu, Kharitonov, Chen, Stability of Time-Delay Systems (2003), chapter 8: the theorem with scalings, delays as operators.
Kao, Lincoln, Simple stability criteria for systems with time-varying delays, Automatica 40 (2004): the gain b.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certdde.systems.delay_system import DelaySystem
from certdde.verify.lmi.program import Block, Program, recomputed_margin, solve
from certdde.verify.lmi.small_gain_terms import Term, terms_of

FLOOR, LARGEST = 1e-6, 1e5


@dataclass(frozen=True, slots=True)
class SmallGainProof:
    """A solution of the small-gain condition.

    Attributes
    ----------
    P : (n, n) array
        V0 = x^T P x.
    scaling : (q, q) array
        X, of the delayed states.
    multipliers : (K,) array
        Not negative; one for each nonlinear term.
    margin : float
        t, positive; recomputed from the answer by eigenvalues.
    rigor : str
        ``float64``: no part of it is rounded outward.
    """

    P: np.ndarray
    scaling: np.ndarray
    multipliers: np.ndarray
    margin: float
    rigor: str = "float64"


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of x, x', w and of each p and v / d in zeta = (x, w, p)."""

    x: np.ndarray
    rate: np.ndarray
    w: np.ndarray
    p: tuple[np.ndarray, ...]
    v: tuple[np.ndarray, ...]
    delayed: tuple[int, ...]


def small_gain(
    system: DelaySystem, longest: float, *, solver: str = "CLARABEL"
) -> SmallGainProof | None:
    """Solve the scaled small-gain condition for all delays in [0, longest].

    Parameters
    ----------
    system : DelaySystem
        Well scaled (domain of about unit size).
    longest : float
    solver : str

    Returns
    -------
    SmallGainProof or None
        None where no solution was found, or its margin, recomputed, is not positive.

    Raises
    ------
    ProblemError
        If the equations are not those that the baselines take.
    """
    linear, terms = terms_of(system)
    if not all(np.isfinite(term.gain) and np.isfinite(term.slopes).all() for term in terms):
        return None
    rows = _rows(linear, terms)
    bases = [_symmetric(len(linear)), _symmetric(len(rows.delayed))]
    program = _program(rows, terms, bases, longest)
    found = solve(program, solver=solver)
    return None if found is None else _proof(program, found.x, bases)


def _program(
    rows: _Rows, terms: Sequence[Term], bases: Sequence[np.ndarray], longest: float
) -> Program:
    """Return the condition, P >= I, X > 0, and a bound of their traces; the unknowns are P, X, lambda."""
    late = rows.rate[list(rows.delayed)]
    matrices = [2 * rows.x.T @ p @ rows.rate for p in bases[0]]
    matrices += [longest**2 * late.T @ x @ late - rows.w.T @ x @ rows.w for x in bases[1]]
    for term, p, v in zip(terms, rows.p, rows.v, strict=True):
        matrices.append(term.gain**2 * v.T @ v - np.outer(p, p))
    count, size, starts = len(matrices), rows.x.shape[1], (0, len(bases[0]))
    main = np.array([(m + m.T) / 2 for m in matrices]).reshape(count, size, size)
    program = Program(count, [Block(main, np.zeros((size, size)), 1.0)])
    trace = np.zeros(count)
    for start, basis, floor in zip(starts, bases, (1.0, FLOOR), strict=True):
        if len(basis):
            least = floor * np.eye(basis.shape[1])
            program.blocks.append(Block(-_placed(basis, start, count), least))
            trace[start : start + len(basis)] = np.trace(basis, axis1=1, axis2=2)
    signs = np.eye(count)[count - len(terms) :]
    program.limits = [(trace, LARGEST), *((-row, 0.0) for row in signs)]
    return program


def _proof(program: Program, x: np.ndarray, bases: Sequence[np.ndarray]) -> SmallGainProof | None:
    """Recompute what the solver says it has found."""
    first, second = len(bases[0]), len(bases[0]) + len(bases[1])
    kept = np.concatenate([x[:second], np.maximum(x[second:], 0.0)])
    margin = recomputed_margin(program, kept)
    if not margin > 0:
        return None
    p, scaling = (
        np.tensordot(v, b, 1)
        for v, b in zip((kept[:first], kept[first:second]), bases, strict=True)
    )
    return SmallGainProof(p, scaling, kept[second:], margin)


def _rows(linear: np.ndarray, terms: Sequence[Term]) -> _Rows:
    n, k = len(linear), len(terms)
    around = linear.copy()  # with the linear laws of the terms
    for term in terms:
        around[:, list(term.columns)] += np.outer(term.factors, term.slopes)
    taken = {c - n for term in terms for c in term.columns if c >= n}
    delayed = tuple(j for j in range(n) if around[:, n + j].any() or j in taken)
    size = n + len(delayed) + k
    eye = np.eye(size)
    x, w = eye[:n], eye[n : n + len(delayed)]
    p = tuple(eye[n + len(delayed) :])
    y = x.copy()
    y[list(delayed)] -= w
    state = np.concatenate([x, y])
    rate = around @ state
    for term, row in zip(terms, p, strict=True):
        rate = rate + np.outer(term.factors, row)
    v = tuple(state[list(t.columns)] / t.sides[:, None] for t in terms)
    return _Rows(x, rate, w, p, v, delayed)


def _symmetric(size: int) -> np.ndarray:
    """Return a basis of the symmetric matrices, (count, size, size)."""
    basis = np.zeros((size * (size + 1) // 2, size, size))
    for index, (i, j) in enumerate(zip(*np.triu_indices(size), strict=True)):
        basis[index, i, j] = basis[index, j, i] = 1.0
    return basis


def _placed(basis: np.ndarray, start: int, count: int) -> np.ndarray:
    return np.pad(basis, ((start, count - start - len(basis)), (0, 0), (0, 0)))
