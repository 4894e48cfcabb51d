"""How a learned scheme does at each delay: error against the true equation, and whether it settles."""

from dataclasses import dataclass

import torch

from certdde.models.schemes.delay_table import DelayTable
from certdde.models.schemes.rollouts import rollout
from certdde.models.schemes.tasks import RandomHistory, SchemeTask, trajectories


@dataclass(frozen=True, slots=True)
class DelayScore:
    """What a scheme does at one delay.

    Attributes
    ----------
    delay : int
        In steps.
    error : float
        Root mean square of the error at the horizon, over the size ``start`` of the histories.
    unsettled : float
        Share of trajectories whose largest |x| over the last window is not below that of the history.
    """

    delay: int
    error: float
    unsettled: float


def score(
    table: DelayTable,
    task: SchemeTask,
    delay: int,
    generator: torch.Generator,
    *,
    horizon: int = 30,
    long: int = 2000,
    count: int = 32,
) -> DelayScore:
    """Compare with true trajectories at the horizon, and follow the scheme alone for ``long`` steps.

    Parameters
    ----------
    table : DelayTable
    task : SchemeTask
    delay : int
        In steps.
    generator : torch.Generator
        Of the histories; on the CPU.
    horizon, long, count : int
        Steps, steps, trajectories.
    """
    delays = torch.full((count,), delay)
    true = trajectories(task, delays, horizon, generator)
    past = true.states[: delay + 1]
    found = rollout(table, past, delays, horizon)
    error = (found[-1] - true.states[-1]).square().mean().sqrt() / task.start
    window = task.step * torch.arange(-delay, 1, dtype=torch.float64).reshape(-1, 1, 1)
    past = RandomHistory(task.start, count, generator)(window)
    after = rollout(table, past, delays, long)[-(delay + 1) :].abs().amax(0)
    settled = torch.isfinite(after) & (after < past.abs().amax(0))
    return DelayScore(delay, float(error), float((~settled).double().mean()))
