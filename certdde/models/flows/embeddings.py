"""Time embeddings phi with phi(0) = 0 exactly; one component for each state."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.errors import ProblemError

FREQUENCIES = 6


class TimeEmbedding(nn.Module):
    """phi(t), shape (*batch, components), with phi(0) = 0.

    ======  ==============================================================  =========
    name    phi(t)                                                          |phi| <= 1
    ======  ==============================================================  =========
    linear  a t                                                             no
    log     log(1 + |a| |t|) sign(t)                                        no
    tanh    tanh(a t)                                                       yes
    sine    sum_k b_k sin(a_k t) / sum_k |b_k|                              yes
    ======  ==============================================================  =========

    Parameters
    ----------
    name : str
        Of the table.
    components : int
    generator : torch.Generator
        On the CPU.
    dtype : torch.dtype
    span : float
        The time over which phi is to vary: a starts near 1 / span.

    Raises
    ------
    ProblemError
        If there is no such embedding.
    """

    __call__: Callable[..., Tensor]

    def __init__(
        self,
        name: str,
        components: int,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
        span: float = 1.0,
    ) -> None:
        super().__init__()
        if name not in KINDS:
            raise ProblemError(
                f"no time embedding {name!r}",
                where="embedding",
                wanted=f"one of {', '.join(KINDS)}",
            )
        self.name = name
        count = FREQUENCIES if name == "sine" else 1
        drawn = torch.rand(components, count, generator=generator, dtype=torch.float64)
        grid = math.pi / 2 * torch.arange(1, count + 1) if name == "sine" else torch.ones(1)
        self.rates = nn.Parameter(((0.5 + drawn) * grid / span).to(dtype))
        shares = torch.randn(components, count, generator=generator, dtype=torch.float64)
        self.shares = nn.Parameter(shares.to(dtype)) if name == "sine" else None

    @property
    def bounded(self) -> bool:
        """Whether |phi| <= 1 for every t."""
        return self.name in ("tanh", "sine")

    def forward(self, t: Float[Tensor, "*batch 1"]) -> Float[Tensor, "*batch components"]:
        """Return phi(t)."""
        value = KINDS[self.name](t.unsqueeze(-1) * self.rates)
        if self.shares is None:
            return value[..., 0]
        total = self.shares.abs().sum(-1).clamp_min(torch.finfo(self.shares.dtype).tiny)
        return ((value * self.shares).sum(-1) / total).clamp(-1, 1)


KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda s: s,
    "log": lambda s: torch.log1p(s.abs()) * torch.sign(s),
    "tanh": torch.tanh,
    "sine": torch.sin,
}


def bounded_embedding(embedding: TimeEmbedding) -> TimeEmbedding:
    """Return the embedding, or refuse one that leaves [-1, 1].

    Raises
    ------
    ProblemError
        If |phi| <= 1 does not hold for every t.
    """
    if not embedding.bounded:
        raise ProblemError(
            f"the time embedding {embedding.name!r} is not bounded by 1",
            where="embedding",
            wanted="tanh or sine: the flow is invertible only if |phi| Lip(g) < 1",
        )
    return embedding
