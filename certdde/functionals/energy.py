"""V of histories that are linear between equally spaced nodes, by Simpson's rule: float64, differentiable."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.functionals.functional import Functional
from certdde.functionals.network import Network


def history_energy(
    functional: Functional,
    nodes: Float[Tensor, "nodes batch n"],
    longest: Float[Tensor, " batch"],
    panels: int,
) -> Float[Tensor, " batch"]:
    """Return V of histories on a window.

    Parameters
    ----------
    functional : Functional
    nodes : (nodes, B, n) Tensor
        Values at equally spaced times, from the start of the window to now; deviations from the equilibrium.
    longest : (B,) Tensor
        The length of each sample's window; 0 without delay.
    panels : int
        Of Simpson's rule on the window, a multiple of the pieces between nodes.

    Notes
    -----
    Exact up to rounding where the networks are left out and the order is at most 1; else of order 4 in the panels.
    """
    x, slopes = in_panels(between(nodes, panels)), slopes_of(nodes, longest, panels)
    return energies(functional, x, slopes, longest, panels)[0]


def between(nodes: Tensor, panels: int) -> Tensor:
    """Return a history at the ends and middles of its panels, (2 panels + 1, B, n)."""
    each = 2 * panels // (len(nodes) - 1)
    part = (torch.arange(each, dtype=nodes.dtype) / each)[None, :, None, None]
    inner = nodes[:-1, None] + part * (nodes[1:, None] - nodes[:-1, None])
    return torch.cat([inner.flatten(0, 1), nodes[-1:]])


def in_panels(values: Tensor) -> Tensor:
    """Return values at (2 p + 1) times as (p, 3, B, n)."""
    return torch.stack([values[:-1:2], values[1::2], values[2::2]], dim=1)


def slopes_of(nodes: Tensor, unit: Tensor, panels: int) -> Tensor:
    """Return the slopes of a history on its panels, (panels, 3, B, n); zero without a window."""
    pieces = len(nodes) - 1
    steps = (nodes[1:] - nodes[:-1]) * pieces
    slopes = torch.where(unit[:, None] > 0, steps / unit[:, None].clamp(min=1e-300), 0.0)
    return slopes.repeat_interleave(panels // pieces, 0)[:, None].expand(-1, 3, -1, -1)


def energies(functional: Functional, x: Tensor, slopes: Tensor, tau: Tensor, panels: int) -> Tensor:
    """Return V at the end of each window of ``panels`` panels (docs/certificate-format.md, section 4).

    ``x`` and ``slopes`` are (p, 3, B, n), ``tau`` is (B,); the result is (p - panels + 1, B).
    """
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


def _norm(network: Network, x: Tensor) -> Tensor:
    return network.displacement(x[..., list(network.inputs)]).square().sum(-1)


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
