"""A functional that proves stability for the delay 0 or those next to it, without a semidefinite program."""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg
import torch

from certdde.functionals import Functional
from certdde.verify.spectral.linear import LinearDelaySystem


def anchor_at_zero(system: LinearDelaySystem) -> tuple[Functional, list[float]] | None:
    """Return V = x^T P x + .. of order 0 and the breaks [0, e] for which it proves stability.

    P solves M^T P + P M = -I, M = A_0 + A_1: with y = x + d and F = |M| + |A_1|

        D <= -|x|^2 + 2 (|P A_1| + s) |x| |d| + s |x|^2 + e r F^2 (|x|^2 + |d|^2) - (r / e) |d|^2,

    negative for s = 1/16, r = 1/(10 e F^2) and e at most 1/(10 F (|P A_1| + 1)).

    Parameters
    ----------
    system : LinearDelaySystem
        With one delayed matrix; for more see :func:`undelayed`.

    Returns
    -------
    (Functional, list of float) or None
        None if M is not stable.

    Soundness
    ---------
    A proposal in float64; the checker shows it exactly.
    """
    p = undelayed(system)
    if p is None:
        return None
    present, delayed = system.arrays
    whole = present + delayed
    size = float(np.linalg.norm(whole, 2) + np.linalg.norm(delayed, 2))
    end = _power(1 / (10 * size * (float(np.linalg.norm(p @ delayed, 2)) + 1)))
    weight, eye = _power(1 / (10 * end * size**2)), torch.eye(len(whole), dtype=torch.float64)
    return Functional(0, torch.as_tensor(p), eye / 16, weight * eye), [0.0, end]


def undelayed(system: LinearDelaySystem) -> np.ndarray | None:
    """Return P with M^T P + P M = -I, M the sum of all matrices; None if M is not stable.

    Soundness
    ---------
    A proposal in float64; the checker shows P > 0 and M^T P + P M < 0 exactly.
    """
    whole = system.arrays.sum(axis=0)
    if not np.linalg.eigvals(whole).real.max() < 0:
        return None
    p = scipy.linalg.solve_continuous_lyapunov(whole.T, -np.eye(len(whole)))
    p = (p + p.T) / 2
    return p if np.isfinite(p).all() and np.linalg.eigvalsh(p)[0] > 0 else None


def _power(value: float) -> float:
    """Return the power of two at or below a positive number."""
    return float(2.0 ** math.floor(math.log2(value)))
