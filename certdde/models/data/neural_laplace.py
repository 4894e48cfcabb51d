"""The two delay equations of Neural Laplace: the first half of a trajectory is seen, the second is predicted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from certdde.models.data.samples import Past, Samples
from certdde.models.data.spiral import spiral_field
from certdde.models.data.task import TaskData, seeded, solved, split

Field = Callable[[Tensor, Tensor, Sequence[Tensor]], Tensor]
SOURCE = (
    "Holt, Qian and van der Schaar, Neural Laplace, ICML 2022 (arXiv 2206.04843), and its published generator:"
    " constant histories on a grid, 200 times, all states normalised together, split 80/10/10"
)


def laplace_spiral(
    seed: int = 0, *, samples: int = 1000, points: int = 200, normalised: bool = True
) -> TaskData:
    """Return the spiral x' = -tanh(x+xd) + tanh(y+yd), y' = -tanh(x+xd) - tanh(y+yd), d = 2.5, over a time of 20.

    Parameters
    ----------
    seed : int
        Of the split; the histories are a grid of [-2, 2]^2.
    samples : int
        The grid has [sqrt(samples)]^2 of them.
    points : int
        Even times; the first half of them is the history, the second what is predicted.
    normalised : bool
        Whether states are shifted and scaled to mean 0 and deviation 1 over all trajectories, as in the source.
    """
    return _task(
        "laplace_spiral", spiral_field, 2.5, (-2.0, 2.0), 20.0, (seed, samples, points, normalised)
    )


def laplace_lotka_volterra(
    seed: int = 0, *, samples: int = 1000, points: int = 200, normalised: bool = True
) -> TaskData:
    """Return x' = .5 x (1 - yd), y' = -.5 y (1 - xd), d = .1, over a time of 28 from a grid of [.1, 2]^2.

    Parameters
    ----------
    seed, samples, points, normalised
        As in :func:`laplace_spiral`.
    """

    def field(_t: Tensor, x: Tensor, past: Sequence[Tensor]) -> Tensor:
        return x * (1 - past[0].flip(-1)) * x.new_tensor([0.5, -0.5])

    arguments = (seed, samples, points, normalised)
    return _task("laplace_lotka_volterra", field, 0.1, (0.1, 2.0), 28.0, arguments)


def _task(
    name: str,
    field: Field,
    delay: float,
    square: tuple[float, float],
    span: float,
    arguments: tuple[int, int, int, bool],
) -> TaskData:
    seed, samples, points, normalised = arguments
    side = torch.linspace(*square, math.isqrt(samples), dtype=torch.float64)
    grid = torch.cartesian_prod(side, side)
    # The source takes every fifth of 1,000 times: the last of its times lies one spacing before the end.
    times = torch.arange(points, dtype=torch.float64) * (span / points)
    states = solved(field, times, grid, [delay])
    if normalised:
        flat = states.reshape(-1, 2)
        states = (states - flat.mean(0)) / flat.std(0)
    order = torch.randperm(len(grid), generator=seeded(seed))
    train, most = int(0.8 * len(grid)), int(0.9 * len(grid))
    halves = _halves(times, states).select(order)
    parts = split(halves, (train, most - train, len(grid) - most))
    return TaskData(name, *parts, delays=(delay,), source=SOURCE)


def _halves(times: Tensor, states: Tensor) -> Samples:
    """Make the first half of the states the history; time 0 is that of the last state seen."""
    seen = len(times) // 2
    shifted = times - times[seen - 1]
    past = Past(shifted[:seen], states[:seen], "cubic")
    return Samples(shifted[seen - 1 :], states[seen - 1], states[seen - 1 :], past)
