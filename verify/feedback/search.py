"""An interval that no solution of a delayed negative feedback leaves, and bounds of its gain there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from certdde.systems.delay_system import DelaySystem

POINTS = 48
SHRINK = 4.0
SCALES = 24
MARGIN = 1e-3

Pair = tuple[float, float]
Arrays = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Invariant:
    """Histories within ``rho`` stay in [-box[1], box[0]] (deviations), if the gains are within their bounds.

    Attributes
    ----------
    rho : float
    box : (float, float)
        P and N.
    rise : (float, float)
        Bounds of m where x and y have different signs: x > 0, x < 0.
    back : (float, float)
        Bounds of p + m where they have the same.
    """

    rho: float
    box: Pair
    rise: Pair
    back: Pair


@dataclass(frozen=True, slots=True)
class Gains:
    """Bounds over all boxes with ends on a grid, (K, K) arrays indexed by P and N; see :class:`Invariant`."""

    positive: np.ndarray
    negative: np.ndarray
    rise: tuple[np.ndarray, np.ndarray]
    back: tuple[np.ndarray, np.ndarray]
    good: np.ndarray


def climb(size: np.ndarray | float, back: np.ndarray | float, h: float) -> np.ndarray:
    """Return int_0^h size min(1, back w) dw."""
    last = np.minimum(h, 1 / np.asarray(back))
    return np.asarray(size * (back * last**2 / 2 + h - last))


def proposals(system: DelaySystem, h: float, slack: float = 1.0) -> Iterator[Invariant]:
    """Yield invariants for delays up to h, each with a larger radius than the one before, if there are any.

    Boxes on a grid within the domain, then within smaller and smaller parts of it; the gains are sampled and
    enlarged by a little (times ``slack``), so that bounds by intervals can prove them.

    Soundness
    ---------
    None: a proposal.
    """
    if system.domain is None:
        raise ValueError("a search needs a domain")
    [(low, high)] = system.domain
    best, empty = 0.0, 0
    margin = slack * _margin(system, h, float(-low), float(high))
    for k in range(SCALES):
        scale = SHRINK**-k
        found = _best(_sampled(system, float(-low) * scale, float(high) * scale), h, margin)
        if found is not None and found.rho > best:
            best = found.rho
            yield found
        elif best > 0:
            empty += 1
            if empty == 2:
                return


def _margin(system: DelaySystem, h: float, low: float, high: float) -> float:
    """Return by how much sampled gains are enlarged: less where the delay is close to the limit at the equilibrium."""
    gains = _sampled(system, 1e-6 * low, 1e-6 * high)
    rise, back = float(gains.rise[0][0, 0]), float(gains.back[0][0, 0])
    slack = 1 - rise * float(climb(1.0, back, h)) if rise > 0 and back > 0 else 0.0
    return max(1e-9, min(MARGIN, slack / 20))


def _sampled(system: DelaySystem, low: float, high: float) -> Gains:
    """Sample p and m on a grid of [-low, high]^2, and take running extremes away from 0."""
    steps = torch.arange(POINTS + 1, dtype=torch.float64) / POINTS
    steps[0] = 1e-3 * steps[1]  # for the gains at 0, which are quotients
    sides = (high * steps, -low * steps)
    tops, feet, sums = {}, {}, {}
    for i, x in enumerate(sides):
        for j, y in enumerate(sides):
            p, m = _feedback(system, x, y)
            total = p[:, None] + m
            tops[i, j] = _running(np.maximum, total if i == j else m)
            feet[i, j] = _running(np.minimum, np.minimum(m, p[:, None]))
            sums[i, j] = _running(np.minimum, total)
    diagonal = {i: np.diagonal(tops[i, i]) for i in (0, 1)}
    lowest = _over(np.minimum, feet)
    return Gains(
        sides[0].numpy()[1:, None],
        -sides[1].numpy()[None, 1:],
        (tops[0, 1], tops[1, 0].T),
        (diagonal[0][:, None], diagonal[1][None, :]),
        (lowest >= 0) & (_over(np.minimum, sums) > 0),
    )


def _over(reduce: np.ufunc, values: dict[tuple[int, int], np.ndarray]) -> np.ndarray:
    """Combine the four quadrants of each box (P, N)."""
    same = [np.diagonal(values[i, i]) for i in (0, 1)]
    mixed = reduce(values[0, 1], values[1, 0].T)
    return np.asarray(reduce(mixed, reduce(same[0][:, None], same[1][None, :])))


def _feedback(
    system: DelaySystem, x: torch.Tensor, y: torch.Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Return p (K + 1,) and m (K + 1, K + 1) at points of a quadrant; what is only rounding is 0."""
    f = system.deviation_function()
    grid = torch.stack(torch.meshgrid(x, y, indexing="ij"), dim=-1)
    values = f(grid[..., :1], grid[..., 1:])[..., 0]
    rest = f(x[:, None], torch.zeros_like(x[:, None]))
    p, m = -rest[:, 0] / x, -(values - rest) / y
    noise = 1e-9 * (m.abs().nan_to_num().max() + p.abs().nan_to_num().max())
    m, p = (torch.where(v.abs() < noise, torch.zeros_like(v), v) for v in (m, p))
    return p.numpy(), m.numpy()


def _running(reduce: np.ufunc, values: np.ndarray) -> np.ndarray:
    """Return running extremes over boxes from the corner at 0; the first row and column belong to the next ones."""
    return np.asarray(reduce.accumulate(reduce.accumulate(values, axis=0), axis=1)[1:, 1:])


def largest(boxes: Arrays, rise: Arrays, back: Arrays, h: float) -> np.ndarray:
    """Return the largest radius of histories that stay in each box, or a little less; 0 if there is none."""
    rho = np.full(np.shape(boxes[0]), math.inf)
    with np.errstate(all="ignore"):
        for k in (0, 1):
            own, other, slow = boxes[k], boxes[1 - k], back[1 - k]
            # rise (rho^2 / (2 other back) + climb) < own: the checker's `ramp` is at most that.
            room = 2 * other * slow * (own / rise[k] - climb(other, slow, h))
            rho = np.fmin(rho, np.fmin(own / (1 + rise[k] * h), np.sqrt(np.maximum(room, 0.0))))
    return np.asarray(np.where(np.isfinite(rho), rho, 0.0))


def _best(gains: Gains, h: float, margin: float) -> Invariant | None:
    """Return the box with the largest radius."""
    shape = gains.good.shape
    boxes = np.broadcast_arrays(gains.positive, gains.negative)
    rise = [r * (1 + margin) for r in gains.rise]
    back = [np.broadcast_to(b * (1 + margin), shape) for b in gains.back]
    rho = np.where(gains.good, largest(boxes, rise, back, h), 0.0)
    i, j = np.unravel_index(int(np.argmax(rho)), shape)
    if not rho[i, j] > 0:
        return None
    found = [(float(a[i, j]), float(b[i, j])) for a, b in (boxes, rise, back)]
    return Invariant(float(rho[i, j]), *found)
