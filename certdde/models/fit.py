"""Fitting a model of trajectories to data: minibatches, patience, and a state to go on from."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from certdde.errors import ProblemError
from certdde.models.adam import Adam, Group
from certdde.models.data.samples import Samples
from certdde.models.data.task import TaskData
from certdde.models.fit_state import FitState
from certdde.models.learned_delays import LearnedDelays

Progress = Callable[[int, dict[str, float]], None]


class Predictor(Protocol):
    """What can be fitted: a module that also predicts."""

    def predict(self, samples: Samples, index: Tensor | None = None) -> Tensor:
        """Return states (T, samples, n); ``index`` are the places of training samples."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How a fit runs.

    Attributes
    ----------
    epochs : int
    batch : int
        Samples of a minibatch.
    rate : float
        Learning rate of Adam.
    delay_rate : float or None
        Learning rate of the parameters below ``model.delays``; None: ``rate``.
    decay : float
        The rates fall geometrically to this part of themselves over the epochs.
    weight_decay : float
    clip : float or None
        Largest norm of the gradient.
    patience : int or None
        Epochs without a better validation error before the fit ends.
    every : int
        Epochs between two states on the disk.
    keep : str
        The weights that the model has at the end: the ``best`` by the validation error, or the ``last``: where only
        constants of the training samples are learnt, the validation error says nothing of them.
    """

    epochs: int = 200
    batch: int = 32
    rate: float = 3e-3
    delay_rate: float | None = None
    decay: float = 1.0
    weight_decay: float = 0.0
    clip: float | None = 1.0
    patience: int | None = None
    every: int = 10
    keep: str = "best"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "every", "rate", "decay"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ProblemError(f"{value}", where=f"settings.{name}", wanted="a number > 0")
        if self.keep not in ("best", "last"):
            raise ProblemError(
                f"unknown weights {self.keep!r}", where="settings.keep", wanted="best or last"
            )


@dataclass(frozen=True, slots=True)
class Fit:
    """What a fit did.

    Attributes
    ----------
    best : int
        The epoch of the least validation error, whose weights the model has now if they are to be kept.
    validation : float
        That error.
    history : tuple of dict
        Each epoch's ``epoch``, ``train`` and ``validation`` error and ``delay_1`` .. of the model.
    seconds : float
        Of this call.
    """

    best: int
    validation: float
    history: tuple[dict[str, float], ...] = field(repr=False)
    seconds: float = 0.0


def fit(
    model: nn.Module,
    data: TaskData,
    settings: FitSettings,
    generator: torch.Generator,
    *,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> Fit:
    """Minimise the mean squared error on the training data.

    Parameters
    ----------
    model : Module
        With a method ``predict`` (:class:`Predictor`). Changed in place.
    data : TaskData
        On the device and of the type of the model.
    settings : FitSettings
    generator : torch.Generator
        On the CPU; draws the minibatches. With the same one, model and data, the weights are the same.
    progress : callable, optional
        Called after each epoch with its number and the entry of the history.
    checkpoint : Path, optional
        A folder: the state is kept there, and a fit that was interrupted goes on from it to the same weights.

    Returns
    -------
    Fit

    Raises
    ------
    ProblemError
        If the folder holds the state of another model, data or settings.
    """
    began = time.monotonic()
    optimiser = _optimiser(model, settings)
    state = FitState.of(model, data.train, asdict(settings), checkpoint)
    state.restore(model, optimiser, generator)
    for epoch in range(state.epoch, settings.epochs):
        if settings.patience is not None and epoch - state.best > settings.patience:
            break
        factor = settings.decay ** (epoch / settings.epochs)
        train = _epoch(model, data.train, settings, partial(optimiser.step, factor), generator)
        entry = {"epoch": float(epoch), "train": train, "validation": error(model, data.validation)}
        entry |= {f"delay_{i + 1}": tau for i, tau in enumerate(_delays(model))}
        state.record(entry, model)
        last = epoch == settings.epochs - 1
        if last or (epoch + 1) % settings.every == 0:
            state.save(model, optimiser, generator)
        if progress:
            progress(epoch, entry)
    if settings.keep == "best" and state.weights is not None:
        model.load_state_dict(state.weights)
    return Fit(state.best, state.least, tuple(state.history), time.monotonic() - began)


def error(model: nn.Module, samples: Samples, batch: int = 1024) -> float:
    """Return the mean squared error on samples, the initial state left out; inf if a trajectory blows up."""
    total, count = 0.0, 0
    with torch.no_grad():
        for index in torch.arange(len(samples)).split(batch):
            part = samples.select(index)
            squares = _squares(model.predict(part), part)  # type: ignore[operator]
            total, count = total + float(squares.double().sum()), count + squares.numel()
    mean = total / count
    return mean if mean < float("inf") else float("inf")


def _squares(states: Tensor, samples: Samples) -> Tensor:
    """Return the squared errors; at the initial time, where it is known to be one, there is none."""
    squares = (states - samples.states).square()
    return squares[1:] if samples.times.ndim == 1 else squares


def _epoch(
    model: nn.Module,
    samples: Samples,
    settings: FitSettings,
    step: Callable[[], None],
    generator: torch.Generator,
) -> float:
    """Go through the samples once; return the mean of the minibatches' errors before each step."""
    losses = []
    for index in _minibatches(len(samples), settings.batch, generator):
        part = samples.select(index.to(samples.states.device))
        model.zero_grad()
        squares = _squares(model.predict(part, index), part)  # type: ignore[operator]
        finite = torch.isfinite(squares)
        # A trajectory that blew up is NaN from there on: it is left out, and the rest of it counts.
        loss = torch.where(finite, squares, 0.0).sum() / finite.sum().clamp_min(1)
        if not loss.requires_grad or not bool(finite.any()):
            continue
        loss.backward()
        if settings.clip is not None:
            norm = nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            if not bool(torch.isfinite(norm)):
                continue
        step()
        losses.append(float(loss.detach()))
    return sum(losses) / len(losses) if losses else float("inf")


def _minibatches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    yield from torch.randperm(count, generator=generator).split(size)


def _optimiser(model: nn.Module, settings: FitSettings) -> Adam:
    delays = getattr(model, "delays", None)
    own = list(delays.parameters()) if isinstance(delays, nn.Module) else []
    among = {id(p) for p in own}
    rest = [p for p in model.parameters() if id(p) not in among]
    rate = settings.rate if settings.delay_rate is None else settings.delay_rate
    return Adam([Group(tuple(rest), settings.rate, settings.weight_decay), Group(tuple(own), rate)])


def _delays(model: nn.Module) -> Sequence[float]:
    delays = getattr(model, "delays", None)
    return delays.values() if isinstance(delays, LearnedDelays) else ()
