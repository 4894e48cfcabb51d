"""The keys of the table ``[certify]`` that are about networks."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from certdde.systems import problem_fields as fields
from certdde.systems.problem_fields import refuse, show

MOST_UNITS, MOST_LAYERS = 1024, 8
_WIDTHS = (
    "a whole number from 1 to 1024, or a list of at most 8, one a hidden layer, as in [16, 16]"
)
_READS = 'a list of states, as in ["x"]'


def widths(value: object) -> int | tuple[int, ...]:
    """Accept the number of units of one hidden layer, or of several."""
    several = isinstance(value, (list, tuple))
    layers: list[Any] = list(value) if isinstance(value, (list, tuple)) else [value]
    if not 1 <= len(layers) <= MOST_LAYERS:
        raise refuse(f"there are {len(layers)} hidden layers")
    for width in layers:
        if isinstance(width, bool) or not isinstance(width, int) or not 1 <= width <= MOST_UNITS:
            raise refuse(f"{show(width)} is no number of units")
    return tuple(layers) if several else int(layers[0])


Widths = Annotated[Any, BeforeValidator(widths)]


class NetworkFields(BaseModel):
    """The networks of V0 and W: what they read, their layers, and where their search starts.

    What a network reads becomes a nonlinear variable: a dimension of the boxes into which the proof cuts the domain.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    neurons: Widths = Field(default=16, description=_WIDTHS)
    outputs: int = Field(default=4, ge=1, le=256, description="a whole number from 1 to 256")
    activation: Literal["tanh", "sin", "square", "softplus"] = Field(
        default="tanh", description="one of tanh, sin, square, softplus"
    )
    symmetry: Literal["none", "even", "auto"] = Field(
        default="none", description="one of none, even, auto"
    )
    reads: tuple[fields.Name, ...] | None = Field(
        default=None, strict=False, description=f"{_READS}: the states that V0 reads (default: all)"
    )
    stored: tuple[fields.Name, ...] | None = Field(
        default=None,
        strict=False,
        description=f"{_READS}: the states that W reads (default: the state, if there is one only)",
    )
    start: Literal["auto", "quadratic", "roomy", "sos"] = Field(
        default="auto", description="one of auto, quadratic, roomy, sos"
    )
    objective: Literal["region", "mean"] = Field(
        default="region",
        description="region (a large certified region) or mean (the mean of V over delays and histories)",
    )

    @property
    def hidden(self) -> tuple[int, ...]:
        """The widths of the hidden layers."""
        return self.neurons if isinstance(self.neurons, tuple) else (self.neurons,)
