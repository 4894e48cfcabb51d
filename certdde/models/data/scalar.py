"""Scalar delay equations with constant histories: the delayed population and Mackey and Glass's equation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from certdde.models.data.samples import Samples
from certdde.models.data.task import TaskData, seeded, solved, split, uniform

Field = Callable[[Tensor, Tensor, Sequence[Tensor]], Tensor]
SOURCE = "Zhu, Guo and Lin, Neural Delay Differential Equations, ICLR 2021, section 4.2"


def population(
    seed: int = 0,
    *,
    train: int = 100,
    validation: int = 32,
    test: int = 32,
    points: int = 80,
    end: float = 8.0,
    rate: float = 1.8,
    tau: float = 1.0,
) -> TaskData:
    """Return trajectories of x' = r x (1 - x(t - tau)) from constant histories in (.1, 2).

    For r tau > pi/2, as here, the trajectories tend to a cycle.

    Parameters
    ----------
    seed : int
    train, validation, test : int
        Numbers of samples.
    points, end : int, float
        Output times, even in [0, end]; ``time`` goes to twice the end.
    rate, tau : float
        r and the delay.
    """

    def field(_t: Tensor, x: Tensor, past: Sequence[Tensor]) -> Tensor:
        return rate * x * (1 - past[0])

    return _task("population", field, (0.1, 2.0), tau, (train, validation, test), points, end, seed)


def mackey_glass(
    seed: int = 0,
    *,
    train: int = 100,
    validation: int = 32,
    test: int = 32,
    points: int = 100,
    end: float = 10.0,
    beta: float = 4.0,
    n: float = 9.65,
    gamma: float = 2.0,
    tau: float = 1.0,
) -> TaskData:
    """Return trajectories of x' = beta y / (1 + y^n) - gamma x, y = x(t - tau), from constant histories in (.2, 1.2).

    Parameters
    ----------
    seed : int
    train, validation, test : int
        Numbers of samples.
    points, end : int, float
        Output times, even in [0, end]; ``time`` goes to twice the end.
    beta, n, gamma, tau : float
        Of the equation; those given are the chaotic ones of the source.
    """

    def field(_t: Tensor, x: Tensor, past: Sequence[Tensor]) -> Tensor:
        return beta * past[0] / (1 + past[0].abs() ** n) - gamma * x

    counts = (train, validation, test)
    return _task("mackey_glass", field, (0.2, 1.2), tau, counts, points, end, seed)


def _task(
    name: str,
    field: Field,
    span: tuple[float, float],
    tau: float,
    counts: tuple[int, int, int],
    points: int,
    end: float,
    seed: int,
) -> TaskData:
    times = torch.linspace(0.0, 2 * end, 2 * points - 1, dtype=torch.float64)
    draw = uniform((sum(counts), 1), *span, seeded(seed))
    samples = Samples(times, draw, solved(field, times, draw, [tau]))
    _, _, late = split(samples, counts)
    return TaskData(name, *split(samples.until(points), counts), {"time": late}, (tau,), SOURCE)
