"""Lyapunov-Krasovskii functionals: quadratic data and, for a neural one, two networks (docs/math.md, section 2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from certdde.functionals.network import Network


@dataclass(frozen=True, slots=True)
class Functional:
    """V = w^T P w + |p_V0(x)|^2 + int [x^T S x + |p_W(x)|^2] + int (s - t + tau) x'^T R x', w = (x, tau Omega_0, ..).

    Attributes
    ----------
    order : int
        Number of Legendre moments N.
    P : (n (N + 1), n (N + 1)) Tensor
    S, R : (n, n) Tensor
    V0, W : Network or None
        Both None: the functional is quadratic.
    """

    order: int
    P: torch.Tensor
    S: torch.Tensor
    R: torch.Tensor
    V0: Network | None = None
    W: Network | None = None

    @property
    def kind(self) -> str:
        """``quadratic`` or ``neural``."""
        return "quadratic" if self.V0 is None and self.W is None else "neural"

    @property
    def dimension(self) -> int:
        """Number of states n."""
        return self.S.shape[-1]

    def inputs(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the states read by V0, and those read by W."""
        return (self.V0.inputs if self.V0 else (), self.W.inputs if self.W else ())

    def times(self, factor: float) -> Functional:
        """Return factor * V, factor > 0."""
        root = factor**0.5
        return replace(
            self,
            P=self.P * factor,
            S=self.S * factor,
            R=self.R * factor,
            V0=self.V0.times(root) if self.V0 else None,
            W=self.W.times(root) if self.W else None,
        )

    def unscaled(self, state: torch.Tensor, time: float) -> Functional:
        """Return V in x = diag(state) z, t = time * s, from V in (z, s); exact for powers of two."""
        lift = torch.cat([1 / state, *[1 / (state * time)] * self.order])
        outer = 1 / torch.outer(state, state)
        return Functional(
            self.order,
            self.P * torch.outer(lift, lift),
            self.S * outer / time,
            self.R * outer,
            self.V0.scaled(state) if self.V0 else None,
            self.W.scaled(state).times(time**-0.5) if self.W else None,
        )

    def bessel(self, longest: float) -> torch.Tensor:
        """Return P + blkdiag(0, S/tau, 3S/tau, ..), tau = longest: w^T . w bounds V's quadratic part."""
        n, total = self.dimension, self.P.clone()
        for k in range(self.order):
            place = slice(n * (k + 1), n * (k + 2))
            total[..., place, place] += (2 * k + 1) * self.S / longest
        return total

    def core(self, longest: float) -> torch.Tensor:
        """Return Ph, (n, n), with V >= x^T Ph x + |p_V0(x)|^2 if it and the moment block are positive definite."""
        full, n = self.bessel(longest), self.dimension
        if self.order == 0:
            return full
        return full[:n, :n] - full[:n, n:] @ torch.linalg.solve(full[n:, n:], full[n:, :n])

    def on_constant_histories(self, x: torch.Tensor, delay: float) -> torch.Tensor:
        """Return V of the constant history x (deviations, shape (..., n)) for one value of the delay."""
        w = (
            torch.cat([x, delay * x, *[torch.zeros_like(x)] * (self.order - 1)], dim=-1)
            if self.order
            else x
        )
        value = _squares(self.P[..., : w.shape[-1], : w.shape[-1]], w)
        value = value + delay * _squares(self.S, x)
        for network, factor in ((self.V0, 1.0), (self.W, delay)):
            if network is not None:
                value = value + factor * network.displacement(
                    x[..., list(network.inputs)]
                ).square().sum(-1)
        return value

    def lower_bound(self, x: torch.Tensor, longest: float) -> torch.Tensor:
        """Return v_0(x) = x^T Ph x + |p_V0(x)|^2 <= V, in float64 (not rounded outward)."""
        value = torch.einsum("...i,ij,...j->...", x, self.core(longest), x)
        if self.V0 is not None:
            value = value + self.V0.displacement(x[..., list(self.V0.inputs)]).square().sum(-1)
        return value


def _squares(matrix: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return x^T M x, (batch of M, batch of x)."""
    if matrix.dim() == 2:
        return torch.einsum("...i,ij,...j->...", x, matrix, x)
    return torch.einsum("ki,pij,kj->pk", x, matrix, x)
