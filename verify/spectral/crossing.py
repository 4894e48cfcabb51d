"""No characteristic root on the imaginary axis, for any delay of a range: a proof by bisection.

The lemma and the leaf test are those of docs/math.md, section 6, and docs/certificate-format.md,
section 8. Everything here is float64 with a reserve; the checker does it again with all errors.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf

import numpy as np

from certdde.verify.spectral.linear import LinearDelaySystem

LEAF = 254
RESERVE = 2.0**-51  # times (4n + 2m + 48): twice what the checker allows for its roundings


@dataclass(frozen=True, slots=True)
class NoCrossing:
    """No root i w for any delay in [lower, upper]: the codes of one tree over (w, tau), w in [0, W]."""

    lower: float
    upper: float
    codes: np.ndarray

    @property
    def leaves(self) -> int:
        """Number of boxes."""
        return int((self.codes == LEAF).sum())


@dataclass(frozen=True, slots=True)
class PossibleCrossing:
    """Not decided, and why; the smallest open box has its centre at (frequency, delay)."""

    why: str
    frequency: float
    delay: float


@dataclass(frozen=True, slots=True)
class _Local:
    """M = centre + s by_w + t by_tau + rest on boxes, |s|, |t| <= 1, |rest| <= spread; all (B, n, n).

    ``size`` bounds the sum of the absolute values of all terms.
    """

    centre: np.ndarray
    by_w: np.ndarray
    by_tau: np.ndarray
    spread: np.ndarray
    size: np.ndarray


def prove_no_crossing(
    system: LinearDelaySystem,
    lower: float,
    upper: float,
    *,
    max_boxes: int = 400_000,
    deadline: float = inf,
) -> NoCrossing | PossibleCrossing:
    """Show that no characteristic root lies on the imaginary axis for any delay in [lower, upper].

    Parameters
    ----------
    system : LinearDelaySystem
    lower, upper : float
        0 <= lower < upper.
    max_boxes : int
        Boxes looked at, at most.
    deadline : float
        Of ``time.monotonic``.

    Returns
    -------
    NoCrossing or PossibleCrossing

    Soundness
    ---------
    float64. By itself it says nothing of stability: that needs one stable delay in the range.

    Examples
    --------
    >>> from certdde.systems.delay_system import DelaySystem
    >>> scalar = LinearDelaySystem.of(DelaySystem.from_equations(["x' = -x(t - tau)"]))
    >>> type(prove_no_crossing(scalar, 0.0, 1.5707963)).__name__
    'NoCrossing'
    >>> round(prove_no_crossing(scalar, 0.0, 1.6).delay, 6)
    1.570796
    """
    terms, codes, looked = system.arrays, [], 0
    low, high = np.array([[0.0], [lower]]), np.array([[system.frequency], [upper]])
    while low.shape[1]:
        looked += low.shape[1]
        with np.errstate(all="ignore"):
            closed, axis, hopeless = _leaves(terms, low, high)
        codes.append(np.where(closed, LEAF, axis).astype(np.uint8))
        low, high, axis = low[:, ~closed], high[:, ~closed], axis[~closed]
        own = axis, np.arange(axis.size)
        middle = 0.5 * (low + high)[own]
        stuck = hopeless[~closed] | ~((low[own] < middle) & (middle < high[own]))
        if stuck.any() or looked > max_boxes or time.monotonic() > deadline:
            why = "a root seems to cross the imaginary axis" if stuck.any() else "too many boxes"
            w, tau = 0.5 * (low + high)[:, np.argmax(stuck)] if stuck.size else (0.0, lower)
            return PossibleCrossing(why, float(w), float(tau))
        low, high = _halves(low, high, axis, middle)
    return NoCrossing(lower, upper, np.concatenate(codes))


def _halves(
    low: np.ndarray, high: np.ndarray, axis: np.ndarray, middle: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both halves of each box in turn, the lower first."""
    low, high, index = np.repeat(low, 2, axis=1), np.repeat(high, 2, axis=1), np.arange(axis.size)
    high[axis, 2 * index] = middle
    low[axis, 2 * index + 1] = middle
    return low, high


