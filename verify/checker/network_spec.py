"""What the JSON says of a network: its inputs, its layers, their activations (spec 4)."""

from fractions import Fraction
from typing import Any

from .activations import ACTIVATIONS
from .document import Groups, NetworkSpec
from .refusal import require
from .schema import conform, indices, integer

NETWORK = {"inputs": [str], "activation": object, "layers": Fraction}
UNITS = 2**20  # in one group, at most


def described(entry: dict[str, Any], known: list[str], where: str) -> NetworkSpec:
    """One network, which may read the states and moments `known`."""
    inputs = indices(entry["inputs"], known, where)
    require(len(inputs) > 0, where, "has a network without inputs")
    layers = integer(entry["layers"], 2, 64, where)
    activation = activations(entry["activation"], layers, f"{where}, activation")
    return NetworkSpec(inputs, layers, activation)


def activations(value: Any, layers: int, where: str) -> str | tuple[Groups, ...]:
    """One name for all hidden layers, or a list [[name, count], ..] for each of them."""
    if isinstance(value, str):
        require(value in ACTIVATIONS, where, f"must be one of {sorted(ACTIVATIONS)}")
        return value
    conform(value, [[(set(ACTIVATIONS), Fraction)]], where)
    require(len(value) == layers - 1, where, "must have an entry for each hidden layer")
    return tuple(
        tuple((name, integer(count, 1, UNITS, where)) for name, count in layer) for layer in value
    )
