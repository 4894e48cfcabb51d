"""The four ways to train a scheme that the examples and benchmarks compare."""

from dataclasses import dataclass

import torch

from certdde.errors import ProblemError
from certdde.models.schemes.bounded import BoundedIncrement
from certdde.models.schemes.delay_table import DelayTable
from certdde.models.schemes.gains import largest_gain
from certdde.models.schemes.increment import GatedIncrement
from certdde.models.schemes.objectives import CertifiedSlopes, Decrease, Objective
from certdde.models.schemes.tasks import SchemeTask, trajectories
from certdde.models.schemes.training import SchemeTraining, deploy, train_scheme

MODES = ("plain", "regularised", "certified", "bounded")
SHARE, LEAST = 0.98, 0.002


@dataclass(frozen=True, slots=True)
class ModeSettings:
    """What all modes share.

    Attributes
    ----------
    seen, wanted, tried : int
        In steps: the longest delay in the data, the longest that is to be certified on the whole domain, and the
        longest that is run. Between the last two the certified mode asks for stability near 0.
    units : int
        Of the hidden layer.
    steps : int
        Of Adam.
    reads_delay : bool
        Whether F reads tau.
    """

    seen: int = 3
    wanted: int = 9
    tried: int = 15
    units: int = 3
    steps: int = 300
    reads_delay: bool = True


def train_mode(task: SchemeTask, mode: str, settings: ModeSettings, seed: int) -> DelayTable:
    """Train one mode and return its numbers at every delay tried.

    Parameters
    ----------
    task : SchemeTask
    mode : str
        plain: on the data alone; regularised: with :class:`Decrease`; certified: with :class:`CertifiedSlopes`;
        bounded: :class:`BoundedIncrement` on the data alone.
    settings : ModeSettings
    seed : int
        Of the data, the first weights, the batches and what is sampled.

    Raises
    ------
    ProblemError
        If there is no such mode.
    """
    if mode not in MODES:
        raise ProblemError(f"mode {mode!r}", where="mode", wanted=f"one of {', '.join(MODES)}")
    source = torch.Generator().manual_seed(seed)
    delays = torch.arange(22 * settings.seen) % settings.seen + 1
    data = trajectories(task, delays, 60, source, size=0.9 * task.domain[1])
    model = _model(task, mode, settings, source)
    objective = _objective(task, mode, settings)
    weight = 0.1 if mode == "regularised" else 1.0
    training = SchemeTraining(steps=settings.steps, window=15, weight=weight)
    train_scheme(model, data, training, source, objective)
    return deploy(model, range(1, settings.tried + 1), objective)


def _model(
    task: SchemeTask, mode: str, settings: ModeSettings, source: torch.Generator
) -> GatedIncrement | BoundedIncrement:
    reads = settings.reads_delay
    if mode != "bounded":
        return GatedIncrement(
            1, settings.units, source, reads_delay=reads, delay_scale=settings.seen
        )
    longest = settings.tried if reads else settings.wanted
    bounds = [SHARE * largest_gain(k) for k in range(longest + 1)]
    return BoundedIncrement(
        settings.units,
        source,
        bounds,
        LEAST,
        task.domain[1],
        reads_delay=reads,
        delay_scale=settings.seen,
    )


def _objective(task: SchemeTask, mode: str, settings: ModeSettings) -> Objective | None:
    if mode == "regularised":
        return Decrease(task, range(1, settings.tried + 1))
    if mode == "certified":
        further = range(settings.wanted + 1, settings.tried + 1)
        return CertifiedSlopes(task.domain, range(1, settings.wanted + 1), near=further)
    return None
