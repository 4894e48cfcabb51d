"""Floquet multipliers of x' = A x(t) + B x(t - tau(t)) with a periodic delay, by collocation.

On each of the elements that cover a period x is a polynomial, which satisfies the equation at the Gauss points of the
element. A solution with x(t + T) = mu x(t) has x(0) = x(T)/mu, and delayed values before 0 are those of the same period
divided by mu. With T at least as long as the delays the equations read (L_0 - L_1/mu) X = 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.linalg
from jaxtyping import Complex, Float
from numpy.polynomial import legendre
from scipy.linalg import lapack

from certdde.studies.regularity.matrices import Matrices


@dataclass(frozen=True, slots=True)
class Mesh:
    """Elements of one period, each with polynomials of degree ``degree`` that are continuous from one to the next.

    Attributes
    ----------
    edges : (E + 1,) array
        From 0 to the period, increasing. Kinks and jumps of the delay belong here.
    degree : int
    """

    edges: Float[np.ndarray, " edges"]
    degree: int = 4

    @property
    def period(self) -> float:
        """The last edge."""
        return float(self.edges[-1])

    @property
    def nodes(self) -> Float[np.ndarray, " points"]:
        """The times at which x is a variable, 0 not among them."""
        places, _, _ = _element(self.degree)
        return (self.edges[:-1, None] + np.diff(self.edges)[:, None] * places[1:]).ravel()

    @property
    def points(self) -> Float[np.ndarray, " points"]:
        """The times of collocation, where the delay is needed."""
        _, gauss, _ = _element(self.degree)
        return (self.edges[:-1, None] + np.diff(self.edges)[:, None] * gauss).ravel()

    def rows(
        self, times: Float[np.ndarray, " times"], order: int = 0
    ) -> Float[np.ndarray, " times columns"]:
        """Return what gives x (or x', order 1) at times of [0, T] from x at 0 and at the nodes."""
        _, _, inverse = _element(self.degree)
        which = np.clip(
            np.searchsorted(self.edges, times, side="right") - 1, 0, len(self.edges) - 2
        )
        length = np.diff(self.edges)[which]
        local = 2 * (times - self.edges[which]) / length - 1
        basis = legendre.legvander(local, self.degree)
        if order:
            slopes = legendre.legder(np.eye(self.degree + 1))
            basis = legendre.legvander(local, self.degree - 1) @ slopes * (2 / length)[:, None]
        table = np.zeros((len(times), self.degree * (len(self.edges) - 1) + 1))
        columns = which[:, None] * self.degree + np.arange(self.degree + 1)
        np.put_along_axis(table, columns, basis @ inverse, axis=1)
        return table


@dataclass(frozen=True, slots=True)
class Floquet:
    """The dominant multiplier of a periodic delay, its solution, and how it depends on the delay.

    Attributes
    ----------
    multiplier : complex
        mu of the largest modulus; the solution grows if |mu| > 1.
    solution : (G, n) array
        x at the nodes of the mesh: x(t + T) = mu x(t).
    gain : (G,) array
        Derivative of log |mu| in the delay at each point of collocation.
    """

    multiplier: complex
    solution: Complex[np.ndarray, " points n"]
    gain: Float[np.ndarray, " points"]

    @property
    def growth(self) -> float:
        """Log |mu|: positive if the solution grows."""
        return float(np.log(abs(self.multiplier)))


def floquet(matrices: Matrices, mesh: Mesh, delay: Float[np.ndarray, " points"]) -> Floquet:
    """Return the dominant Floquet multiplier.

    Parameters
    ----------
    matrices : Matrices
    mesh : Mesh
        Of one period, at least as long as the longest delay and the first element together; a shorter one is repeated.
    delay : (G,) array
        tau >= 0 at ``mesh.points``.

    Soundness
    ---------
    float64, without error bound: evidence of growth, to be confirmed by an integration; never a proof.
    """
    n, period = matrices.size, mesh.period
    wrapped = mesh.points < delay
    asked = np.where(wrapped, mesh.points - delay + period, mesh.points - delay)
    past = mesh.rows(asked)
    terms = np.stack([np.eye(n), -matrices.present, -matrices.delayed])
    own = np.stack([mesh.rows(mesh.points, 1), mesh.rows(mesh.points), past])
    own[2, wrapped] = 0
    left = _blocks(own[:, :, 1:], terms)
    # x(0) = x(T) / mu, and what is read before 0.
    columns = np.flatnonzero(past[wrapped, 1:].any(axis=0)) if wrapped.any() else np.arange(0)
    columns = np.union1d(columns, [len(mesh.points) - 1])
    before = np.zeros((3, len(mesh.points), len(columns)))
    before[2, wrapped] = -past[np.ix_(wrapped, columns + 1)]
    before[:, :, -1] -= own[:, :, 0]
    right = _blocks(before, terms)
    columns = (n * columns[:, None] + np.arange(n)).ravel()
    mu, x, adjoint, paired = _dominant(left, right, columns, n * mesh.degree)
    solution = x.reshape(-1, n)
    whole = np.concatenate([solution[-1:] / mu, solution])
    moved = (mesh.rows(asked, 1) @ whole) @ matrices.delayed.T / np.where(wrapped, mu, 1)[:, None]
    gain = -(adjoint.reshape(-1, n) * moved).sum(1) * mu / paired
    return Floquet(mu, solution, gain.real)


def _blocks(tables: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Return sum_k kron(tables[k], terms[k])."""
    (_, rows, columns), n = tables.shape, terms.shape[1]
    found = np.zeros((rows, n, columns, n))
    for k, a, b in zip(*np.nonzero(terms), strict=True):
        found[:, a, :, b] += terms[k, a, b] * tables[k]
    return found.reshape(n * rows, n * columns)


def _dominant(
    left: np.ndarray, right: np.ndarray, columns: np.ndarray, above: int
) -> tuple[complex, np.ndarray, np.ndarray, complex]:
    """Return mu, X, l and l right X, with mu left X = right X and l right = mu l left, for the largest |mu|.

    ``right`` has the columns that are not zero. ``left`` has ``above`` diagonals above the main one, and below it as
    many as the delay is long.
    """
    solve = _banded(left, above)
    step = solve(right, 0)
    values, lefts, rights = scipy.linalg.eig(step[columns], left=True)
    k = int(np.abs(values).argmax())
    x = step @ rights[:, k] / values[k]
    seed = np.zeros((len(left), 2))
    seed[columns] = np.stack([lefts[:, k].real, -lefts[:, k].imag], 1)
    both = solve(seed, 1)
    adjoint = both[:, 0] + 1j * both[:, 1]
    return complex(values[k]), x, adjoint, complex(adjoint @ right @ x[columns])


def _banded(matrix: np.ndarray, above: int) -> Callable[[np.ndarray, int], np.ndarray]:
    """Factorise a banded matrix; return the solution for right-hand sides, of the transpose if asked."""
    size = len(matrix)
    below = int((np.arange(size) - (matrix != 0).argmax(axis=1)).max())
    band = np.zeros((2 * below + above + 1, size))
    for k in range(-below, above + 1):
        row = below + above - k
        band[row, max(k, 0) : size + min(k, 0)] = np.diagonal(matrix, k)
    factors, pivots, _ = lapack.dgbtrf(band, below, above)

    def solve(sides: np.ndarray, transposed: int) -> np.ndarray:
        return lapack.dgbtrs(factors, below, above, sides, pivots, trans=transposed)[0]

    return solve


@lru_cache(maxsize=8)
def _element(degree: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the nodes and Gauss points of [0, 1], and the Legendre coefficients of what is 1 at one node."""
    nodes = (1 - np.cos(np.pi * np.arange(degree + 1) / degree)) / 2
    gauss = (legendre.leggauss(degree)[0] + 1) / 2
    return nodes, gauss, np.linalg.inv(legendre.legvander(2 * nodes - 1, degree))
