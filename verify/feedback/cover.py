"""Trees over the four quadrants of a box on which the gains of a feedback keep within their bounds."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nextafter

import numpy as np
import torch

from certdde.systems.delay_system import DelaySystem
from certdde.verify.bound_propagation.forest import COLLAPSED, bisect
from certdde.verify.feedback.search import Invariant
from certdde.verify.feedback.secants import feedback_range

# The order of the trees: the signs of x and y.
SIGNS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
MAX_BOXES = 60_000
ROUNDING = 1e-13  # what the checker's outward rounding may add


def outward(value: Fraction) -> float:
    """Return the binary64 nearest to a number among those at least as far from 0."""
    near = float(value)
    if abs(Fraction(near)) < abs(value):
        near = nextafter(near, inf if value > 0 else -inf)
    return near


def cover(
    system: DelaySystem, invariant: Invariant, box: tuple[Fraction, Fraction]
) -> np.ndarray | None:
    """Return the codes of the four trees, or None where the bounds could not be shown.

    Parameters
    ----------
    system : DelaySystem
        Of one state.
    invariant : Invariant
        Its bounds; its box is not used.
    box : (Fraction, Fraction)
        P and N, exactly.

    Soundness
    ---------
    float64; the checker repeats everything.
    """
    ends = {1: (0.0, outward(box[0])), -1: (outward(-box[1]), 0.0)}
    codes: list[np.ndarray] = []
    for signs in SIGNS:
        low, high = (torch.tensor([[ends[s][k] for s in signs]]).double() for k in (0, 1))
        side, same = int(signs[0] < 0), signs[0] == signs[1]
        bound = (invariant.back if same else invariant.rise)[side]
        found = _tree(system, low, high, bound, same)
        if found is None:
            return None
        codes.append(found)
    return np.concatenate(codes)


def _tree(
    system: DelaySystem, low: torch.Tensor, high: torch.Tensor, bound: float, same: bool
) -> np.ndarray | None:
    """Bisect a quadrant, level by level, the side that is longest relative to the quadrant."""
    whole, codes, count = high - low, [], 0
    while len(low):
        count += len(low)
        if count > MAX_BOXES:
            return None
        p, m = feedback_range(system, low, high)
        top = p[1] + m[1] if same else m[1]
        shown = (p[0] >= 0) & (m[0] >= 0) & (p[0] + m[0] > ROUNDING * bound)
        shown &= top <= bound * (1 - ROUNDING)
        axis = torch.argmax((high - low) / whole, dim=1)
        codes.append(torch.where(shown, COLLAPSED, axis).numpy().astype(np.uint8))
        middle = 0.5 * (low + high)
        if bool((~shown & ((middle <= low) | (middle >= high)).any(1)).any()):
            return None
        low, high = bisect(low[~shown], high[~shown], axis[~shown])
    return np.concatenate(codes)
