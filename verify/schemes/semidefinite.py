"""Semidefinite programs in symmetric matrices, as sums of congruences, for Clarabel: sparse, and never believed.

``verify.lmi.program`` lists a dense matrix for each unknown; with thousands of unknowns, each in a few blocks, that
does not fit. Here a block is a sum of weight * C^T X C, and its rows are the sparse map from svec(X).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import clarabel
import numpy as np
from scipy import sparse

from certdde.verify.lmi.failure import failure


@dataclass(frozen=True, slots=True)
class Term:
    """weight * C^T X C, for the symmetric unknown X of that index; C is (size of X, size of the block)."""

    unknown: int
    factor: np.ndarray | sparse.sparray
    weight: float = 1.0


@dataclass(slots=True)
class SymmetricProgram:
    """Sums of terms >= t I, the mean trace of some unknowns being 1.

    Attributes
    ----------
    sizes : list of int
        Of the unknown symmetric matrices.
    blocks : list of (size, terms)
    """

    sizes: list[int] = field(default_factory=list)
    blocks: list[tuple[int, list[Term]]] = field(default_factory=list)

    def unknown(self, size: int) -> int:
        """Add an unknown; return its index."""
        self.sizes.append(size)
        return len(self.sizes) - 1

    def positive(self, *terms: Term) -> None:
        """Ask that a sum of terms is at least t I."""
        self.blocks.append((terms[0].factor.shape[1], list(terms)))

    def solve(
        self,
        normalised: Sequence[int],
        seconds: float = np.inf,
        *,
        largest: int | None = None,
        margin: float = -np.inf,
    ) -> list[np.ndarray] | None:
        """Return the unknowns where t, or another number, is largest; None if the solver gives no finite numbers.

        Parameters
        ----------
        normalised : sequence of int
            The unknowns whose mean trace is 1.
        seconds : float
            The solver stops there.
        largest : int, optional
            An unknown of size 1 to maximise in place of t.
        margin : float
            With ``largest``: t >= margin.

        Soundness
        ---------
        None: the caller recomputes every block from the matrices.
        """
        matrix, right, cones = self._standard_form(normalised, margin)
        settings = clarabel.DefaultSettings()
        settings.verbose, settings.max_threads = False, 1
        settings.time_limit = max(seconds, 0.0)
        size = matrix.shape[1]
        cost = np.zeros(size)
        cost[-1 if largest is None else self._starts()[largest]] = -1.0
        empty = sparse.csc_matrix((size, size))
        try:
            solver = clarabel.DefaultSolver(empty, cost, matrix, right, cones, settings)
            x = np.asarray(solver.solve().x, dtype=np.float64)
        except BaseException as error:  # a panic of Rust is no Exception
            failure(error)
            return None
        if not np.isfinite(x).all():
            return None
        starts = self._starts()
        return [
            (expansion(m) @ x[starts[i] : starts[i + 1]]).reshape(m, m)
            for i, m in enumerate(self.sizes)
        ]

    def _starts(self) -> np.ndarray:
        return np.cumsum([0, *(m * (m + 1) // 2 for m in self.sizes)])

    def _standard_form(
        self, normalised: Sequence[int], margin: float
    ) -> tuple[sparse.csc_matrix, np.ndarray, list[object]]:
        """Return A, b and the cones of b - A (x, t): the traces, margin <= t <= 1, then one cone a block."""
        starts = self._starts()
        rows = _Rows(int(starts[-1]))
        for i in normalised:
            rows.entries(np.zeros(self.sizes[i], int), starts[i] + diagonal(self.sizes[i]), 1.0)
        rows.close([float(sum(self.sizes[i] for i in normalised))], clarabel.ZeroConeT(1))
        rows.entries(np.zeros(1, int), np.array([starts[-1]]), 1.0)
        rows.close([1.0], clarabel.NonnegativeConeT(1))
        if margin > -np.inf:
            rows.entries(np.zeros(1, int), np.array([starts[-1]]), -1.0)
            rows.close([-margin], clarabel.NonnegativeConeT(1))
        known: dict[tuple[int, int], sparse.coo_array] = {}
        for size, terms in self.blocks:
            for term in terms:
                key = (id(term.factor), self.sizes[term.unknown])
                if key not in known:
                    known[key] = congruence(term.factor)
                found = known[key]
                rows.entries(found.row, starts[term.unknown] + found.col, -term.weight * found.data)
            on = diagonal(size)
            rows.entries(on, np.full(size, starts[-1]), 1.0)
            rows.close(np.zeros(size * (size + 1) // 2), clarabel.PSDTriangleConeT(size))
        return rows.matrix(), rows.right(), rows.cones


class _Rows:
    """Rows of a sparse matrix, gathered cone after cone."""

    def __init__(self, unknowns: int) -> None:
        self.cones: list[object] = []
        self._width, self._at = unknowns + 1, 0
        self._row: list[np.ndarray] = []
        self._column: list[np.ndarray] = []
        self._value: list[np.ndarray] = []
        self._right: list[np.ndarray] = []

    def entries(self, row: np.ndarray, column: np.ndarray, value: np.ndarray | float) -> None:
        self._row.append(self._at + row)
        self._column.append(column)
        self._value.append(np.broadcast_to(np.asarray(value, dtype=np.float64), np.shape(row)))

    def close(self, right: Sequence[float] | np.ndarray, cone: object) -> None:
        self._right.append(np.asarray(right, dtype=np.float64))
        self.cones.append(cone)
        self._at += len(right)

    def matrix(self) -> sparse.csc_matrix:
        parts = (np.concatenate(p) for p in (self._value, self._row, self._column))
        value, row, column = parts
        return sparse.csc_matrix((value, (row, column)), shape=(self._at, self._width))

    def right(self) -> np.ndarray:
        return np.concatenate(self._right)


def triangle(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the upper triangle, column by column, as Clarabel orders svec."""
    columns, lines = np.tril_indices(size)
    return lines, columns


def diagonal(size: int) -> np.ndarray:
    """Return where the diagonal entries are in svec."""
    lines, columns = triangle(size)
    return np.flatnonzero(lines == columns)


@lru_cache(maxsize=64)
def expansion(size: int) -> sparse.csr_array:
    """Return E with vec(X) = E svec(X); E^T E = I, so svec(X) = E^T vec(X)."""
    lines, columns = triangle(size)
    same = lines == columns
    index = np.arange(len(lines))
    rows = np.concatenate([lines * size + columns, columns * size + lines])
    half = np.where(same, 0.5, np.sqrt(0.5))
    values = np.concatenate([half, half])
    shape = (size * size, len(lines))
    return sparse.csr_array((values, (rows, np.concatenate([index, index]))), shape=shape)


def congruence(factor: np.ndarray | sparse.sparray) -> sparse.coo_array:
    """Return the matrix of svec(X) -> svec(C^T X C)."""
    c = sparse.csr_array(factor)
    large, small = c.shape
    wide = sparse.csr_array(sparse.kron(c.T, c.T, format="csr"))
    return sparse.coo_array(expansion(small).T @ wide @ expansion(large))
