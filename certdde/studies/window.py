"""Histories on [-1, 0] in units of the window, solutions in steps that divide it, and V along them.

Time is measured in windows: one delay if it is constant, the longest one if it varies. A history is linear
between equally spaced nodes; V is found by Simpson's rule on panels of two steps, none of which holds a kink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.functionals import Functional
from certdde.functionals.energy import between, energies, in_panels, slopes_of
from certdde.solvers import TableHistory, solve

PIECES = 12  # of a history

RightSide = Callable[[Tensor, Tensor], Tensor]
Lag = float | Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Flow:
    """Solutions of x' = f(x, y) from a batch of histories.

    Attributes
    ----------
    function : callable
        f in deviations.
    unit : (B,) Tensor
        The length of the window of each sample.
    lag : float or callable
        The delay in windows: 1, or a function of time in windows. 0 makes it an ordinary equation.
    panels : int
        Panels a window, a multiple of ``PIECES``.
    length : int
        How many windows to integrate.
    bound : float
        A solution beyond this is given up.
    """

    function: RightSide
    unit: Float[Tensor, " batch"]
    lag: Lag
    panels: int
    length: int
    bound: float

    def finer(self) -> Flow:
        """Return the same with half the steps."""
        return Flow(self.function, self.unit, self.lag, 2 * self.panels, self.length, self.bound)

    def run(self, nodes: Float[Tensor, "nodes batch n"], *, exact: bool = False) -> Run:
        """Integrate; ``exact`` with an adaptive method and tight tolerances."""
        steps = 2 * self.panels
        times = torch.arange(self.length * steps + 1, dtype=nodes.dtype) / steps
        unit = self.unit[:, None]
        still = self.lag == 0

        def rate(_t: object, x: Tensor, past: list[Tensor]) -> Tensor:
            return unit * self.function(x, x if still else past[0])

        solution = solve(
            rate,
            _table(nodes),
            times,
            [1.0 if still else self.lag],
            method="dopri5" if exact else "rk4",
            rtol=1e-10,
            atol=1e-13 * self.bound,
            options={"bound": self.bound, "max_steps": 20_000},
        )
        states = solution.states
        past = between(nodes, self.panels)
        if still:
            delayed = states
        elif callable(self.lag):
            delayed = solution.at(times[:, None] - self.lag(times[:, None]))
        else:
            delayed = torch.cat([past, states[1:]])[: len(states)]
        rates = self.function(states, delayed)
        return Run(self, nodes, times, states, past, rates)


def _table(nodes: Tensor) -> TableHistory:
    times = torch.linspace(-1.0, 0.0, len(nodes), dtype=nodes.dtype)
    return TableHistory(times, nodes, linear=True, declared=False)


@dataclass(frozen=True, slots=True)
class Run:
    """Solutions: ``states`` (T, B, n) at ``times`` (T,) in windows from 0 on, NaN after a blow-up."""

    flow: Flow
    nodes: Tensor
    times: Tensor
    states: Tensor
    past: Tensor
    rates: Tensor

    def energy(self, functional: Functional, longest: Float[Tensor, " batch"]) -> Tensor:
        """Return V at the start and after each panel, (P + 1, B); ``longest`` is the window in V (0 without delay)."""
        x = torch.cat([in_panels(self.past), in_panels(self.states)])
        slopes = slopes_of(self.nodes, self.flow.unit, self.flow.panels)
        return energies(
            functional, x, torch.cat([slopes, in_panels(self.rates)]), longest, self.flow.panels
        )
