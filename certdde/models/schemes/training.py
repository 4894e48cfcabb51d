"""Training of a scheme on windows of trajectories, plain or with one more objective."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.adam import Adam, Group
from certdde.models.schemes.delay_table import DelayTable
from certdde.models.schemes.objectives import CertifiedSlopes, Objective
from certdde.models.schemes.rollouts import Increment, rollout
from certdde.models.schemes.tasks import Trajectories

Progress = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class SchemeTraining:
    """How a scheme is trained.

    Attributes
    ----------
    steps : int
        Of Adam.
    rate : float
        Falls to a tenth by a cosine.
    batch, window : int
        Pieces of trajectories a step, and their length in steps of the scheme.
    weight : float
        Of the objective besides the data.
    every : int
        Steps between two verifications of :class:`CertifiedSlopes`.
    """

    steps: int = 400
    rate: float = 1e-2
    batch: int = 64
    window: int = 12
    weight: float = 1.0
    every: int = 25


def train_scheme(
    model: Increment,
    data: Trajectories,
    settings: SchemeTraining,
    generator: torch.Generator,
    objective: Objective | None = None,
    progress: Progress | None = None,
) -> list[float]:
    """Fit a scheme to trajectories; its parameters change in place.

    Parameters
    ----------
    model : GatedIncrement or BoundedIncrement
    data : Trajectories
        Their delays are those that are seen in training.
    settings : SchemeTraining
    generator : torch.Generator
        Of the windows and of what the objective samples; on the CPU.
    objective : Decrease or CertifiedSlopes, optional
        None: plain training.
    progress : callable, optional
        ``progress(step, loss)``.

    Returns
    -------
    list of float
        The loss of each step: mean square error over mean square of the data, plus the objective.

    Raises
    ------
    ProblemError
        If the trajectories are shorter than a window.
    """
    if data.steps < settings.window:
        raise ProblemError(
            f"trajectories of {data.steps} steps",
            where="window",
            wanted=f"at least {settings.window}",
        )
    parameters = tuple(model.parameters())
    adam = Adam([Group(parameters, settings.rate)])
    size, losses = data.states.square().mean(), []
    for k in range(settings.steps):
        if isinstance(objective, CertifiedSlopes) and k % settings.every == 0:
            objective.verify(model)
        loss = _error(model, data, settings, generator) / size
        if objective is not None:
            loss = loss + settings.weight * objective(model, generator)
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step(0.55 + 0.45 * math.cos(math.pi * k / settings.steps))
        losses.append(float(loss.detach()))
        if progress:
            progress(k, losses[-1])
    return losses


def deploy(model: Increment, delays: range, objective: Objective | None = None) -> DelayTable:
    """Return the numbers of a trained model at each delay; certified slopes are kept by scaling where need be.

    Parameters
    ----------
    model : GatedIncrement or BoundedIncrement
    delays : range
    objective : Decrease or CertifiedSlopes, optional
        Of the training. With ``CertifiedSlopes`` an increment whose slopes still exceed the limit is made smaller.
    """
    table = {}
    for delay in delays:
        scheme = model.at(delay)
        if isinstance(objective, CertifiedSlopes):
            scheme = objective.kept(scheme, delay)
        table[delay] = scheme
    return DelayTable(table)


def _error(
    model: Increment, data: Trajectories, settings: SchemeTraining, generator: torch.Generator
) -> Float[Tensor, ""]:
    """Return the mean square error over windows drawn at random."""
    count, reach = settings.batch, data.reach
    sample = torch.randint(data.states.shape[1], (count,), generator=generator)
    last = data.steps - settings.window
    first = torch.randint(last + 1, (count,), generator=generator)
    offsets = torch.arange(reach + 1 + settings.window).unsqueeze(1)
    pieces = data.states[first + offsets, sample]
    delays = data.delays[sample]
    predicted = rollout(model, pieces[: reach + 1], delays, settings.window)
    return (predicted - pieces[reach:]).square().mean()
