"""Where the delays of a random delay may be stable: float64, by the crossings of characteristic roots."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, pi

import numpy as np

from certdde.delays.random import Random
from certdde.errors import CertddeError
from certdde.systems.delay_system import DelaySystem
from certdde.systems.members import members
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import crossings

MOST_CROSSINGS = 20_000
SAME = 1e-9  # relative distance of delays that count as one
Range = tuple[float, float]


def linearised(system: DelaySystem) -> LinearDelaySystem:
    """Return the linearisation of a system with one delay; exact for a linear one, else of binary64 matrices."""
    exact = LinearDelaySystem.of(system)
    if exact is not None:
        return exact
    present, delayed = system.linearisation()
    largest = max((k for (_, k), _ in delayed), default=1)
    terms = np.zeros((largest + 1, *present.shape))
    terms[0] = present.numpy()
    for (_, k), matrix in delayed:
        terms[k] += matrix.numpy()
    return LinearDelaySystem(
        tuple(tuple(tuple(Fraction(float(v)) for v in row) for row in term) for term in terms)
    )


def counted(
    linear: LinearDelaySystem, lower: float, upper: float
) -> list[tuple[float, float, int]]:
    """Return the pieces of [lower, upper] between crossings, with the number of roots of positive real part.

    The roots for the delay 0 are counted, and then those that cross the imaginary axis: with left and right null
    vectors u, v of i w - A(z), z = e^(-i w tau), and B = sum_k k z^k A_k, Re(1 / (ds/dtau)) is
    - Re(u* v / (i w u* B v)), the same at all delays at which this frequency crosses.

    Soundness
    ---------
    float64: crossings may be missing, and a double one counts once. Use it to know where to try.

    References
    ----------
    Walton, Marshall (1987), Direct method for TDS stability analysis, IEE Proceedings D 134.
    """
    terms = linear.arrays
    count = int((np.linalg.eigvals(terms.sum(axis=0)).real > 0).sum())
    events: list[tuple[float, int]] = []
    for w, theta in crossings(linear):
        last = min(floor((w * upper - theta) / (2 * pi)), MOST_CROSSINGS)
        first = max(0, ceil(-theta / (2 * pi)))
        side = _direction(terms, w, theta)
        events += [((theta + 2 * pi * k) / w, 2 * side) for k in range(first, last + 1)]
    found, start = [], lower
    for tau, change in sorted(events):
        if tau > start:
            if tau - start > SAME * tau:
                found.append((start, tau, count))
            start = tau
        count += change
    found.append((start, upper, count))
    return [(a, b, k) for a, b, k in found if a < b]


def _direction(terms: np.ndarray, w: float, theta: float) -> int:
    """Return 1 if the root i w moves to the right as the delay grows, else -1."""
    powers = np.arange(len(terms))
    turns = np.exp(-1j * theta * powers)
    whole = 1j * w * np.eye(terms.shape[1]) - np.tensordot(turns, terms, 1)
    u, _, v = np.linalg.svd(whole)
    left, right = u[:, -1].conj(), v[-1].conj()
    moved = left @ np.tensordot(powers * turns, terms, 1) @ right
    return 1 if -((left @ right) / (1j * w * moved)).real > 0 else -1


def windows(system: DelaySystem, delay: Random) -> list[Range]:
    """Return the pieces of [delay.lower, delay.upper] on which the linearisation looks stable, for all members."""
    found: list[Range] = [(delay.lower, delay.upper)]
    for _, member in members(system):
        try:
            pieces = counted(linearised(member), delay.lower, delay.upper)
        except (CertddeError, ArithmeticError, np.linalg.LinAlgError):
            continue  # a place to look at, no evidence: without it all delays are tried
        stable = [(a, b) for a, b, roots in pieces if roots <= 0]
        found = [
            (max(a, c), min(b, d)) for a, b in found for c, d in stable if max(a, c) < min(b, d)
        ]
    return found


def gaps(delay: Random, certified: list[Range]) -> list[Range]:
    """Return what [delay.lower, delay.upper] has beside disjoint intervals in order."""
    ends = [delay.lower, *(end for piece in certified for end in piece), delay.upper]
    return [(a, b) for a, b in zip(ends[::2], ends[1::2], strict=True) if a < b]
