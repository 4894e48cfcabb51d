"""What a flow is: F(0, x) = x, and x -> F(t, x) can be undone for every t."""

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.models.flows.clock import Clock


class Flow(nn.Module):
    """F(t, x; context): the identity at t = 0 by construction, invertible in x for every t and context.

    Shapes: t (*batch, 1), x (*batch, n), context (*batch, m) or None; all broadcast. The number type and the device
    are those of the parameters.

    References
    ----------
    Bilos, Sommer, Rangapuram, Januschowski, Guennemann, "Neural flows: efficient alternative to neural ODEs", 2021.
    """

    __call__: Callable[..., Tensor]

    @abstractmethod
    def forward(
        self,
        t: Float[Tensor, "*batch 1"],
        x: Float[Tensor, "*batch n"],
        context: Float[Tensor, "*batch m"] | None = None,
    ) -> Float[Tensor, "*batch n"]:
        """Return F(t, x)."""

    @abstractmethod
    def inverse(
        self,
        t: Float[Tensor, "*batch 1"],
        y: Float[Tensor, "*batch n"],
        context: Float[Tensor, "*batch m"] | None = None,
    ) -> Float[Tensor, "*batch n"]:
        """Return x with F(t, x) = y."""


class Composite(Flow):
    """F(t, .) = F_L(t, .) o .. o F_1(t, .): flows in a row.

    Parameters
    ----------
    flows : sequence of Flow
        F_1, .., F_L.
    clock : Clock, optional
        Read once for all of them: c(t) is the first part of the context that each of them gets.
    """

    def __init__(self, flows: Sequence[Flow], clock: Clock | None = None) -> None:
        super().__init__()
        self.flows, self.clock = nn.ModuleList(flows), clock

    def forward(self, t: Tensor, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Return F_L(t, .. F_1(t, x))."""
        context = self._context(t, context)
        for flow in self._parts():
            x = flow(t, x, context)
        return x

    def inverse(self, t: Tensor, y: Tensor, context: Tensor | None = None) -> Tensor:
        """Undo the flows from the last to the first."""
        context = self._context(t, context)
        for flow in reversed(self._parts()):
            y = flow.inverse(t, y, context)
        return y

    def _context(self, t: Tensor, context: Tensor | None) -> Tensor | None:
        if self.clock is None:
            return context
        return side_by_side(self.clock(t), context)

    def _parts(self) -> list[Flow]:
        return [flow for flow in self.flows if isinstance(flow, Flow)]


def side_by_side(*parts: Tensor | None, batch: Sequence[int] = ()) -> Tensor | None:
    """Return the parts (*batch, ..) in one tensor, the batch broadcast; None if there are none."""
    given = [part for part in parts if part is not None]
    if not given:
        return None
    shape = torch.broadcast_shapes(batch, *(part.shape[:-1] for part in given))
    return torch.cat([part.expand(*shape, part.shape[-1]) for part in given], -1)
