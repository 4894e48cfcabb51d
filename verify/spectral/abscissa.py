"""The spectral abscissa of x' = A x(t) + sum_j A_j x(t - tau_j), by Chebyshev collocation."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def spectral_abscissa(
    present: Float[np.ndarray, "n n"],
    delayed: Float[np.ndarray, "n n"],
    delay: float,
    nodes: int = 32,
) -> float:
    """Return the largest real part of the characteristic roots.

    Parameters
    ----------
    present, delayed : (n, n) arrays
        A and Ad.
    delay : float
        tau >= 0.
    nodes : int
        Chebyshev nodes over the delay.

    Returns
    -------
    float
        An approximation in float64.

    Soundness
    ---------
    float64, no error bound: it is used to look for counterexamples, never as part of a proof.

    References
    ----------
    Breda, Maset, Vermiglio (2005), Pseudospectral differencing methods for characteristic roots
    of delay differential equations, SIAM Journal on Scientific Computing 27.

    Examples
    --------
    >>> zero, minus = np.zeros((1, 1)), -np.eye(1)
    >>> bool(spectral_abscissa(zero, minus, 1.5) < 0 < spectral_abscissa(zero, minus, 1.6))
    True
    """
    return several_abscissa(present, [(delay, delayed)], nodes)


def several_abscissa(
    present: Float[np.ndarray, "n n"],
    delayed: Sequence[tuple[float, Float[np.ndarray, "n n"]]],
    nodes: int = 32,
) -> float:
    """Return the largest real part of the characteristic roots for several delays.

    Parameters
    ----------
    present : (n, n) array
        A.
    delayed : sequence of (float, (n, n) array)
        tau_j >= 0 and A_j.
    nodes : int
        Chebyshev nodes over the longest delay.

    Returns
    -------
    float
        An approximation in float64; values at the shorter delays are interpolated.

    Soundness
    ---------
    As for :func:`spectral_abscissa`.

    Examples
    --------
    >>> minus = -np.eye(1)
    >>> roots = [several_abscissa(0 * minus, [(1.0, minus), (t, minus)]) for t in (0.5, 0.7)]
    >>> bool(roots[0] < 0 < roots[1])
    True
    """
    return float(np.linalg.eigvals(_generator(present, delayed, nodes)).real.max())


def rightmost_mode(
    present: Float[np.ndarray, "n n"],
    delayed: Sequence[tuple[float, Float[np.ndarray, "n n"]]],
    nodes: int = 32,
) -> tuple[complex, np.ndarray]:
    """Return the characteristic root with the largest real part, and the (n,) vector of its solution e^(root t) v.

    Parameters
    ----------
    present, delayed, nodes
        As for :func:`several_abscissa`.

    Soundness
    ---------
    As for :func:`spectral_abscissa`.
    """
    values, vectors = np.linalg.eig(_generator(present, delayed, nodes))
    k = int(values.real.argmax())
    return complex(values[k]), vectors[: present.shape[0], k]


def _generator(
    present: np.ndarray, delayed: Sequence[tuple[float, np.ndarray]], nodes: int
) -> np.ndarray:
    """Return the matrix whose eigenvalues approximate the roots; its first n rows and columns are the present."""
    n = present.shape[0]
    size = np.abs(present).sum() + sum(np.abs(one).sum() for _, one in delayed)
    longest = max(tau for tau, _ in delayed)
    if longest * size < 1e-8:  # the matrix grows like 1/tau
        return present + sum(one for _, one in delayed)
    generator = np.kron(_chebyshev(nodes) * (2 / longest), np.eye(n))
    generator[:n] = np.kron(np.eye(1, nodes + 1), present)
    for tau, one in delayed:
        generator[:n] += np.kron(_interpolation(nodes, 1 - 2 * tau / longest), one)
    return generator


def _interpolation(nodes: int, at: float) -> Float[np.ndarray, "1 k"]:
    """Return the row that gives the value at a place in [-1, 1] from the values at the nodes."""
    j = np.arange(nodes + 1)
    gap = at - np.cos(np.pi * j / nodes)
    near = np.abs(gap) < 1e-14
    if near.any():
        return near[None].astype(float)
    weight = np.where((j == 0) | (j == nodes), 0.5, 1.0) * (-1.0) ** j / gap
    return (weight / weight.sum())[None]


def _chebyshev(nodes: int) -> Float[np.ndarray, "k k"]:
    """Return the differentiation matrix on the nodes cos(pi j / nodes), from 1 (now) to -1 (t - tau)."""
    j = np.arange(nodes + 1)
    x = np.cos(np.pi * j / nodes)
    c = np.where((j == 0) | (j == nodes), 2.0, 1.0) * (-1.0) ** j
    gap = x[:, None] - x[None, :] + np.eye(nodes + 1)
    matrix = np.outer(c, 1 / c) / gap
    return matrix - np.diag(matrix.sum(axis=1))
