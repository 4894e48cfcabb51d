"""Semidefinite programs whose unknowns are a functional and the Gram matrices that prove it.

Rows are put together in sparse form and given to Clarabel at once; its answer is never believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import clarabel
import numpy as np
from scipy import sparse

from certdde.verify.sos.conic import Standard, clarabel_solution, cone, cvxpy_solution, triangle
from certdde.verify.sos.polynomial import Monomial, Polynomial

Linear = Iterable[tuple[int, Polynomial]]
Entry = tuple[int, int, float]


@dataclass(frozen=True, slots=True)
class Weight:
    """A term g z^T G z of an identity, with G - margin t I positive semidefinite."""

    factor: Polynomial
    basis: Sequence[Monomial]
    margin: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the functional u, the margin t, the Gram matrices. Nothing of it is believed."""

    u: np.ndarray
    margin: float
    grams: list[np.ndarray]
    status: str


@dataclass(slots=True)
class Program:
    """Unknowns u (``count`` of them), the margin t, and the triangles of Gram matrices, in this order."""

    count: int
    rows: list[sparse.csr_matrix] = field(default_factory=list)
    right: list[np.ndarray] = field(default_factory=list)
    cones: list[object] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    grams: list[tuple[int, int]] = field(default_factory=list)
    size: int = 0

    def __post_init__(self) -> None:
        self.size = self.count + 1

    def bound(self, matrix: np.ndarray, right: np.ndarray) -> None:
        """Require matrix u <= right."""
        self._add(sparse.csr_matrix(matrix), right, clarabel.NonnegativeConeT(len(right)))

    def definite(self, matrices: np.ndarray, floor: float) -> None:
        """Require sum_k u_k matrices[k] - floor I to be positive semidefinite."""
        k = matrices.shape[1]
        lines, cols, weight = triangle(k)
        matrix = sparse.csr_matrix(-(matrices[:, lines, cols] * weight).T)
        self._add(matrix, -floor * (lines == cols), cone(k))

    def identity(
        self, target: Linear, constant: Polynomial, weights: Sequence[Weight]
    ) -> list[int]:
        """Require constant + sum_k u_k target_k = sum of the weights' terms, as polynomials.

        Returns
        -------
        list of int
            The numbers of the Gram matrices, in the order of the weights.
        """
        rows: dict[Monomial, int] = {}
        first = len(self.values)

        def row(monomial: Monomial) -> int:
            return first + rows.setdefault(monomial, len(rows))

        for k, polynomial in target:
            self.entries += [(row(m), k, -float(c)) for m, c in polynomial.items()]
        numbers = []
        for weight in weights:
            start = self.size
            numbers.append(self._gram(len(weight.basis), weight.margin))
            self.entries += [(row(m), start + k, c) for m, k, c in _products(weight)]
        known = {row(m): float(c) for m, c in constant.items()}
        self.values += [known.get(first + k, 0.0) for k in range(len(rows))]
        return numbers

    def solve(
        self,
        *,
        minimise: np.ndarray | None = None,
        margin: float | None = None,
        largest: float = 1.0,
        seconds: float = 1e9,
        solver: str = "CLARABEL",
    ) -> Answer | None:
        """Maximise t up to ``largest``; or minimise ``minimise`` . u at t = ``margin``.

        Returns
        -------
        Answer or None
            None if the solver returned nothing usable.
        """
        cost = np.zeros(self.size)
        if margin is None:
            cost[self.count] = -1.0
        elif minimise is not None:
            cost[: self.count] = minimise
        standard = self._standard(cost, largest if margin is None else margin, margin is not None)
        if solver == "CLARABEL":
            x, status = clarabel_solution(standard, seconds)
        else:
            x, status = cvxpy_solution(standard, solver)
        if x is None or not np.all(np.isfinite(x)):
            return None
        grams = [_matrix(x[start:], k) for start, k in self.grams]
        return Answer(x[: self.count], float(x[self.count]), grams, status)

    def _standard(self, cost: np.ndarray, end: float, fixed: bool) -> Standard:
        """Return the program with t <= end, or t = end."""
        data = np.array(self.entries).reshape(-1, 3)
        index = (data[:, 0].astype(int), data[:, 1].astype(int))
        rows = [
            sparse.csr_matrix((data[:, 2], index), (len(self.values), self.size)),
            sparse.csr_matrix(([1.0], ([0], [self.count])), (1, self.size)),
            *(_widened(matrix, self.size) for matrix in self.rows),
        ]
        right = [np.array(self.values), np.array([end]), *self.right]
        limit = clarabel.ZeroConeT(1) if fixed else clarabel.NonnegativeConeT(1)
        cones = [clarabel.ZeroConeT(len(self.values)), limit, *self.cones]
        return Standard(cost, sparse.vstack(rows, format="csc"), np.concatenate(right), cones)

    def _gram(self, k: int, margin: float) -> int:
        """Add a Gram matrix with G - margin t I positive semidefinite."""
        start, length = self.size, k * (k + 1) // 2
        self.grams.append((start, k))
        self.size += length
        lines, cols, _ = triangle(k)
        diagonal = np.flatnonzero(cols == lines)
        data = np.concatenate([-np.ones(length), np.full(k, margin)])
        places = np.concatenate([start + np.arange(length), np.full(k, self.count)])
        index = (np.concatenate([np.arange(length), diagonal]), places)
        matrix = sparse.csr_matrix((data, index), (length, self.size))
        self._add(matrix, np.zeros(length), cone(k))
        return len(self.grams) - 1

    def _add(self, matrix: sparse.csr_matrix, right: np.ndarray, kind: object) -> None:
        self.rows.append(matrix)
        self.right.append(right)
        self.cones.append(kind)


def _products(weight: Weight) -> Iterable[tuple[Monomial, int, float]]:
    """Yield (monomial, place, coefficient) of g z^T G z in the scaled triangle of G."""
    lines, cols, scale = triangle(len(weight.basis))
    for place, (i, j) in enumerate(zip(lines.tolist(), cols.tolist(), strict=True)):
        for m, c in weight.factor.items():
            monomial = tuple(map(sum, zip(weight.basis[i], weight.basis[j], m, strict=True)))
            yield monomial, place, float(c) * float(scale[place])


def _widened(matrix: sparse.csr_matrix, size: int) -> sparse.csr_matrix:
    parts = (matrix.data, matrix.indices, matrix.indptr)
    return sparse.csr_matrix(parts, (matrix.shape[0], size))


def _matrix(values: np.ndarray, k: int) -> np.ndarray:
    lines, cols, scale = triangle(k)
    result = np.zeros((k, k))
    result[lines, cols] = result[cols, lines] = values[: len(lines)] / scale
    return result
