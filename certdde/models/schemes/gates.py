"""What the gates of a learned scheme read, and the gate of time."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.models.mlp import MLP

LEAST = 0.5


def gate_features(delay: Float[Tensor, "*batch"], scale: float) -> Float[Tensor, "*batch 1"]:
    """Return tau / scale in the last axis."""
    return (delay / scale).unsqueeze(-1)


class TimeGate(nn.Module):
    """T(t, tau) in [1/2, 1]: what time may change of an increment.

    Parameters
    ----------
    generator : torch.Generator
    delay_scale, time_scale : float
    dtype : torch.dtype
    """

    def __init__(
        self,
        generator: torch.Generator,
        delay_scale: float,
        time_scale: float,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.delay_scale, self.time_scale = delay_scale, time_scale
        self.network = MLP([2, 8, 1], generator, dtype=dtype)

    def forward(self, delay: Float[Tensor, "*batch"], t: int) -> Float[Tensor, "*batch 1"]:
        """Return T(t, tau)."""
        read = gate_features(delay, self.delay_scale)
        clock = torch.full_like(read, t / self.time_scale)
        value: Tensor = self.network(torch.cat([read, clock], -1))
        return LEAST + (1 - LEAST) * torch.sigmoid(value)
