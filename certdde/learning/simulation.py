"""Solutions of any system, in deviations from the equilibrium: several delays, multiples of them, schemes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.solvers import scheme, solve
from certdde.systems.delay_system import DelaySystem


def rate(system: DelaySystem) -> float:
    """Return the size of the slopes of f at the equilibrium: 1 / rate is its fastest time."""
    present, matrices = system.linearisation()
    total = present.abs() + torch.stack([m.abs() for _, m in matrices]).sum(0)
    return float(total.sum(-1).max()) or 1.0


def solutions(
    system: DelaySystem,
    start: Float[Tensor, "batch n"],
    delays: Mapping[str, float],
    times: Float[Tensor, " times"],
    *,
    bound: float | None = None,
    tolerance: float = 1e-8,
    step: float | None = None,
) -> Float[Tensor, "times batch n"]:
    """Integrate a differential equation from constant histories.

    Parameters
    ----------
    system : DelaySystem
        In continuous time.
    start : (B, n) Tensor
        The histories, in deviations.
    delays : mapping
        The value of each delay, by name.
    times : (T,) Tensor
        Output times, from 0 on.
    bound : float, optional
        A solution beyond it is given up.
    tolerance : float
        Relative, of dopri5.
    step : float, optional
        Take even steps of this size instead, by rk4.

    Returns
    -------
    Tensor, (T, B, n)
        Deviations; NaN after a solution was given up.
    """
    rest = torch.tensor([float(x) for x in system.equilibrium], dtype=torch.float64)
    function = system.torch_function()
    options = {key: value for key, value in (("bound", bound), ("step", step)) if value is not None}
    with torch.no_grad():
        solution = solve(
            lambda t, x, past: function(t, x + rest, [y + rest for y in past]),
            start,
            times,
            [multiple * delays[name] for name, multiple in system.lags],
            rtol=tolerance,
            atol=tolerance / 100 * float(start.abs().max()),
            method="dopri5" if step is None else "rk4",
            options=options,
        )
    return solution.states


def iterates(
    system: DelaySystem,
    start: Float[Tensor, "batch n"],
    words: Mapping[str, Sequence[int]],
    steps: int,
) -> Float[Tensor, "times batch n"]:
    """Iterate a scheme from constant histories; each delay goes through its word again and again.

    Returns
    -------
    Tensor, (steps + 1, B, n)
        Deviations; what is not finite stays so.
    """
    rest = torch.tensor([float(x) for x in system.equilibrium], dtype=torch.float64)
    turns = {
        name: torch.tensor([word[t % len(word)] for t in range(steps)])
        for name, word in words.items()
    }
    tables = [
        (multiple * turns[name])[:, None].expand(-1, len(start)) for name, multiple in system.lags
    ]
    with torch.no_grad():
        return scheme(system.torch_function(), start + rest, tables, steps) - rest
