"""How a network reads the time: waves with learnt frequencies."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.models.mlp import MLP


class Clock(nn.Module):
    """c(t) = tanh(W (sin w_1 t, .., sin w_K t, cos w_1 t, .., cos w_K t) + b).

    The w_k are learnt and begin at k pi / span: the first wave tells all times of [0, span] apart, the last ones have
    what a jump needs. c(0) is not 0: it goes into networks, beside the state, and never multiplies one.

    Parameters
    ----------
    size : int
        Components of c.
    frequencies : int
        K.
    generator : torch.Generator
        Of W and b; on the CPU.
    span : float
        The longest time that matters.
    dtype : torch.dtype
    """

    __call__: Callable[..., Tensor]

    def __init__(
        self,
        size: int,
        frequencies: int,
        generator: torch.Generator,
        *,
        span: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.size = size
        grid = math.pi / span * torch.arange(1, frequencies + 1, dtype=torch.float64)
        self.rates = nn.Parameter(grid.to(dtype))
        self.network = MLP([2 * frequencies, size], generator, dtype=dtype)

    def forward(self, t: Float[Tensor, "*batch 1"]) -> Float[Tensor, "*batch size"]:
        """Return c(t)."""
        angles = t * self.rates
        waves = torch.cat([torch.sin(angles), torch.cos(angles)], -1)
        return torch.tanh(self.network(waves))
