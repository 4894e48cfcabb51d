"""Delayed flow: the solution over one delay, from the newest value and the moments of the history."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.models.flows.flow import Flow
from certdde.models.flows.moments import gauss_points, moment_matrix


class DelayedFlow(nn.Module):
    """x(t + s) = F(s, x(t); Omega_0 .. Omega_{N-1}), 0 <= s <= tau, in place of a solver.

    F is a flow whose context is the moments of x on [t - tau, t]; F(0, x; .) = x by construction, so that the pieces
    of a rollout join continuously.

    Parameters
    ----------
    flow : Flow
        With a context of n N components (n states): the moments of order 0 first.
    tau : float
        The delay.
    order : int
        N.
    points : int
        Gauss points a delay, from which moments are computed.
    """

    nodes: Tensor
    rows: Tensor

    def __init__(self, flow: Flow, tau: float, order: int, points: int = 12) -> None:
        super().__init__()
        self.flow: Flow = flow
        self.tau, self.order = tau, order
        like = next(flow.parameters())
        self.register_buffer("nodes", gauss_points(points, like.dtype))
        self.register_buffer("rows", moment_matrix(order, points, like.dtype))

    def encode(self, piece: Float[Tensor, "points *batch n"]) -> Float[Tensor, "*batch moments"]:
        """Return the moments of a piece of length tau from its values at ``nodes`` (oldest first)."""
        moments: Tensor = torch.tensordot(self.rows, piece, dims=1)
        return moments.movedim(0, -2).flatten(-2)

    def forward(
        self,
        s: Float[Tensor, "*batch 1"],
        x: Float[Tensor, "*batch n"],
        moments: Float[Tensor, "*batch moments"],
    ) -> Float[Tensor, "*batch n"]:
        """Return x(t + s)."""
        return self.flow(s, x, moments)

    def rollout(
        self,
        history: Callable[[Tensor], Tensor],
        delays: int,
        inner: Float[Tensor, " inner"] | None = None,
    ) -> Float[Tensor, "times *batch n"]:
        """Advance over many delays.

        Parameters
        ----------
        history : callable
            Of times (T,) in [-tau, 0]; returns (T, *batch, n).
        delays : int
            How many.
        inner : Tensor, optional
            Times in (0, tau] at which each piece is returned; default tau alone.

        Returns
        -------
        Tensor, (1 + delays * len(inner), *batch, n)
            x(0), and x at k tau + inner for k = 0 .. delays - 1.
        """
        nodes = self.tau * self.nodes
        end = nodes.new_tensor([self.tau])
        times = torch.cat([nodes, end, end[:0] if inner is None else inner.to(nodes)])
        piece = history(nodes - self.tau)
        x = history(nodes.new_zeros(1))[0]
        out = [x.unsqueeze(0)]
        for _ in range(delays):
            states = self._at(times, x, self.encode(piece))
            piece, rest = states[: len(nodes)], states[len(nodes) :]
            x = rest[0]
            out.append(rest[:1] if inner is None else rest[1:])
        return torch.cat(out)

    def _at(self, times: Tensor, x: Tensor, moments: Tensor) -> Tensor:
        return self.flow(times.reshape(-1, *([1] * x.ndim)), x, moments)
