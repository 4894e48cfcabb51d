"""Networks psi inside a functional, and p(x) = psi(x) - psi(0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from certdde.functionals.algebra import affine, columns, damp


@dataclass(frozen=True, slots=True)
class Network:
    """A tanh network psi: h_0 = inputs, h_{l+1} = tanh(W_l h_l + b_l), psi = W_{L-1} h_{L-1}.

    Attributes
    ----------
    inputs : tuple of int
        What it reads: i < n is state i, and for V0 n (k + 1) + i is the Legendre moment Omega_k of state i, k = 0 or 1.
    weights : tuple of Tensor
        L matrices (out, in), float64.
    biases : tuple of Tensor
        L - 1 vectors.
    """

    inputs: tuple[int, ...]
    weights: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor, ...]

    @property
    def outputs(self) -> int:
        """Number of components of psi."""
        return self.weights[-1].shape[0]

    def displacement(self, value: Any) -> Any:
        """Return p = psi(value) - psi(0); ``value`` holds the inputs in the last axis, or encloses them."""
        return self._displacement(self._hidden(value))

    def pullback(self, value: Any) -> tuple[Any, Any]:
        """Return p and q = J^T p, where J is the Jacobian of psi; grad |p|^2 = 2 q."""
        hidden = self._hidden(value)
        displacement = self._displacement(hidden)
        back = affine(displacement, self.weights[-1].T)
        for level in range(len(hidden) - 1, -1, -1):
            back = affine(damp(hidden[level], back), self.weights[level].T)
        return displacement, back

    def scaled(self, factors: torch.Tensor) -> Network:
        """Return the network in x = diag(factors) z, read as a function of x from one of z."""
        first = self.weights[0] / factors[list(self.inputs)]
        return Network(self.inputs, (first, *self.weights[1:]), self.biases)

    def widened(self, inputs: tuple[int, ...]) -> Network:
        """Return the network as one that reads more inputs, and ignores those that are new."""
        first = self.weights[0].new_zeros(self.weights[0].shape[0], len(inputs))
        first[:, [inputs.index(i) for i in self.inputs]] = self.weights[0]
        return Network(inputs, (first, *self.weights[1:]), self.biases)

    def times(self, factor: float) -> Network:
        """Return the network with psi multiplied by a factor."""
        return Network(self.inputs, (*self.weights[:-1], self.weights[-1] * factor), self.biases)

    def _hidden(self, value: Any) -> list[Any]:
        layers = []
        for weight, bias in zip(self.weights[:-1], self.biases, strict=True):
            value = affine(value, weight, bias).tanh()
            layers.append(value)
        return layers

    def _displacement(self, hidden: list[Any]) -> Any:
        origin = torch.zeros(
            len(self.inputs), dtype=self.weights[0].dtype, device=self.weights[0].device
        )
        rest = self._hidden(origin)[-1]
        return affine(hidden[-1], self.weights[-1], -affine(rest, self.weights[-1]))


def select(network: Network, states: Any) -> Any:
    """Return the components of ``states`` that the network reads."""
    return columns(states, network.inputs)
