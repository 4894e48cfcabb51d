"""GRU flow: h + phi(t) z (u - h), on the cube [-1, 1]^n."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from certdde.models.flows.embeddings import TimeEmbedding, bounded_embedding
from certdde.models.flows.fixed_point import solve_fixed_point
from certdde.models.flows.flow import Flow, side_by_side
from certdde.models.flows.networks import Contraction

UPDATE, RESET = 0.4, 0.8


class GRUFlow(Flow):
    """F(t, h) = h + phi(t) z (u - h), z = .4 sigmoid(f_z), r = .8 sigmoid(f_r), u = tanh(f_u(r h)), 0 <= phi <= 1.

    h is in [-1, 1]^n, and so is F(t, h): a mixture of h and u. With Lip(f_z), Lip(f_r), Lip(f_u) <= b < 1, sigmoid'
    at most 1/4 and |u - h| <= 2 the map h -> phi z (u - h) has the Lipschitz constant

        2 * .1 b + .4 (1 + b (.8 + .2 b)) < 1.

    For a state outside the cube the inverse is not defined.

    Parameters
    ----------
    states, hidden, generator, context, bound, span, timed, dtype
        As in :class:`certdde.models.flows.ResNetFlow`; ``bound`` is b. phi(t) = tanh(a |t|).

    References
    ----------
    Bilos et al. 2021, theorem 1.
    """

    def __init__(
        self,
        states: int,
        hidden: Sequence[int],
        generator: torch.Generator,
        *,
        context: int = 0,
        bound: float = 0.95,
        span: float = 1.0,
        timed: bool = True,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.phi = bounded_embedding(TimeEmbedding("tanh", states, generator, dtype, span))
        self.clock = TimeEmbedding("sine", states, generator, dtype, span) if timed else None
        others = context + (states if timed else 0)
        self.update, self.reset, self.proposal = (
            Contraction(states, others, states, hidden, bound, generator, dtype) for _ in range(3)
        )
        self.lipschitz = 0.5 * UPDATE * bound + UPDATE * (1 + bound * (RESET + RESET / 4 * bound))

    def forward(self, t: Tensor, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Return h + phi(t) z (u - h)."""
        return x + self.phi(t).abs() * self._change(self._others(t, context))(x)

    def inverse(self, t: Tensor, y: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the fixed point of h = y - phi(t) z (u - h) in the cube."""
        phi, change = self.phi(t).abs(), self._change(self._others(t, context))
        return solve_fixed_point(
            y, lambda h: phi * change(h), self.lipschitz, inside=lambda h: h.clamp(-1, 1)
        )

    def _change(self, others: Tensor | None) -> Callable[[Tensor], Tensor]:
        """Return h -> z (u - h)."""
        update, reset, proposal = (f.at(others) for f in (self.update, self.reset, self.proposal))

        def function(h: Tensor) -> Tensor:
            r = RESET * torch.sigmoid(reset(h))
            z = UPDATE * torch.sigmoid(update(h))
            return z * (torch.tanh(proposal(r * h)) - h)

        return function

    def _others(self, t: Tensor, context: Tensor | None) -> Tensor | None:
        return side_by_side(None if self.clock is None else self.clock(t), context)
