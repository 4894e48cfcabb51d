"""What ``certdde simulate`` does for sample and hold: equal steps from the first sampling instant on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from certdde.errors import ProblemError

if TYPE_CHECKING:
    from certdde.systems import DelaySystem
    from certdde.systems.problem import Problem

MOST_STEPS = 100_000


def held_delay(problem: Problem) -> str | None:
    """Return the name of the delay of class ``sampled``, if there is one."""
    return next((k for k, spec in problem.delays.items() if spec.class_ == "sampled"), None)


def held_trajectory(
    system: DelaySystem, delays: Mapping[str, float], start: Mapping[str, float], end: float
) -> tuple[list[float], list[list[float]]]:
    """Integrate x' = f(x, x(t_k)), the delay being the step from one instant to the next.

    Returns
    -------
    times, values
        In the user's coordinates, ``values[i][j]`` of state j.

    Raises
    ------
    ProblemError
        If the equations have no one delay, or the step is 0 or so short that there are too many.
    """
    import torch

    from certdde.learning.sample_and_hold import held_solutions, inner_steps

    if len(delays) > 1 or not system.one_lag or system.time == "discrete":
        raise ProblemError(
            "sample and hold takes one delay of a differential equation, without multiples",
            where="delays",
            wanted="equations as in x' = -x(t - tau), or another class",
        )
    [step] = delays.values()
    if not step > 0 or end / step * inner_steps(system, step) > MOST_STEPS:
        wanted = f"a positive step, and at most {MOST_STEPS} steps of the integration until the end"
        raise ProblemError(f"{step} is no step of sample and hold", where="--tau", wanted=wanted)
    rest = torch.tensor([float(x) for x in system.equilibrium], dtype=torch.float64)
    first = torch.tensor([[start[s] for s in system.states]], dtype=torch.float64) - rest
    times, states = held_solutions(system, first, [step] * math.ceil(end / step))
    return times.tolist(), (states[:, 0] + rest).tolist()
