"""V = x^T P x that decreases from one sampling instant to the next, for every step of a range.

N(s) = K^T P + P K + s K^T P K < 0, K = (M(s) - I) / s, is imposed at points of s; P is then looked at on pieces, which
are halved as far as it needs. Points of pieces that fail join the program.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from scipy.linalg import matrix_balance

from certdde.verify.lmi.program import Block, Program, solve
from certdde.verify.sampled_data.held import HeldSystem

POINTS, ROUNDS = 17, 12
LEAST = 1e-9  # margin: less is rounding
FLOOR = 1e-7  # of P, whose trace is n
SLACK = 1e-12  # relative: what an eigenvalue in binary64 is good for
CELLS, HALVINGS = 16, 12
MOST_PIECES, MOST_FAILED = 2000, 8


@dataclass(frozen=True, slots=True)
class SampledAnswer:
    """P and break points of s between which it was seen to decrease; P is None if there is none, ``why`` says why."""

    P: np.ndarray | None
    breaks: tuple[float, ...]
    margin: float
    why: str = ""


def search(
    system: HeldSystem,
    lower: float,
    upper: float,
    *,
    deadline: float = inf,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> SampledAnswer:
    """Look for P > 0 with N(s) < 0 for all s in [lower, upper].

    Parameters
    ----------
    system : HeldSystem
    lower, upper : float
        0 <= lower < upper.
    deadline : float
        On ``time.monotonic``.
    progress : callable, optional

    Soundness
    ---------
    float64 proposal; the checker proves it.
    """
    states = _balance(system)
    unit = system.scaled(states, upper)
    points = list(np.linspace(lower / upper, 1.0, POINTS))
    why = "the time was up before a quadratic function was found"
    for k in range(ROUNDS):
        if time.monotonic() > deadline:
            break
        p, margin = _solve(unit, np.array(points))
        if progress:
            progress({"round": k, "margin": margin})
        if p is None:
            return SampledAnswer(None, (), margin, _none(system, lower, upper))
        breaks, failed = examine(system.scaled(states, 1.0), p, lower, upper)
        if not failed:
            return SampledAnswer(p / np.outer(states, states), tuple(breaks), margin)
        why = f"no quadratic function was seen to decrease at the step {failed[0]:.9g}"
        points += [s / upper for s in failed]
    return SampledAnswer(None, (), 0.0, why)


def _none(system: HeldSystem, lower: float, upper: float) -> str:
    """Say why there is no P."""
    shown = f"steps in [{lower:.6g}, {upper:.6g}]"
    return f"no quadratic function of the {system.dimension} states decreases for all {shown}"


def _balance(system: HeldSystem) -> np.ndarray:
    """Return powers of 2 in which the states have rates of a like size."""
    total = np.abs(system.present) + np.abs(system.held)
    _, (states, _) = matrix_balance(total, permute=False, separate=True)
    return np.asarray(states, dtype=np.float64)


def _solve(system: HeldSystem, steps: np.ndarray) -> tuple[np.ndarray | None, float]:
    """Return P with the trace n and the largest margin t, N(s) <= -t at all steps; None if that is not positive."""
    n = system.dimension
    rows, cols = np.triu_indices(n)
    units = np.zeros((len(rows), n, n))
    units[np.arange(len(rows)), rows, cols] = units[np.arange(len(rows)), cols, rows] = 1.0
    blocks = [Block(-units, FLOOR * np.eye(n))]
    for s, k in zip(steps, system.rates(steps), strict=True):
        twice = units @ k
        blocks.append(
            Block(twice + twice.swapaxes(1, 2) + s * (k.T @ units @ k), np.zeros((n, n)), 1.0)
        )
    trace = np.trace(units, axis1=1, axis2=2)
    solution = solve(Program(len(units), blocks, [(trace, float(n))]), largest=1e3)
    if solution is None or not solution.margin > LEAST:
        return None, -inf if solution is None else solution.margin
    return np.tensordot(solution.x, units, 1), solution.margin


def examine(
    system: HeldSystem, p: np.ndarray, lower: float, upper: float
) -> tuple[list[float], list[float]]:
    """Return break points from lower to upper at which V contracts on every piece, and steps at which that fails.

    The breaks inside are short binary numbers, which are cheap to check.
    """
    unit = 2.0 ** np.ceil(np.log2(upper))
    waiting = [(k, 0) for k in range(CELLS)][::-1]
    done, failed = [lower], []
    while waiting:
        k, depth = waiting.pop()
        width = unit / CELLS / 2**depth
        a, b = max(k * width, lower), min((k + 1) * width, upper)
        if not a < b:
            continue
        if contracts(system, p, a, b):
            done.append(b)
        elif depth == HALVINGS or len(done) > MOST_PIECES or not _holds(system, p, (a + b) / 2):
            failed.append((a + b) / 2)
            if len(failed) == MOST_FAILED:
                break
        else:
            waiting += [(2 * k + 1, depth + 1), (2 * k, depth + 1)]
    return done, failed


def contracts(system: HeldSystem, p: np.ndarray, low: float, high: float) -> bool:
    """Tell whether X_i^T P X_i < P for the matrices of a piece, with what the series leaves out."""
    matrices, radius = system.controls(low, high)
    if not radius < inf:
        return False
    px, n = p @ matrices, len(p)
    moved = matrices.swapaxes(1, 2) @ px
    sizes = np.abs(px).sum((1, 2)), np.abs(p).sum()
    slack = n * radius * (2 * sizes[0] + radius * sizes[1]) + SLACK * (
        sizes[1] + np.abs(moved).sum((1, 2))
    )
    return bool((np.linalg.eigvalsh(p - moved)[:, 0] > slack).all())


def _holds(system: HeldSystem, p: np.ndarray, step: float) -> bool:
    [k] = system.rates(np.array([step]))
    return float(np.linalg.eigvalsh(k.T @ p + p @ k + step * (k.T @ p @ k))[-1]) < 0
