"""Whether a certified region holds a box of constant histories that is wanted."""

from __future__ import annotations

import itertools

import torch

from certdde.learning.synthesis.stage import Closed
from certdde.systems.controller_problem import ControllerProblem


def holds(closed: Closed, problem: ControllerProblem) -> bool:
    """Tell whether V <= level at the corners of ``learn.region``, for every delay of the proof; true if none is wanted.

    V is convex on constant histories, so that the corners are enough; states that are not named are at rest.

    Soundness
    ---------
    float64: it chooses between loops, and is no part of a claim.
    """
    wanted, part = problem.learn.region, closed.part
    if not wanted or part.level is None:
        return True
    point = dict(zip(closed.system.states, map(float, closed.system.equilibrium), strict=True))
    ends = [
        [end - point[state] for end in wanted.get(state, (point[state],) * 2)]
        for state in closed.system.states
    ]
    corners = torch.tensor(list(itertools.product(*ends)), dtype=torch.float64)
    values = [part.functional.on_constant_histories(corners, tau) for tau in part.windows]
    return bool((torch.stack(values) <= part.level).all())
