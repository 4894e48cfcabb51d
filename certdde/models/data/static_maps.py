"""Maps of the line to be learnt as flows to a time T, where no ordinary differential equation in one state can."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from certdde.models.data.samples import Samples
from certdde.models.data.task import TaskData, seeded, split, uniform

SOURCE = "Zhu, Guo and Lin, Neural Delay Differential Equations, ICLR 2021, section 4.1"


def reflection(
    seed: int = 0, *, train: int = 128, validation: int = 64, test: int = 64, time: float = 1.0
) -> TaskData:
    """Return the task x(0) = x, x(T) = -x with x in [-1, 1].

    Trajectories of an ordinary equation on a line keep their order, so none maps x to -x; x'(t) = -2 x(t - T) / T
    with constant histories does.

    Parameters
    ----------
    seed : int
    train, validation, test : int
        Numbers of samples.
    time : float
        T.
    """
    draw = uniform((train + validation + test, 1), -1.0, 1.0, seeded(seed))
    return _task("reflection", draw, lambda x: -x, (train, validation, test), time)


def annuli(
    seed: int = 0,
    *,
    train: int = 128,
    validation: int = 64,
    test: int = 64,
    time: float = 1.0,
    radii: tuple[float, float, float] = (0.5, 1.0, 1.5),
) -> TaskData:
    """Return the task x(T) = -1 for |x| <= r1, x(T) = 1 for r2 <= |x| <= r3, on the line.

    Half of the samples lie inside, half outside. The two outer pieces would have to pass through the inner one.

    Parameters
    ----------
    seed : int
    train, validation, test : int
        Numbers of samples.
    time : float
        T.
    radii : tuple of float
        r1 < r2 < r3.
    """
    count = train + validation + test
    generator = seeded(seed)
    inner = uniform((count, 1), -radii[0], radii[0], generator)
    outer = uniform((count, 1), radii[1], radii[2], generator)
    sign = 2.0 * torch.randint(2, (count, 1), generator=generator) - 1
    inside = (torch.arange(count) % 2 == 0).unsqueeze(1)
    draw = torch.where(inside, inner, sign * outer)
    middle = (radii[0] + radii[1]) / 2

    def label(x: Tensor) -> Tensor:
        return torch.where(x.abs() < middle, -torch.ones_like(x), torch.ones_like(x))

    return _task("annuli", draw, label, (train, validation, test), time)


def _task(
    name: str,
    draw: Tensor,
    target: Callable[[Tensor], Tensor],
    counts: tuple[int, int, int],
    time: float,
) -> TaskData:
    times = torch.tensor([0.0, time], dtype=torch.float64)
    samples = Samples(times, draw, torch.stack([draw, target(draw)]))
    return TaskData(name, *split(samples, counts), source=SOURCE)
