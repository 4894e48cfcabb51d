"""Where the stable delays of a linear system lie, by the frequencies at which roots cross: float64."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, floor, pi

import numpy as np
import scipy.linalg

from certdde.verify.spectral.abscissa import several_abscissa, spectral_abscissa
from certdde.verify.spectral.linear import LinearDelaySystem

MAX_DELAYS = 10_000
MAX_PENCIL, SWEEP = 400, 1024


def crossings(system: LinearDelaySystem) -> list[tuple[float, float]]:
    """Return the pairs (w, theta), w > 0, 0 <= theta < 2 pi, with a root i w whenever w tau = theta modulo 2 pi.

    With z = e^(-i theta) both i w and -i w are eigenvalues, of A(z) = A_0 + sum_k z^k A_k and of A(1/z), so z
    solves det(A(z) (+) A(1/z)) = 0, a polynomial of degree 2 m in z; each solution near the unit circle is
    refined by Newton's method in (w, theta). A pencil too large gives way to a sweep over theta.

    Soundness
    ---------
    float64: crossings may be missing, above all if A_0 has eigenvalues a and -a that no delay
    moves. Use them to know where to try.

    References
    ----------
    Chen, Gu, Nett (1995), A new method for computing delay margins for stability of linear delay
    systems, Systems and Control Letters 26.
    """
    terms = system.arrays
    size = 2 * (len(terms) - 1) * terms.shape[1] ** 2
    angles = _by_pencil(terms) if size <= MAX_PENCIL else _by_sweep(terms)
    pairs: list[tuple[float, float]] = []
    for theta in angles:
        for root in np.linalg.eigvals(_at(terms, theta)):
            if abs(root.real) < 1e-2 * (1 + abs(root)) and root.imag > 1e-9:
                pair = _refined(terms, root.imag, theta)
                if pair is not None and not any(np.allclose(pair, p, rtol=1e-7) for p in pairs):
                    pairs.append(pair)
    return sorted(pairs)


def _at(terms: np.ndarray, theta: float | np.ndarray) -> np.ndarray:
    """Return A(e^(-i theta)), for one angle or for many."""
    turns = np.exp(-1j * np.multiply.outer(theta, np.arange(len(terms))))
    return np.tensordot(turns, terms, 1)


def _by_pencil(terms: np.ndarray) -> np.ndarray:
    """Return the angles of the eigenvalues near the unit circle of the pencil of all crossings."""
    n, m = terms.shape[1], len(terms) - 1
    eye, one = np.eye(n), np.eye(n * n)
    powers = np.zeros((2 * m + 1, n * n, n * n))
    for k, term in enumerate(terms):
        powers[m + k] += np.kron(term, eye)
        powers[m - k] += np.kron(eye, term)
    left = np.kron(np.eye(2 * m, k=1), one)
    left[-n * n :] = -np.concatenate(list(powers[:-1]), axis=1)
    right = np.eye(len(left))
    right[-n * n :, -n * n :] = powers[-1]
    with np.errstate(all="ignore"):
        found = scipy.linalg.eigvals(left, right)
    return -np.angle(found[np.isfinite(found) & (np.abs(np.abs(found) - 1) < 1e-3)])


def _by_sweep(terms: np.ndarray) -> np.ndarray:
    """Return angles next to which the number of eigenvalues to the right changes, or one comes near the axis."""
    angles = 2 * np.pi * np.arange(SWEEP * len(terms)) / (SWEEP * len(terms))
    real = np.linalg.eigvals(_at(terms, angles)).real
    count, near = (real > 0).sum(axis=1), np.abs(real).min(axis=1)
    changes = count != np.roll(count, 1)
    lowest = (near <= np.roll(near, 1)) & (near <= np.roll(near, -1))
    return angles[changes | np.roll(changes, -1) | lowest]


def _refined(terms: np.ndarray, w: float, theta: float) -> tuple[float, float] | None:
    """Drive the least singular value of i w - A(e^(-i theta)) to zero by Newton's method."""
    eye, scale = np.eye(terms.shape[1]), np.abs(terms).sum()
    multiples = np.arange(len(terms))[:, None, None]
    sigma = np.inf
    for _ in range(40):
        u, values, v = np.linalg.svd(1j * w * eye - _at(terms, theta))
        if not values[-1] < sigma:
            break
        sigma, left, right = values[-1], u[:, -1].conj(), v[-1].conj()
        rates = [1j * (left @ right), 1j * (left @ _at(multiples * terms, theta) @ right)]
        matrix = np.array([[r.real for r in rates], [r.imag for r in rates]])
        step = np.linalg.lstsq(matrix, np.array([-sigma, 0.0]), rcond=1e-12)[0]
        w, theta = w + step[0], theta + step[1]
    good = sigma < 1e-9 * scale and w > 0
    return (float(w), float(theta % (2 * pi))) if good else None


def crossing_delays(system: LinearDelaySystem, lower: float, upper: float) -> list[float]:
    """Return the delays in (lower, upper) at which a root seems to be on the imaginary axis, in order."""
    delays: list[float] = []
    for w, theta in crossings(system):
        first = max(0, ceil((w * lower - theta) / (2 * pi)))
        last = floor((w * upper - theta) / (2 * pi))
        delays += [
            (theta + 2 * pi * k) / w for k in range(first, min(last, first + MAX_DELAYS) + 1)
        ]
    ordered = sorted(tau for tau in delays if lower < tau < upper)
    gaps = zip(ordered, [-1.0, *ordered], strict=False)
    return [tau for tau, before in gaps if tau - before > 1e-9 * tau]


def abscissa(system: LinearDelaySystem, delay: float) -> float:
    """Return the spectral abscissa, with nodes enough for the frequencies that roots may have.

    A delay too short for the collocation, whose matrix grows like 1/tau, counts as 0.
    """
    present, *delayed = system.arrays
    if system.frequency * delay < 1e-8:
        return spectral_abscissa(present, sum(delayed), 0.0)
    nodes = 24 + ceil(system.frequency * delay * len(delayed))
    lags = [(k * delay, one) for k, one in enumerate(delayed, 1)]
    return several_abscissa(present, lags, min(nodes, 16 + 800 // len(present)))


def stable_windows(
    system: LinearDelaySystem, lower: float, upper: float
) -> list[tuple[float, float]]:
    """Return the pieces of [lower, upper] between crossings that look stable.

    Examples
    --------
    >>> from certdde.systems.delay_system import DelaySystem
    >>> friction = ["x' = v", "v' = -2*x + 0.1*v + x(t - tau)"]
    >>> system = LinearDelaySystem.of(DelaySystem.from_equations(friction))
    >>> [[round(end, 4) for end in piece] for piece in stable_windows(system, 0.0, 5.0)]
    [[0.1002, 1.7179]]
    """
    ends = [lower, *crossing_delays(system, lower, upper), upper]
    return [(a, b) for a, b in pairwise(ends) if abscissa(system, 0.5 * (a + b)) < 0]
