"""True delay differential equations that a scheme is to learn, and their trajectories; nothing is downloaded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from certdde.errors import ProblemError
from certdde.solvers import ddeint
from certdde.solvers.integrate import RightSide


@dataclass(frozen=True, slots=True)
class SchemeTask:
    """x' = f(x(t - tau)) with one state, seen every ``step``.

    Attributes
    ----------
    name : str
    equation : str
        For a title.
    f : callable
        As :func:`certdde.solvers.ddeint` takes it.
    domain : (float, float)
        Around the equilibrium 0: where the slopes of a scheme have to hold.
    start : float
        Histories are within this.
    step : float
        Between t and t+1 of the scheme.
    """

    name: str
    equation: str
    f: RightSide = field(repr=False)
    domain: tuple[float, float]
    start: float
    step: float


@dataclass(frozen=True, slots=True)
class Trajectories:
    """Solutions of a task, each with its own delay.

    Attributes
    ----------
    states : (reach + 1 + steps, batch, 1) Tensor
        x at the times -reach, .., steps in steps.
    delays : (batch,) Tensor
        In steps, at most ``reach``.
    reach : int
    """

    states: Float[Tensor, "times batch 1"]
    delays: Int[Tensor, " batch"]
    reach: int

    @property
    def steps(self) -> int:
        """Steps after time 0."""
        return len(self.states) - self.reach - 1


def damped_linear(step: float = 0.15, rate: float = 1.0) -> SchemeTask:
    """Return x' = -rate x(t - tau): stable for rate tau < pi/2."""
    shown = "" if rate == 1 else f"{rate:g} "
    f = partial(_linear, rate)
    return SchemeTask("linear", f"x' = -{shown}x(t - tau)", f, (-1.5, 1.5), 0.6, step)


def logistic(step: float = 0.15) -> SchemeTask:
    """Return the delayed logistic equation n' = n (1 - n(t - tau)) in x = log n: x' = 1 - exp(x(t - tau)).

    The change of variable makes it a function of the past alone, as a scheme x[t+1] = x[t] - F(x[t-d]) is. Stable
    for tau < pi/2 too.
    """
    return SchemeTask("logistic", "x' = 1 - exp(x(t - tau))", _logistic, (-0.5, 0.5), 0.2, step)


def _linear(rate: float, _t: Tensor, _x: Tensor, past: Sequence[Tensor]) -> Tensor:
    return -rate * past[0]


def _logistic(_t: Tensor, _x: Tensor, past: Sequence[Tensor]) -> Tensor:
    return -torch.expm1(past[0])


def trajectories(
    task: SchemeTask,
    delays: Int[Tensor, " batch"],
    steps: int,
    generator: torch.Generator,
    size: float | None = None,
) -> Trajectories:
    """Solve the task from random histories c + a sin(w t + p) with |c| + |a| at most ``size``.

    Parameters
    ----------
    task : SchemeTask
    delays : integer Tensor
        In steps, one a sample, from 1 on.
    steps : int
    generator : torch.Generator
        On the CPU.
    size : float, optional
        Default ``task.start``.

    Raises
    ------
    ProblemError
        If a delay is below 1.
    """
    if not bool((delays >= 1).all()):
        raise ProblemError("a delay below 1", where="delays", wanted="whole numbers from 1 on")
    size, reach = task.start if size is None else size, int(delays.max())
    history = RandomHistory(size, len(delays), generator)
    times = task.step * torch.arange(steps + 1, dtype=torch.float64)
    after = ddeint(task.f, history, times, [task.step * delays.double()], rtol=1e-7, atol=1e-9)
    past = task.step * torch.arange(-reach, 0, dtype=torch.float64).reshape(-1, 1, 1)
    return Trajectories(torch.cat([history(past), after]), delays, reach)


class RandomHistory:
    """c + a sin(w t + p), drawn once; shape (..., batch, 1) for times of shape (..., 1, 1) or (..., batch, 1)."""

    def __init__(self, size: float, batch: int, generator: torch.Generator) -> None:
        unit = torch.rand(4, batch, 1, generator=generator, dtype=torch.float64)
        share = unit[0]
        self.centre = size * (1 - share) * (2 * unit[1] - 1)
        self.swing = size * share
        self.rate, self.phase = 4 * unit[2], 2 * torch.pi * unit[3]

    def __call__(self, s: Tensor) -> Tensor:
        """Return the values at times s <= 0."""
        return self.centre + self.swing * torch.sin(self.rate * s + self.phase)
