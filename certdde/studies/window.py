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
        past = _values(nodes, self.panels)
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


def _values(nodes: Tensor, panels: int) -> Tensor:
    """Return a history at the ends and middles of its panels, (2 panels + 1, B, n)."""
    each = 2 * panels // (len(nodes) - 1)
    part = (torch.arange(each, dtype=nodes.dtype) / each)[None, :, None, None]
    inner = nodes[:-1, None] + part * (nodes[1:, None] - nodes[:-1, None])
    return torch.cat([inner.flatten(0, 1), nodes[-1:]])


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
        x = torch.cat([_panels(self.past), _panels(self.states)])
        slopes = _slopes(self.nodes, self.flow.unit, self.flow.panels)
        return _energy(
            functional, x, torch.cat([slopes, _panels(self.rates)]), longest, self.flow.panels
        )


def starting_energy(
    functional: Functional,
    nodes: Float[Tensor, "nodes batch n"],
    longest: Float[Tensor, " batch"],
    panels: int,
) -> Float[Tensor, " batch"]:
    """Return V of the histories."""
    x, slopes = _panels(_values(nodes, panels)), _slopes(nodes, longest, panels)
    return _energy(functional, x, slopes, longest, panels)[0]


def _panels(values: Tensor) -> Tensor:
    """Return values at (2 p + 1) times as (p, 3, B, n)."""
    return torch.stack([values[:-1:2], values[1::2], values[2::2]], dim=1)


def _slopes(nodes: Tensor, unit: Tensor, panels: int) -> Tensor:
    """Return the slopes of a history on its panels, (panels, 3, B, n); zero without a window."""
    pieces = len(nodes) - 1
    steps = (nodes[1:] - nodes[:-1]) * pieces
    slopes = torch.where(unit[:, None] > 0, steps / unit[:, None].clamp(min=1e-300), 0.0)
    return slopes.repeat_interleave(panels // pieces, 0)[:, None].expand(-1, 3, -1, -1)


def _energy(functional: Functional, x: Tensor, slopes: Tensor, tau: Tensor, panels: int) -> Tensor:
    """Return V at the end of each window of ``panels`` panels (docs/certificate-format.md, section 4)."""
    u = torch.arange(panels, dtype=x.dtype)[:, None] + torch.tensor([0.0, 0.5, 1.0], dtype=x.dtype)
    u = u / panels
    simpson = torch.tensor([1.0, 4.0, 1.0], dtype=x.dtype).expand(panels, 3) / (6 * panels)
    now = x[panels - 1 :, 2]
    moments = [_window(x, simpson * legendre(k, u)) for k in range(functional.order)]
    w = torch.cat([now, *(tau[:, None] * m for m in moments)], dim=-1)
    value = _square(w, functional.P)
    if functional.V0 is not None:
        value = value + _norm(functional.V0, torch.cat([now, *moments], dim=-1))
    stored = _square(x, functional.S)
    if functional.W is not None:
        stored = stored + _norm(functional.W, x)
    spent = _square(slopes, functional.R)
    value = value + tau * _window(stored[..., None], simpson)[..., 0]
    return value + tau**2 * _window(spent[..., None], simpson * u)[..., 0]


def _square(x: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("...i,ij,...j->...", x, matrix, x)


def _norm(network: object, x: Tensor) -> Tensor:
    return network.displacement(x[..., list(network.inputs)]).square().sum(-1)  # type: ignore[attr-defined]


def _window(values: Tensor, weights: Tensor) -> Tensor:
    """Return sums over windows of panels: values (p, 3, B, m), weights (k, 3), result (p - k + 1, B, m)."""
    return torch.einsum("tcbmj,jc->tbm", values.unfold(0, len(weights), 1), weights)


def legendre(degree: int, u: Tensor) -> Tensor:
    """Return the shifted Legendre polynomial, 1 at u = 1."""
    z = 2 * u - 1
    before, value = torch.zeros_like(z), torch.ones_like(z)
    for k in range(degree):
        before, value = value, ((2 * k + 1) * z * value - k * before) / (k + 1)
    return value
