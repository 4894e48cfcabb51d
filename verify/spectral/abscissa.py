"""The spectral abscissa of x' = A x(t) + Ad x(t - tau), by Chebyshev collocation."""

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
    n = present.shape[0]
    size = np.abs(present).sum() + np.abs(delayed).sum()
    if delay * size < 1e-8:  # the matrix grows like 1/tau
        return float(np.linalg.eigvals(present + delayed).real.max())
    differentiation = _chebyshev(nodes) * (2 / delay)
    generator = np.kron(differentiation, np.eye(n))
    generator[:n] = 0
    generator[:n, :n], generator[:n, -n:] = present, delayed
    return float(np.linalg.eigvals(generator).real.max())


def _chebyshev(nodes: int) -> Float[np.ndarray, "k k"]:
    """Return the differentiation matrix on the nodes cos(pi j / nodes), from 1 (now) to -1 (t - tau)."""
    j = np.arange(nodes + 1)
    x = np.cos(np.pi * j / nodes)
    c = np.where((j == 0) | (j == nodes), 2.0, 1.0) * (-1.0) ** j
    gap = x[:, None] - x[None, :] + np.eye(nodes + 1)
    matrix = np.outer(c, 1 / c) / gap
    return matrix - np.diag(matrix.sum(axis=1))
