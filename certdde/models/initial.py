"""Initial functions that are learnt with the equation."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.models.data.samples import Samples
from certdde.models.mlp import MLP
from certdde.solvers import ConstantHistory, FunctionHistory, History, StartingAt


class ConstantsBySample(nn.Module):
    """A constant before the initial time for each training sample, learnt; the initial state itself is given.

    Parameters
    ----------
    start : Tensor, (samples, n)
        The first constants, as ``data.train.initial``.
    """

    def __init__(self, start: Float[Tensor, "samples n"]) -> None:
        super().__init__()
        self.values = nn.Parameter(start.detach().clone())

    def forward(self, samples: Samples, index: Tensor | None) -> Tensor | History:
        """Return the histories of training samples; of others, whose constant nobody knows, the given one."""
        if index is None:
            return samples.history()
        return StartingAt(ConstantHistory(self.values[index]), samples.initial)


class LearnedHistory(nn.Module):
    """x(s) = x0 + s N(s, x0) for s <= 0, N a network: it ends at x0 exactly, for every x0.

    Parameters
    ----------
    dimension : int
    hidden : sequence of int
    generator : torch.Generator
    activation, dtype, device
        As in :class:`certdde.models.mlp.MLP`.
    """

    def __init__(
        self,
        dimension: int,
        hidden: Sequence[int],
        generator: torch.Generator,
        *,
        activation: str = "tanh",
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        sizes = (1 + dimension, *hidden, dimension)
        self.network = MLP(sizes, generator, activation=activation, dtype=dtype, device=device)

    def forward(self, samples: Samples, index: Tensor | None) -> History:  # noqa: ARG002
        """Return the history of each sample from its initial state; time is counted from the initial one."""
        initial = samples.initial
        start = samples.times[0] if samples.times.ndim == 1 else samples.times.new_zeros(())

        def network(s: Tensor) -> Tensor:
            lead = torch.broadcast_shapes(s.shape[:-1], initial.shape[:-1])
            parts = [s.expand(*lead, 1), initial.expand(*lead, initial.shape[-1])]
            value: Tensor = self.network(torch.cat(parts, dim=-1))
            return value

        def history(s: Tensor) -> Tensor:
            return initial + (s - start) * network(s - start)

        return FunctionHistory(history)
