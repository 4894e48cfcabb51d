"""What a flow is: F(0, x) = x, and x -> F(t, x) can be undone for every t."""

from abc import abstractmethod
from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor, nn


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
    """

    def __init__(self, flows: Sequence[Flow]) -> None:
        super().__init__()
        self.flows = nn.ModuleList(flows)

    def forward(self, t: Tensor, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Return F_L(t, .. F_1(t, x))."""
        for flow in self._parts():
            x = flow(t, x, context)
        return x

    def inverse(self, t: Tensor, y: Tensor, context: Tensor | None = None) -> Tensor:
        """Undo the flows from the last to the first."""
        for flow in reversed(self._parts()):
            y = flow.inverse(t, y, context)
        return y

    def _parts(self) -> list[Flow]:
        return [flow for flow in self.flows if isinstance(flow, Flow)]
