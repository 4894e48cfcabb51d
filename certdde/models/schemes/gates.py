"""What the gates of a learned scheme read, the gate of time, and what gated increments have in common."""

from collections.abc import Callable

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


class Increment(nn.Module):
    """F of a learned scheme, whose gates depend on the delay: a subclass says it in ``at_delays``."""

    def at_delays(self, delay: Float[Tensor, "*batch"]) -> Callable[[Tensor, int], Tensor]:
        """Return (z, t) -> F(z) for delays in steps, one a sample, with the gates computed once."""
        raise NotImplementedError

    def forward(
        self,
        z: Float[Tensor, "*batch n"],
        delay: Float[Tensor, "*batch"] | int,
        t: int = 0,
    ) -> Float[Tensor, "*batch n"]:
        """Return F(z) for delays in steps, one a sample, at step t."""
        delay = torch.as_tensor(delay, dtype=z.dtype, device=z.device)
        return self.at_delays(delay)(z, t)
