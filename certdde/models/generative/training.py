"""Training of a generator by flow matching, and its paths."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.errors import ProblemError
from certdde.models.adam import Adam, Group
from certdde.models.generative.couplings import Origin, Pairs
from certdde.models.generative.matching import matching_loss
from certdde.models.neural_dde import NeuralDDE


@dataclass(frozen=True, slots=True)
class GenerativeTraining:
    """How a generator is trained.

    Attributes
    ----------
    steps : int
    batch : int
        Pairs of a step.
    rate : float
        Learning rate of Adam.
    decay : float
        The rate falls geometrically to this part of itself.
    clip : float
        Largest norm of the gradient.

    Raises
    ------
    ProblemError
        If one of them is not a finite number > 0.
    """

    steps: int = 3000
    batch: int = 256
    rate: float = 3e-3
    decay: float = 0.03
    clip: float = 10.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "rate", "decay", "clip"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ProblemError(
                    f"{value}", where=f"training.{name}", wanted="a finite number > 0"
                )


def match(
    model: NeuralDDE, pairs: Pairs, settings: GenerativeTraining, generator: torch.Generator
) -> list[float]:
    """Minimise the flow-matching loss over minibatches, at times drawn uniformly in [0, 1].

    Parameters
    ----------
    model : NeuralDDE
        With one delay, which may be 0 and stays as it is. Its f should read the time. Changed in place.
    pairs : Pairs
        On the device and of the type of the model.
    settings : GenerativeTraining
    generator : torch.Generator
        On the CPU. With the same one, model and pairs, the weights are the same.

    Returns
    -------
    list of float
        The losses, each before its step.

    Raises
    ------
    ProblemError
        If the model has not one delay, or there are no pairs.
    """
    if len(model.delays) != 1:
        raise ProblemError(f"{len(model.delays)} delays", where="model.delays", wanted="one delay")
    if not len(pairs):
        raise ProblemError("no pairs", where="pairs", wanted="one pair or more")
    (tau,) = model.delays.values()
    optimiser, losses = Adam([Group(tuple(model.parameters()), settings.rate)]), []
    for step in range(settings.steps):
        index = torch.randint(len(pairs), (settings.batch,), generator=generator)
        part = pairs.select(index.to(pairs.end.device))
        t = torch.rand(len(part), 1, generator=generator, dtype=torch.float64)
        model.zero_grad()
        loss = matching_loss(model.field, part, t.to(part.end), tau)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        optimiser.step(settings.decay ** (step / settings.steps))
        losses.append(float(loss.detach()))
    return losses


def generate(
    model: NeuralDDE, origin: Origin, times: Float[Tensor, " times"] | None = None
) -> Float[Tensor, "times n d"]:
    """Return the paths of a generator from its origins, at the times, by default 0 and 1; without gradient.

    The same origins give the same paths.
    """
    if times is None:
        times = origin.start.new_tensor([0.0, 1.0])
    with torch.no_grad():
        states: Tensor = model(origin.history(), times)
    return states
