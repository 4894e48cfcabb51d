"""ResNet flow: x + phi(t) g(t, x) with Lip(g) < 1 and |phi| <= 1."""

from collections.abc import Sequence

import torch
from torch import Tensor

from certdde.models.flows.embeddings import TimeEmbedding, bounded_embedding
from certdde.models.flows.fixed_point import solve_fixed_point
from certdde.models.flows.flow import Flow, side_by_side
from certdde.models.flows.networks import Contraction


class ResNetFlow(Flow):
    """F(t, x) = x + phi(t) g(t, x; context), a contraction g for every t and context.

    Parameters
    ----------
    states : int
        n.
    hidden : sequence of int
        Sizes of the hidden layers of g.
    generator : torch.Generator
        Of the first weights; on the CPU.
    embedding : str
        ``tanh`` or ``sine``: |phi| <= 1.
    context : int
        Components of the context.
    bound : float
        Lip(g) is at most this, below 1.
    span : float
        The time over which phi is to vary.
    timed : bool
        Whether g reads t (through an embedding of its own); without it F(t, x) = x + phi(t) g(x).
    bias : bool
        Whether g has biases; without them, timing and context F(t, 0) = 0.
    dtype : torch.dtype

    Raises
    ------
    ProblemError
        If the embedding is not bounded by 1.
    """

    def __init__(
        self,
        states: int,
        hidden: Sequence[int],
        generator: torch.Generator,
        *,
        embedding: str = "tanh",
        context: int = 0,
        bound: float = 0.9,
        span: float = 1.0,
        timed: bool = True,
        bias: bool = True,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.phi = bounded_embedding(TimeEmbedding(embedding, states, generator, dtype, span))
        self.clock = TimeEmbedding("sine", states, generator, dtype, span) if timed else None
        others = context + (states if timed else 0)
        self.g = Contraction(states, others, states, hidden, bound, generator, dtype, bias)

    def forward(self, t: Tensor, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Return x + phi(t) g(t, x)."""
        return x + self.phi(t) * self.g(x, self._others(t, context))

    def inverse(self, t: Tensor, y: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the fixed point of x = y - phi(t) g(t, x)."""
        phi, g = self.phi(t), self.g.at(self._others(t, context))
        return solve_fixed_point(y, lambda x: phi * g(x), self.g.bound)

    def _others(self, t: Tensor, context: Tensor | None) -> Tensor | None:
        return side_by_side(None if self.clock is None else self.clock(t), context)
