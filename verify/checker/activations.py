"""Activations of hidden layers: which there are, their groups in a layer, and their derivatives (spec 4)."""

from collections.abc import Iterator

from ival import Interval

from .document import Groups
from .functions import find
from .refusal import require
from .taylor import Taylor, constant

# As functions of functions.py: a name, and the exponent of a power.
ACTIVATIONS = {
    "tanh": ("tanh", 0),
    "sin": ("sin", 0),
    "square": ("pow", 2),
    "softplus": ("softplus", 0),
}


def of_layer(
    activation: str | tuple[Groups, ...], layer: int, width: int, where: str = "activation"
) -> Groups:
    """The groups of a hidden layer, which must have all its units."""
    if isinstance(activation, str):
        return ((activation, width),)
    groups = activation[layer]
    require(sum(count for _, count in groups) == width, where, "must count the units of a layer")
    return groups


def places(groups: Groups) -> Iterator[tuple[str, int, int]]:
    """Each group with its first unit and the one behind its last."""
    start = 0
    for name, count in groups:
        yield name, start, start + count
        start += count


def value_at(name: str, z: Interval) -> Interval:
    """The values over intervals."""
    return find(*ACTIVATIONS[name]).jet(z)[0]


def rate_over(name: str, z: Interval) -> Interval:
    """The derivatives over intervals."""
    return find(*ACTIVATIONS[name]).jet(z)[1]


def rate_form(name: str, z: Taylor, h: Taylor) -> Taylor:
    """The derivative at z as a form, for h = phi(z): 1 - h^2 for tanh, cos z, 2 z, sigmoid z."""
    if name == "tanh":
        return constant(Interval(1.0), z.span) + -h.apply("pow", 2)
    if name == "square":
        return z + z
    return z.apply({"sin": "cos", "softplus": "sigmoid"}[name])
