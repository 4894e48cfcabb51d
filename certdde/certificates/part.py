"""A part of a certificate: one functional and its proof over a sub-range of the delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from certdde.certificates.bundle import array_entry, tensor_entry

if TYPE_CHECKING:
    from certdde.functionals import Functional, Network


@dataclass(frozen=True, slots=True)
class Radius:
    """All histories within rho of the equilibrium in every state, with rates at most rho_rate, lie in the region."""

    rho: float
    rho_rate: float


@dataclass(frozen=True, slots=True)
class Part:
    """What ``part<i>`` holds, in the user's coordinates.

    Attributes
    ----------
    functional : Functional
    breaks : sequence of float
        Delays, or for a measurable delay values of alpha.
    windows : sequence of float
        Delays at which V of a constant history has to be below the level.
    arrays : mapping
        ``window``, ``grid``, ``blocks``, ``codes``, ``face_codes`` as far as the format asks for them.
    level : float or None
    radius : Radius or None
    boxes : dict
        Information: how many leaves, star leaves, face leaves.
    """

    functional: Functional
    breaks: Sequence[float]
    windows: Sequence[float]
    arrays: Mapping[str, np.ndarray]
    level: float | None
    radius: Radius | None
    boxes: Mapping[str, int] = field(default_factory=dict)

    def entries(self, index: int) -> dict[str, bytes]:
        """Return the file's entries for this part."""
        quadratic = {"P": self.functional.P, "S": self.functional.S, "R": self.functional.R}
        arrays = {
            name: value.detach().numpy().astype(np.float64) for name, value in quadratic.items()
        }
        arrays |= {"breaks": np.asarray(self.breaks, dtype=np.float64), **self.arrays}
        entries = {f"part{index}.npz": array_entry(arrays)}
        tensors = {
            key: value
            for name, network in self._networks()
            for key, value in _tensors(name, network).items()
        }
        if tensors:
            entries[f"part{index}.safetensors"] = tensor_entry(tensors)
        return entries

    def description(self, states: Sequence[str]) -> dict[str, Any]:
        """Return PART of ``certificate.json``."""
        return {
            "networks": {
                name: {
                    "inputs": [input_name(states, i) for i in network.inputs],
                    "activation": activation_entry(network),
                    "layers": len(network.weights),
                }
                for name, network in self._networks()
            }
        }

    def _networks(self) -> list[tuple[str, Network]]:
        pairs = (("V0", self.functional.V0), ("W", self.functional.W))
        return [(name, network) for name, network in pairs if network is not None]


def activation_entry(network: Network) -> Any:
    """Return the field ``activation``: a name, or for each hidden layer its groups of units."""
    if isinstance(network.activation, str):
        return network.activation
    return [[list(group) for group in groups] for groups in network.activation]


def read_activation(entry: Any) -> str | tuple[tuple[tuple[str, int], ...], ...]:
    """Read the field ``activation``."""
    if isinstance(entry, str):
        return entry
    return tuple(tuple((name, int(count)) for name, count in groups) for groups in entry)


def input_name(states: Sequence[str], index: int) -> str:
    """Return what a network reads: a state, or a moment of it."""
    moment, state = divmod(index, len(states))
    return f"moment{moment - 1}({states[state]})" if moment else states[state]


def input_index(states: Sequence[str], name: str) -> int:
    """Return the index of an input's name, as in ``Network.inputs``."""
    from certdde.functionals.functional import MOMENTS

    known = [input_name(states, i) for i in range(len(states) * (1 + MOMENTS))]
    return known.index(name)


def _tensors(name: str, network: Network) -> dict[str, np.ndarray]:
    tensors = {f"{name}.weight{i}": w.detach().numpy() for i, w in enumerate(network.weights)}
    return tensors | {f"{name}.bias{i}": b.detach().numpy() for i, b in enumerate(network.biases)}


def read_functional(
    description: Mapping[str, Any],
    states: Sequence[str],
    order: int,
    arrays: Mapping[str, np.ndarray],
    tensors: Mapping[str, np.ndarray],
) -> Functional:
    """Rebuild the functional of a part from a certificate's sections, for reports and attacks."""
    import torch

    from certdde.functionals import Functional, Network

    networks = {}
    for name, fields in description["networks"].items():
        depth = fields["layers"]
        weights = tuple(torch.as_tensor(tensors[f"{name}.weight{i}"].copy()) for i in range(depth))
        biases = tuple(torch.as_tensor(tensors[f"{name}.bias{i}"].copy()) for i in range(depth - 1))
        inputs = tuple(input_index(states, s) for s in fields["inputs"])
        networks[name] = Network(inputs, weights, biases, read_activation(fields["activation"]))
    p, s, r = (torch.as_tensor(arrays[k]) for k in ("P", "S", "R"))
    return Functional(order, p, s, r, networks.get("V0"), networks.get("W"))
