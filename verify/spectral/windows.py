"""Where the stable delays of a linear system lie, by the frequencies at which roots cross: float64."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, floor, pi

import numpy as np
import scipy.linalg

from certdde.verify.spectral.abscissa import spectral_abscissa
from certdde.verify.spectral.linear import LinearDelaySystem

MAX_DELAYS = 10_000


def crossings(system: LinearDelaySystem) -> list[tuple[float, float]]:
    """Return the pairs (w, theta), w > 0, 0 <= theta < 2 pi, with a root i w whenever w tau = theta modulo 2 pi.

    With z = e^(-i theta) both i w and -i w are eigenvalues, of A_0 + z A_1 and of A_0 + A_1 / z, so
    z solves det(z^2 A_1 (+) 1 + z (A_0 (+) A_0) + 1 (+) A_1) = 0; each solution near the unit
    circle is refined by Newton's method in (w, theta).

    Soundness
    ---------
    float64: crossings may be missing, above all if A_0 has eigenvalues a and -a that no delay
    moves. Use them to know where to try.

    References
    ----------
    Chen, Gu, Nett (1995), A new method for computing delay margins for stability of linear delay
    systems, Systems and Control Letters 26.
    """
    present, delayed = system.arrays[:2]
    n, eye = len(present), np.eye(len(present))
    low, high = np.kron(eye, delayed), np.kron(delayed, eye)
    middle, one = np.kron(present, eye) + np.kron(eye, present), np.eye(n * n)
    zero = np.zeros_like(one)
    left = np.block([[zero, one], [-low, -middle]])
    with np.errstate(all="ignore"):
        found = scipy.linalg.eigvals(left, np.block([[one, zero], [zero, high]]))
    found = found[np.isfinite(found) & (np.abs(np.abs(found) - 1) < 1e-3)]
    pairs: list[tuple[float, float]] = []
    for z in found:
        for root in np.linalg.eigvals(present + z / abs(z) * delayed):
            if abs(root.real) < 1e-2 * (1 + abs(root)) and root.imag > 1e-9:
                pair = _refined(present, delayed, root.imag, -np.angle(z))
                if pair is not None and not any(np.allclose(pair, p, rtol=1e-7) for p in pairs):
                    pairs.append(pair)
    return sorted(pairs)


def _refined(
    present: np.ndarray, delayed: np.ndarray, w: float, theta: float
) -> tuple[float, float] | None:
    """Drive the least singular value of i w - A_0 - e^(-i theta) A_1 to zero by Newton's method."""
    eye, scale = np.eye(len(present)), np.abs(present).sum() + np.abs(delayed).sum()
    sigma = np.inf
    for _ in range(40):
        turned = np.exp(-1j * theta) * delayed
        u, values, v = np.linalg.svd(1j * w * eye - present - turned)
        if not values[-1] < sigma:
            break
        sigma, left, right = values[-1], u[:, -1].conj(), v[-1].conj()
        rates = [1j * (left @ right), 1j * (left @ turned @ right)]
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
    present, delayed = system.arrays[:2]
    if system.frequency * delay < 1e-8:
        return spectral_abscissa(present, delayed, 0.0)
    nodes = 24 + ceil(system.frequency * delay)
    return spectral_abscissa(present, delayed, delay, min(nodes, 16 + 800 // len(present)))


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
