"""The spiral in the plane, x' = A tanh(x(t) + x(t - tau))."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from certdde.models.data.samples import Samples
from certdde.models.data.task import TaskData, seeded, solved, split, uniform

MATRIX = ((-1.0, 1.0), (-1.0, -1.0))


def spiral_field(_t: Tensor, x: Tensor, past: Sequence[Tensor]) -> Tensor:
    """Return A tanh(x + y), A = [-1 1; -1 -1]; shapes (..., 2)."""
    return torch.tanh(x + past[0]) @ x.new_tensor(MATRIX).T


def spiral(
    seed: int = 0,
    *,
    train: int = 100,
    validation: int = 32,
    test: int = 32,
    points: int = 60,
    end: float = 6.0,
    tau: float = 0.5,
    size: float = 1.0,
) -> TaskData:
    """Return trajectories of the delayed spiral from constant histories in [-size, size]^2.

    Parameters
    ----------
    seed : int
    train, validation, test : int
        Numbers of samples.
    points, end : int, float
        Output times, even in [0, end].
    tau : float
        The delay; the origin attracts for tau < .788.
    size : float
        Half-width of the square of initial values; ``space`` is drawn from the ring up to twice it.
    """
    generator = seeded(seed)
    count = train + validation + test
    times = torch.linspace(0.0, end, points, dtype=torch.float64)
    inside = uniform((count, 2), -size, size, generator)
    ring = uniform((test, 2), -size, size, generator)
    ring = ring * (
        size * uniform((test, 1), 1.0, 2.0, generator) / ring.abs().amax(1, keepdim=True)
    )
    inner, outer = (
        Samples(times, x, solved(spiral_field, times, x, [tau])) for x in (inside, ring)
    )
    source = "Zhu, Guo and Lin, Neural Delay Differential Equations, ICLR 2021, section 4.2"
    return TaskData(
        "spiral", *split(inner, (train, validation, test)), {"space": outer}, (tau,), source
    )
