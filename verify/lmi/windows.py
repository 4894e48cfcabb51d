"""The Bessel-Legendre LMI for a linear system with several lags (docs/math.md, several delays). It only proposes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from certdde.functionals.windows import WindowedFunctional
from certdde.inequalities.windows import linear_rows, window_forms
from certdde.verify.lmi.program import Block, Program, solve, stack_blocks

FLOOR, CAP, LEAST = 1e-4, 1e5, 1e-7
MAX_ENTRIES = 8_000_000  # of the dense rows of the program: about twenty seconds


@dataclass(frozen=True, slots=True)
class LaggedSystem:
    """x'(t) = present x(t) + sum_l delayed_l x(t - k_l tau_{j_l}), in float64.

    Attributes
    ----------
    present : (n, n) array
    lags : tuple of (int, int)
        (j_l, k_l).
    delayed : tuple of (n, n) arrays
        One a lag.
    """

    present: np.ndarray
    lags: tuple[tuple[int, int], ...]
    delayed: tuple[np.ndarray, ...]

    def in_time(self, unit: float) -> LaggedSystem:
        """Return the system in s, t = unit * s."""
        return LaggedSystem(unit * self.present, self.lags, tuple(unit * d for d in self.delayed))


@dataclass(frozen=True, slots=True)
class _Unknowns:
    """P, S_1, R_1, S_2, R_2, .. as one vector of upper triangles."""

    dimension: int
    order: int
    lags: tuple[tuple[int, int], ...]

    def sizes(self) -> list[int]:
        n, count = self.dimension, len(self.lags)
        return [n * (1 + count * self.order), *[n] * (2 * count)]

    @property
    def count(self) -> int:
        return sum(k * (k + 1) // 2 for k in self.sizes())

    def functional(self, vectors: np.ndarray) -> WindowedFunctional:
        """Return the functional of a vector, or of the rows of a matrix at once."""
        found, start = [], 0
        for size in self.sizes():
            rows, cols = np.triu_indices(size)
            matrix = np.zeros((*vectors.shape[:-1], size, size))
            values = vectors[..., start : start + len(rows)]
            matrix[..., rows, cols] = matrix[..., cols, rows] = values
            start += len(rows)
            found.append(matrix)
        if not self.lags:
            empty = np.zeros((*vectors.shape[:-1], 0, self.dimension, self.dimension))
            return WindowedFunctional(self.order, (), found[0], empty, empty)
        s, r = np.stack(found[1::2], axis=-3), np.stack(found[2::2], axis=-3)
        return WindowedFunctional(self.order, self.lags, found[0], s, r)


def windows_lmi(
    system: LaggedSystem, order: int, breaks: Sequence[Sequence[float]]
) -> tuple[WindowedFunctional, float] | None:
    """Solve the LMI at all corners of the grid of breaks.

    Parameters
    ----------
    system : LaggedSystem
        In time units in which the longest delay is about 1.
    order : int
    breaks : sequence of sequences of float
        For each delay, increasing from at least 0.

    Returns
    -------
    (WindowedFunctional, float) or None
        The functional and its margin, recomputed from it; None where there is none, or the program is too large.

    Soundness
    ---------
    A proposal in float64; the checker shows all of it exactly.
    """
    size = len(system.present)
    if too_large(system, order, prod(len(ends) for ends in breaks)):
        return None
    unknowns = _Unknowns(size, order, system.lags)
    units = unknowns.functional(np.eye(unknowns.count))
    longest = [ends[-1] for ends in breaks]
    rows = linear_rows(system.present, system.delayed, order)
    program = Program(unknowns.count, _positivity(units, longest))
    program.blocks += stack_blocks(window_forms(rows, units, breaks))
    eye = np.eye(size)
    mean = sum(units.on_constant_history(x, longest) for x in eye)
    program.limits = [(np.asarray(mean), CAP * size)]
    found = solve(program)
    if found is None or not found.margin > LEAST:
        return None
    return unknowns.functional(found.x), found.margin


def too_large(system: LaggedSystem, order: int, corners: int) -> bool:
    """Tell whether the program is one that is not even tried."""
    n, count = len(system.present), len(system.lags)
    width = n * (1 + count * (1 + order))
    return _Unknowns(n, order, system.lags).count * corners * width**2 > MAX_ENTRIES


def _positivity(units: WindowedFunctional, longest: Sequence[float]) -> list[Block]:
    """Return P + Bessel >= blkdiag(I, 0) + FLOOR and S_l, R_l >= FLOOR."""
    n, bessel = units.dimension, -units.bessel(longest)
    lower = np.diag([1.0] * n + [0.0] * (bessel.shape[-1] - n))
    blocks = [Block(bessel, lower + FLOOR * np.eye(len(lower)))]
    for a in range(len(units.lags)):
        blocks += [Block(-m[:, a], FLOOR * np.eye(n)) for m in (units.S, units.R)]
    return blocks
