"""Lyapunov-Krasovskii functionals: quadratic data and, for a neural one, two networks (docs/math.md, section 2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from certdde.functionals.network import Network

MOMENTS = 2  # of which orders below this V0 may read


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
        Both None: the functional is quadratic. One object for both: a Razumikhin function, whose network is a
        feature of x and of y (docs/math.md, Razumikhin).
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

    @property
    def tied(self) -> bool:
        """Whether W is V0."""
        return self.W is not None and self.W is self.V0

    def inputs(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the states read by V0, and those read by W."""
        return (self.V0.inputs if self.V0 else (), self.W.inputs if self.W else ())

    def moments(self) -> tuple[int, ...]:
        """Return the moments that V0 reads, by their indices in ``Network.inputs``, in order."""
        return tuple(sorted(i for i in self.inputs()[0] if i >= self.dimension))

    def times(self, factor: float) -> Functional:
        """Return factor * V, factor > 0."""
        root = factor**0.5
        v0 = self.V0.times(root) if self.V0 else None
        return replace(
            self,
            P=self.P * factor,
            S=self.S * factor,
            R=self.R * factor,
            V0=v0,
            W=v0 if self.tied else self.W.times(root) if self.W else None,
        )

    def unscaled(self, state: torch.Tensor, time: float) -> Functional:
        """Return V in x = diag(state) z, t = time * s, from V in (z, s); exact for powers of two."""
        lift = torch.cat([1 / state, *[1 / (state * time)] * self.order])
        outer = 1 / torch.outer(state, state)
        v0 = self.V0.scaled(torch.cat([state] * (1 + MOMENTS))) if self.V0 else None
        return Functional(
            self.order,
            self.P * torch.outer(lift, lift),
            self.S * outer / time,
            self.R * outer,
            v0,
            v0 if self.tied else self.W.scaled(state).times(time**-0.5) if self.W else None,
        )

    def bessel(self, longest: float) -> torch.Tensor:
        """Return P + blkdiag(0, S/tau, 3S/tau, ..), tau = longest: w^T . w bounds V's quadratic part."""
        n, total = self.dimension, self.P.clone()
        for k in range(self.order):
            place = slice(n * (k + 1), n * (k + 2))
            total[..., place, place] += (2 * k + 1) * self.S / longest
        return total

    def core(self, longest: float) -> torch.Tensor:
        """Return Ph with V >= u^T Ph u + |p_V0|^2 if it and the block of the other moments are positive definite.

        u = (x, tau times the moments that V0 reads).
        """
        full, kept = self.bessel(longest), [*range(self.dimension), *self.moments()]
        rest = [i for i in range(len(full)) if i not in kept]
        if not rest:
            return full
        cross = full[rest][:, kept]
        return full[kept][:, kept] - cross.T @ torch.linalg.solve(full[rest][:, rest], cross)

    def cores(self, breaks: tuple[float, ...], longest: float) -> torch.Tensor:
        """Return matrices (E, n + m, n + m), for one M of which at least V >= u^T M u + |p_V0|^2.

        u = (x, moments that V0 reads). Without such moments there is one matrix. Else they are the Bernstein
        coefficients, on every piece of delays, of (x, tau m)^T Ph (x, tau m), which is a convex combination of three.
        """
        core, n = self.core(longest), self.dimension
        if not self.moments():
            return core.unsqueeze(0)
        found = []
        for a, b in pairwise(breaks):
            for s, t in ((a, a), (a, b), (b, b)):
                form = core.clone()
                form[:n, n:] = core[:n, n:] * (s + t) / 2
                form[n:, :n] = core[n:, :n] * (s + t) / 2
                form[n:, n:] = core[n:, n:] * s * t
                found.append(form)
        return torch.stack(found)

    def on_constant_histories(self, x: torch.Tensor, delay: float) -> torch.Tensor:
        """Return V of the constant history x (deviations, shape (..., n)) for one value of the delay."""
        w = (
            torch.cat([x, delay * x, *[torch.zeros_like(x)] * (self.order - 1)], dim=-1)
            if self.order
            else x
        )
        value = _squares(self.P[..., : w.shape[-1], : w.shape[-1]], w)
        value = value + delay * _squares(self.S, x)
        seen = torch.cat([x, x, torch.zeros_like(x)], dim=-1)  # the moments of a constant: x, 0
        for network, factor in ((self.V0, 1.0), (self.W, delay)):
            if network is not None:
                value = value + factor * network.displacement(
                    seen[..., list(network.inputs)]
                ).square().sum(-1)
        return value

    def lower_bound(
        self, x: torch.Tensor, longest: float, breaks: tuple[float, ...] = ()
    ) -> torch.Tensor:
        """Return v_0 = min u^T M u + |p_V0|^2 <= V over ``cores``, in float64 (not rounded outward).

        ``x`` holds the states, and behind them the moments that V0 reads.
        """
        forms = self.cores(breaks, longest)
        value = torch.einsum("...i,eij,...j->e...", x, forms, x).amin(0)
        if self.V0 is not None:
            places = dict(
                zip([*range(self.dimension), *self.moments()], range(x.shape[-1]), strict=True)
            )
            read = x[..., [places[i] for i in self.V0.inputs]]
            value = value + self.V0.displacement(read).square().sum(-1)
        return value


def _squares(matrix: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return x^T M x, (batch of M, batch of x)."""
    if matrix.dim() == 2:
        return torch.einsum("...i,ij,...j->...", x, matrix, x)
    return torch.einsum("ki,pij,kj->pk", x, matrix, x)
