"""The Bessel-Legendre LMI for a system with several lags (docs/math.md, several delays). It only proposes.

For a nonlinear system it is imposed at all vertices of the slopes on the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from certdde.functionals.windows import WindowedFunctional
from certdde.inequalities.windows import linear_rows, window_forms
from certdde.verify.lmi.polytopic import best
from certdde.verify.lmi.program import Block, Program, stack_blocks

FLOOR, CAP, LEAST = 1e-4, 1e5, 1e-7
MARGIN, SHARE, REGION_CAP = 0.03, 0.3, 1e3  # where the region is to be large, see polytopic.best
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
    vertices : tuple of tuples (present, delayed_1, ..)
        Of the slopes of a nonlinear system on its domain, of which the above is the linearisation; empty if it is
        linear.
    faces : tuple of float
        For each state the distance of the nearer face of the domain; empty for a global claim.
    """

    present: np.ndarray
    lags: tuple[tuple[int, int], ...]
    delayed: tuple[np.ndarray, ...]
    vertices: tuple[tuple[np.ndarray, ...], ...] = ()
    faces: tuple[float, ...] = ()

    @property
    def matrices(self) -> tuple[tuple[np.ndarray, ...], ...]:
        """(present, delayed_1, ..) of every vertex; a linear system is its own."""
        return self.vertices or ((self.present, *self.delayed),)

    def scaled(self, unit: float, states: np.ndarray) -> LaggedSystem:
        """Return the system in s and z, t = unit * s, x = diag(states) z."""
        factor = unit * np.outer(1 / states, states)
        vertices = tuple(tuple(factor * m for m in vertex) for vertex in self.vertices)
        faces = tuple(
            float(face / k) for face, k in zip(self.faces, states, strict=bool(self.faces))
        )
        delayed = tuple(factor * d for d in self.delayed)
        return LaggedSystem(factor * self.present, self.lags, delayed, vertices, faces)


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
    faces = system.faces or (1.0,) * size
    program = Program(unknowns.count, _positivity(units, longest, faces, together=not system.faces))
    for present, *delayed in system.matrices:
        rows = linear_rows(present, delayed, order)
        program.blocks += stack_blocks(window_forms(rows, units, breaks))
    mean = sum(units.on_constant_history(x, longest) for x in np.diag(faces))
    found = best(
        program,
        np.asarray(mean),
        solver="CLARABEL",
        margin=MARGIN,
        cap=(CAP if not system.faces else REGION_CAP) * size,
        share=SHARE if system.faces else 1.0,
    )
    if found is None or not found.margin > LEAST:
        return None
    return unknowns.functional(found.x), found.margin


def too_large(system: LaggedSystem, order: int, corners: int) -> bool:
    """Tell whether the program is one that is not even tried."""
    n, count = len(system.present), len(system.lags)
    width = n * (1 + count * (1 + order))
    corners *= len(system.matrices)
    return _Unknowns(n, order, system.lags).count * corners * width**2 > MAX_ENTRIES


def _positivity(
    units: WindowedFunctional, longest: Sequence[float], faces: Sequence[float], *, together: bool
) -> list[Block]:
    """Return P + Bessel >= blkdiag(I, 0) + FLOOR and S_l, R_l >= FLOOR.

    With a region, not I but e_i e_i^T / face_i^2 for one state after the other: V >= 1 on the faces.
    """
    n, bessel = units.dimension, -units.bessel(longest)
    floor = FLOOR * np.eye(bessel.shape[-1])
    corners = 1 / np.square(faces)
    lower = [np.arange(n)] if together else [[i] for i in range(n)]
    blocks = []
    for states in lower:
        least = floor.copy()
        least[states, states] += corners[states]
        blocks.append(Block(bessel, least))
    for a in range(len(units.lags)):
        blocks += [Block(-m[:, a], FLOOR * np.eye(n)) for m in (units.S, units.R)]
    return blocks
