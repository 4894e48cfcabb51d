"""Coupling flow: x_A exp(u phi_u(t)) + v phi_v(t), with u and v that read the other components."""

from collections.abc import Sequence

import torch
from torch import Tensor

from certdde.models.flows.clock import Clock
from certdde.models.flows.embeddings import TimeEmbedding
from certdde.models.flows.flow import Composite, Flow, side_by_side
from certdde.models.flows.networks import GatedMLP, shrunk
from certdde.models.mlp import MLP

LARGEST_RATE = 3.0  # of u: exp(u phi) stays finite


class CouplingLayer(Flow):
    """F(t, x)_A = x_A exp(u phi_u(t)) + v phi_v(t), F(t, x)_B = x_B; u, v functions of (t, x_B, context), |u| <= 3.

    Parameters
    ----------
    states : int
        n.
    moved : sequence of int
        A.
    hidden, generator, embedding, context, span, timed, dtype
        As in :class:`certdde.models.flows.ResNetFlow`; any embedding.
    gated : bool
        Whether u and v are :class:`GatedMLP` of x_B and (t, context), or perceptrons of all of them.

    Notes
    -----
    A layer is triangular with a positive diagonal in (x_A, x_B) wherever v is linear in x_B: it turns no direction by
    half a turn or more. A flow that turns n times within the span needs the layers for it.
    """

    def __init__(
        self,
        states: int,
        moved: Sequence[int],
        hidden: Sequence[int],
        generator: torch.Generator,
        *,
        embedding: str = "tanh",
        context: int = 0,
        span: float = 1.0,
        timed: bool = True,
        gated: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.moved = list(moved)
        self.kept = [i for i in range(states) if i not in self.moved]
        count = len(self.moved)
        names = ("tanh", embedding, "sine") if timed else ("tanh", embedding)
        times = [TimeEmbedding(name, count, generator, dtype, span) for name in names]
        self.phi_u, self.phi_v = times[:2]
        self.clock = times[2] if timed else None
        kept, others = len(self.kept), (count if timed else 0) + context
        self.network: GatedMLP | MLP
        if gated:
            self.network = GatedMLP(kept, others, 2 * count, hidden, generator, dtype)
            shrunk(self.network.head, 0.1)
        else:
            self.network = MLP([kept + others, *hidden, 2 * count], generator, dtype=dtype)
            shrunk(self.network, 0.1)

    def forward(self, t: Tensor, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Return F(t, x)."""
        stretch, shift = self._rates(t, x, context)
        return self._joined(x, x[..., self.moved] * torch.exp(stretch) + shift)

    def inverse(self, t: Tensor, y: Tensor, context: Tensor | None = None) -> Tensor:
        """Return ((y_A - v phi_v) exp(-u phi_u), y_B)."""
        stretch, shift = self._rates(t, y, context)
        return self._joined(y, (y[..., self.moved] - shift) * torch.exp(-stretch))

    def _rates(self, t: Tensor, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        read = None if self.clock is None else self.clock(t)
        inputs = side_by_side(x[..., self.kept], read, context, batch=t.shape[:-1])
        rates: Tensor = self.network(inputs)
        u, v = rates.chunk(2, -1)
        u = LARGEST_RATE * torch.tanh(u / LARGEST_RATE)
        return u * self.phi_u(t), v * self.phi_v(t)

    def _joined(self, x: Tensor, moved: Tensor) -> Tensor:
        x = x.expand(*moved.shape[:-1], x.shape[-1])
        columns = [x[..., i] for i in range(x.shape[-1])]
        for place, i in enumerate(self.moved):
            columns[i] = moved[..., place]
        return torch.stack(columns, -1)


def coupling_flow(
    states: int,
    layers: int,
    hidden: Sequence[int],
    generator: torch.Generator,
    *,
    embedding: str = "tanh",
    context: int = 0,
    span: float = 1.0,
    clock: Clock | None = None,
    gated: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Composite:
    """Return coupling layers in a row that move the even and the odd components in turn (one component: always it).

    Parameters
    ----------
    layers : int
    clock : Clock, optional
        One for all layers, in place of the embedding by which each of them reads t.
    states, hidden, generator, embedding, context, span, gated, dtype
        As in :class:`CouplingLayer`.
    """
    halves = [range(0, states, 2), range(1, states, 2)]
    halves = [half for half in halves if half]
    parts = [
        CouplingLayer(
            states,
            halves[k % len(halves)],
            hidden,
            generator,
            embedding=embedding,
            context=context + (clock.size if clock else 0),
            span=span,
            timed=clock is None,
            gated=gated,
            dtype=dtype,
        )
        for k in range(layers)
    ]
    return Composite(parts, clock)
