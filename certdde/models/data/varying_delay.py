"""A delay that varies in time: y' = y (1 - y(t - tau(t))), tau(t) = 2 + sin t."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from certdde.models.data.samples import Past, Samples
from certdde.models.data.task import TaskData, seeded, solved, split, uniform

BOUNDS = (1.0, 3.0)
SOURCE = (
    "arXiv 2306.14545 (SD-DDE), its time-dependent delay; the validation set is added here, and the step"
    " histories have three pieces"
)


def delay(t: Tensor) -> Tensor:
    """Return 2 + sin t."""
    return 2 + torch.sin(t)


def logistic(_t: Tensor, y: Tensor, past: Sequence[Tensor]) -> Tensor:
    """Return y (1 - y(t - tau))."""
    return y * (1 - past[0])


def varying_delay(
    seed: int = 0,
    *,
    train: int = 256,
    validation: int = 32,
    test: int = 32,
    points: int = 200,
    end: float = 20.0,
) -> TaskData:
    """Return trajectories on [0, end] from constant histories in (.1, 2).

    ``space`` has constant histories in (2, 3), ``histories`` has steps: three pieces in (.1, 2) before the start.

    Parameters
    ----------
    seed : int
    train, validation, test : int
        Numbers of samples.
    points, end : int, float
        Output times, even in [0, end].
    """
    generator = seeded(seed)
    times = torch.linspace(0.0, end, points, dtype=torch.float64)
    counts = (train, validation, test)
    inside = _from(times, uniform((sum(counts), 1), 0.1, 2.0, generator))
    space = _from(times, uniform((test, 1), 2.0, 3.0, generator))
    pieces = uniform((3, test, 1), 0.1, 2.0, generator)
    knots = torch.linspace(-BOUNDS[1], 0.0, 4, dtype=torch.float64)
    past = Past(knots, torch.cat([pieces, pieces[-1:]]), "steps")
    steps = _from(times, pieces[-1], past)
    beyond = {"space": space, "histories": steps}
    return TaskData("varying_delay", *split(inside, counts), beyond, (delay,), SOURCE)


def _from(times: Tensor, initial: Tensor, past: Past | None = None) -> Samples:
    history = None if past is None else past.history()
    return Samples(
        times, initial, solved(logistic, times, initial, [delay], history, [BOUNDS]), past
    )