def _leaves(
    terms: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tell which boxes (2, B) are proved, along which axis to split each, and which never will be.

    Hopeless is a box whose centre is singular within the reserve.
    """
    local, axis = _expand(terms, low, high)
    u, sigma, v = np.linalg.svd(local.centre)
    x, y = np.conj(np.swapaxes(u, 1, 2)), np.conj(np.swapaxes(v, 1, 2))
    moved_w, moved_tau = x @ local.by_w @ y, x @ local.by_tau @ y
    turn = _turns(sigma, _diagonal(moved_w), _diagonal(moved_tau))[:, :, None]
    reserve = np.abs(x) @ local.size @ np.abs(y)
    reserve *= RESERVE * (4 * terms.shape[1] + 2 * len(terms) + 48)
    spread = np.abs(x) @ local.spread @ np.abs(y) + reserve
    centre = _hermitian(turn * sigma[:, :, None] * np.eye(terms.shape[1]))
    radius = np.abs(_hermitian(turn * moved_w)) + np.abs(_hermitian(turn * moved_tau))
    closed = _dominant(centre, radius + _hermitian(spread))
    return closed, axis, sigma[:, -1] <= _diagonal(reserve)[:, -1]


def _expand(terms: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[_Local, np.ndarray]:
    """Expand M(w, tau) about the middle of each box; where the phase is too wide, e^(-i w tau) is a disc."""
    (w, tau), (rw, rt) = 0.5 * (low + high), 0.5 * (high - low)
    eye, zero = np.eye(terms.shape[1]), np.zeros((w.size, 1, 1))
    centre = 1j * w[:, None, None] * eye - terms[0]
    by_w, by_tau = 1j * rw[:, None, None] * eye, 1j * zero * eye
    size, spread = (w + rw)[:, None, None] * eye + np.abs(terms[0]), zero * eye
    along_w, along_tau = rw.copy(), 0 * rt
    for k, term in enumerate(terms[1:], 1):
        phase = k * (tau * rw + w * rt + rw * rt)
        error = k * rw * rt + phase**2 / 2
        wide, norm = error >= 1, np.abs(term).sum(axis=1).max()
        rotation = np.where(wide, 0, np.exp(-1j * k * w * tau))[:, None, None] * term
        centre = centre - rotation
        by_w = by_w + (1j * k * tau * rw)[:, None, None] * rotation
        by_tau = by_tau + (1j * k * w * rt)[:, None, None] * rotation
        spread = spread + np.where(wide, 1, error)[:, None, None] * np.abs(term)
        size = size + np.where(wide, 1, 1 + phase)[:, None, None] * np.abs(term)
        along_w, along_tau = along_w + k * tau * rw * norm, along_tau + k * w * rt * norm
    return _Local(centre, by_w, by_tau, spread, size), np.where(along_w >= along_tau, 0, 1)


def _turns(sigma: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return unit numbers c that keep Re c (sigma + s a + t b) as far above 0 as they can, |s|, |t| <= 1.

    The best is across a or b, or towards a corner of the parallelogram.
    """
    corners = [sigma + j * a + k * b for j in (-1, 1) for k in (-1, 1)]
    turn = np.conj(np.array([1j * a, 1j * b, *corners]))
    turn = turn / np.maximum(np.abs(turn), 1e-300)
    turn = np.where(turn.real < 0, -turn, turn)
    gain = turn.real * sigma - np.abs((turn * a).real) - np.abs((turn * b).real)
    best = np.argmax(gain, axis=0)[None]
    return np.asarray(np.take_along_axis(turn, best, axis=0)[0])


def _dominant(centre: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Tell where all Hermitian matrices within the radius are positive definite, by scaled dominance."""
    low = _diagonal(centre).real - _diagonal(radius)
    off = np.where(np.eye(low.shape[1], dtype=bool), 0.0, np.abs(centre) + radius)
    weight = 1 / np.sqrt(low)
    for _ in range(4):
        weight = weight + np.einsum("bij,bj->bi", off, weight) / low
    others = np.einsum("bij,bj->bi", off, weight)
    return np.asarray(np.all((weight > 0) & (low * weight > others * (1 + 1e-12)), axis=1))


def _diagonal(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("bii->bi", matrix))


def _hermitian(matrix: np.ndarray) -> np.ndarray:
    return np.asarray((matrix + np.conj(np.swapaxes(matrix, 1, 2))) / 2)
