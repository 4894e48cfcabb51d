"""A second opinion on a delay that was found: the solution is integrated anew, over many periods."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from certdde.delays.paths import DelayPath
from certdde.solvers import ddeint
from certdde.studies.regularity.matrices import Matrices

PERIODS, DELAYS = 6, 6.0
SAMPLES = 48
RTOL, ATOL = 1e-7, 1e-9
SHARE = 0.5  # of the growth that the multiplier says, at least


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What an integration showed.

    Attributes
    ----------
    growth : float
        Log of the growth over one period, the mean over the second half of the run.
    periods : int
    confirmed : bool
        Whether the solution grows, and by at least half of what the multiplier says.
    """

    growth: float
    periods: int
    confirmed: bool


def confirmed(
    matrices: Matrices,
    path: DelayPath,
    period: float,
    orbit: tuple[Float[np.ndarray, " times"], Complex[np.ndarray, " times n"]],
    expected: float,
    *,
    repeats: int = 1,
) -> Confirmation:
    """Integrate x' = A x + B x(t - tau(t)) from an approximate solution, by an adaptive method of order 5.

    Parameters
    ----------
    matrices : Matrices
    path : DelayPath
        With the period ``period``.
    orbit : (K,) and (K, n) arrays
        Times up to 0, as far back as the delay, and the complex solution there: its real and imaginary part
        are two histories. Nothing else of the search is used.
    expected : float
        Log |mu| over ``repeats`` periods, positive.

    Soundness
    ---------
    float64, local errors of 1e-7: evidence that the solution grows, no proof.
    """
    span = repeats * period
    periods = max(PERIODS, math.ceil(DELAYS * path.upper / span))
    times = torch.linspace(0, periods * span, periods * SAMPLES + 1, dtype=torch.float64)
    states = ddeint(linear(matrices), history(*orbit), times, [path], rtol=RTOL, atol=ATOL)
    sizes = states.square().sum(dim=1).sqrt()[:-1].reshape(periods, SAMPLES).amax(1)
    half = periods // 2
    growth = float((sizes[-1] / sizes[half]).log()) / (periods - 1 - half)
    return Confirmation(growth, periods, bool(growth >= SHARE * expected > 0))


def linear(matrices: Matrices) -> Callable[[Tensor, Tensor, list[Tensor]], Tensor]:
    """Return the right-hand side that the solver takes, of the real and the imaginary part together."""
    eye = np.eye(2)
    present = torch.as_tensor(np.kron(eye, matrices.present.T))
    delayed = torch.as_tensor(np.kron(eye, matrices.delayed.T))
    return lambda _t, x, past: x @ present + past[0] @ delayed


def history(
    times: Float[np.ndarray, " times"], states: Complex[np.ndarray, " times n"], size: float = 1.0
) -> Callable[[Tensor], Tensor]:
    """Return the history (.., 2 n), linear between the times: real and imaginary part, of the size given."""
    states = states * (size / np.abs(states).max())
    table = torch.as_tensor(np.concatenate([states.real, states.imag], 1))
    knots = torch.as_tensor(times)

    def at(s: Tensor) -> Tensor:
        place = s[..., 0].clamp(float(times[0]), float(times[-1]))
        right = torch.searchsorted(knots, place.contiguous()).clamp(1, len(times) - 1)
        share = (place - knots[right - 1]) / (knots[right] - knots[right - 1])
        return torch.lerp(table[right - 1], table[right], share[..., None])

    return at
