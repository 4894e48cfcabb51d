"""Networks psi inside a functional, and p(x) = psi(x) - psi(0)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from certdde.functionals.activations import Activation, Groups, apply, by_groups, layer_groups, rate
from certdde.functionals.algebra import affine, columns, weighted


@dataclass(frozen=True, slots=True)
class Network:
    """A network psi: h_0 = inputs, h_{l+1} = phi_l(W_l h_l + b_l), psi = W_{L-1} h_{L-1}.

    Attributes
    ----------
    inputs : tuple of int
        What it reads: i < n is state i, and for V0 n (k + 1) + i is the Legendre moment Omega_k of state i, k = 0 or 1.
    weights : tuple of Tensor
        L matrices (out, in), float64.
    biases : tuple of Tensor
        L - 1 vectors.
    activation : str or tuple of groups
        One of ``ACTIVATIONS`` for all hidden layers, or the groups of each, as in ((("square", 5), ("tanh", 16)),).
    """

    inputs: tuple[int, ...]
    weights: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor, ...]
    activation: Activation = "tanh"

    @property
    def outputs(self) -> int:
        """Number of components of psi."""
        return self.weights[-1].shape[0]

    def displacement(self, value: Any) -> Any:
        """Return p = psi(value) - psi(0); ``value`` holds the inputs in the last axis, or encloses them."""
        return self._displacement(self._hidden(value)[-1][1])

    def pullback(self, value: Any) -> tuple[Any, Any]:
        """Return p and q = J^T p, where J is the Jacobian of psi; grad |p|^2 = 2 q."""
        hidden = self._hidden(value)
        displacement = self._displacement(hidden[-1][1])
        back = affine(displacement, self.weights[-1].T)
        for level in range(len(hidden) - 1, -1, -1):
            rates = by_groups(self.groups(level), rate, *hidden[level])
            back = affine(weighted(back, rates), self.weights[level].T)
        return displacement, back

    def groups(self, level: int) -> Groups:
        """Return the names and numbers of the units of a hidden layer."""
        return layer_groups(self.activation, level, self.weights[level].shape[0])

    def scaled(self, factors: torch.Tensor) -> Network:
        """Return the network in x = diag(factors) z, read as a function of x from one of z."""
        first = self.weights[0] / factors[list(self.inputs)]
        return replace(self, weights=(first, *self.weights[1:]))

    def widened(self, inputs: tuple[int, ...]) -> Network:
        """Return the network as one that reads more inputs, and ignores those that are new."""
        first = self.weights[0].new_zeros(self.weights[0].shape[0], len(inputs))
        first[:, [inputs.index(i) for i in self.inputs]] = self.weights[0]
        return replace(self, inputs=inputs, weights=(first, *self.weights[1:]))

    def times(self, factor: float) -> Network:
        """Return the network with psi multiplied by a factor."""
        return replace(self, weights=(*self.weights[:-1], self.weights[-1] * factor))

    def beside(self, other: Network) -> Network:
        """Return the sum of two networks with one hidden layer each and the same inputs, their units side by side.

        The one with fewer outputs gets more, which are 0.
        """
        nets, most = (self, other), max(self.outputs, other.outputs)
        last = torch.cat([_taller(net.weights[-1], most) for net in nets], dim=1)
        first = torch.cat([net.weights[0] for net in nets])
        groups = (*self.groups(0), *other.groups(0))
        bias = torch.cat([net.biases[0] for net in nets])
        return Network(self.inputs, (first, last), (bias,), (groups,))

    def _hidden(self, value: Any) -> list[tuple[Any, Any]]:
        """Return what enters and what leaves each hidden layer's activation."""
        layers = []
        pairs = zip(self.weights[:-1], self.biases, strict=True)
        for level, (weight, bias) in enumerate(pairs):
            before = affine(value, weight, bias)
            value = by_groups(self.groups(level), apply, before)
            layers.append((before, value))
        return layers

    def _displacement(self, last: Any) -> Any:
        origin = torch.zeros(
            len(self.inputs), dtype=self.weights[0].dtype, device=self.weights[0].device
        )
        rest = self._hidden(origin)[-1][1]
        return affine(last, self.weights[-1], -affine(rest, self.weights[-1]))


def _taller(matrix: torch.Tensor, rows: int) -> torch.Tensor:
    return torch.cat([matrix, matrix.new_zeros(rows - matrix.shape[0], matrix.shape[1])])


def select(network: Network, states: Any) -> Any:
    """Return the components of ``states`` that the network reads."""
    return columns(states, network.inputs)
