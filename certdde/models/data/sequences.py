"""The six tasks of neural flows: values at irregular times, each sequence with its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.data.samples import Samples
from certdde.models.data.task import ATOL, RTOL, TaskData, seeded, split, uniform
from certdde.solvers import solve

SOURCE = (
    "Bilos et al., Neural Flows, NeurIPS 2021 (arXiv 2110.13040), and its published generator; here the value at"
    " time 0 is the initial one, so that F(0, x) = x can hold (there sink and ellipse start at the first time of"
    " each sequence), and ellipse is written around (1, 1) for initial values too"
)
Flow = Callable[[Tensor, Tensor], Tensor]
"""From times (T, samples) and initial values (samples, n) to states (T, samples, n)."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How states and initial values (count, generator, outside) of a task are made."""

    flow: Flow
    space: Callable[[int, torch.Generator, bool], Tensor]


def sequences(
    name: str,
    seed: int = 123,
    *,
    samples: int = 1000,
    points: int = 100,
    end: float = 10.0,
    late: float = 30.0,
) -> TaskData:
    """Return sequences at sorted uniform times in [0, end], split 60/20/20.

    ``time`` has times in [end, late], ``space`` initial values outside the range of the training data.

    Parameters
    ----------
    name : str
        sine (sin t + y0), square (sign sin t + y0), sawtooth, triangle (|sawtooth| + y0), each with y0 in U(-2, 2)
        and 2 < |y0| < 4 outside; sink (x' = [-4 10; -3 2] x) and ellipse (x' = 2/3 x - 2/3 xy, y' = xy - y, written
        around (1, 1)), each from U(0, 1)^2 and U(1, 2)^2 outside.
    seed : int
    samples, points : int
        Sequences, and times of each.
    end, late : float
        Ends of the times of training and of the extrapolation.

    Raises
    ------
    ProblemError
        If the name is none of these.
    """
    if name not in SEQUENCES:
        raise ProblemError(
            f"unknown task {name!r}", where="name", wanted=f"one of {', '.join(SEQUENCES)}"
        )
    kind, generator = SEQUENCES[name], seeded(seed)

    def drawn(first: float, last: float, *, outside: bool) -> Samples:
        times = uniform((points, samples), first, last, generator).sort(0).values
        initial = kind.space(samples, generator, outside)
        return Samples(times, initial, kind.flow(times, initial))

    inside = drawn(0.0, end, outside=False)
    beyond = {
        "time": drawn(end, late, outside=False),
        "space": drawn(0.0, end, outside=True),
    }
    train, some = int(0.6 * samples), int(0.2 * samples)
    parts = split(inside, (train, some, samples - train - some))
    return TaskData(name, *parts, beyond, source=SOURCE)


def _line(count: int, generator: torch.Generator, outside: bool) -> Tensor:
    if not outside:
        return uniform((count, 1), -2.0, 2.0, generator)
    sign = 2.0 * torch.randint(2, (count, 1), generator=generator) - 1
    return sign * uniform((count, 1), 2.0, 4.0, generator)


def _plane(count: int, generator: torch.Generator, outside: bool) -> Tensor:
    return uniform((count, 2), 0.0, 1.0, generator) + float(outside)


def _around_one(count: int, generator: torch.Generator, outside: bool) -> Tensor:
    return _plane(count, generator, outside) - 1


def _sawtooth(t: Tensor) -> Tensor:
    phase = t / (2 * math.pi)
    return 2 * (phase - phase.floor()) - 1


def _added(wave: Callable[[Tensor], Tensor]) -> Flow:
    return lambda times, initial: wave(times).unsqueeze(-1) + initial


def _sink(_t: Tensor, x: Tensor, _past: Sequence[Tensor]) -> Tensor:
    return x @ x.new_tensor([[-4.0, 10.0], [-3.0, 2.0]]).T


def _ellipse(_t: Tensor, x: Tensor, _past: Sequence[Tensor]) -> Tensor:
    prey, hunters = x[..., 0], x[..., 1]
    return torch.stack([-2 / 3 * (1 + prey) * hunters, (1 + hunters) * prey], dim=-1)


def _integrated(field: Callable[[Tensor, Tensor, Sequence[Tensor]], Tensor]) -> Flow:
    def flow(times: Tensor, initial: Tensor) -> Tensor:
        ends = torch.stack([times.new_zeros(()), times.max()])
        with torch.no_grad():
            states: Tensor = solve(field, initial, ends, [], rtol=RTOL, atol=ATOL).at(times)
        return states

    return flow


SEQUENCES = {
    "sine": _Kind(_added(torch.sin), _line),
    "square": _Kind(_added(lambda t: torch.sign(torch.sin(t))), _line),
    "sawtooth": _Kind(_added(_sawtooth), _line),
    "triangle": _Kind(_added(lambda t: _sawtooth(t).abs()), _line),
    "sink": _Kind(_integrated(_sink), _plane),
    "ellipse": _Kind(_integrated(_ellipse), _around_one),
}
"""Each task's map from times and initial values to states, and where its initial values are drawn."""
