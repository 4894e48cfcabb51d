"""The trainable functional: positivity by construction (docs/math.md, section 2)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from certdde.functionals import Functional, Network
from certdde.functionals.activations import Activation


@dataclass(frozen=True, slots=True)
class Shape:
    """The networks: which states each reads (none: left out), hidden widths, outputs, activation.

    ``even``: V(-x) = V(x), by biases that are 0 and an odd activation or squares.
    """

    v0_inputs: tuple[int, ...]
    w_inputs: tuple[int, ...]
    hidden: tuple[int, ...] = (16,)
    outputs: int = 4
    tied: bool = False  # W is V0: a Razumikhin function
    activation: str = "tanh"
    even: bool = False


class NeuralFunctional(nn.Module):
    """P = L L^T - Bessel part of S, S = Ls Ls^T, R = Lr Lr^T (each plus a floor), and psi of V0 and W.

    Parameters
    ----------
    start : Functional
        The functional to start from; its quadratic part must be positive definite in the sense
        of ``Functional.bessel``.
        Networks that it has are kept, the others drawn.
    longest : float
        The longest delay.
    shape : Shape
    generator : torch.Generator
        Draws the initial weights.
    least : float
        V >= least |x|^2 by construction; ``start`` is multiplied as far as it takes.
    """

    def __init__(
        self,
        start: Functional,
        longest: float,
        shape: Shape,
        generator: torch.Generator,
        least: float = 0.0,
    ) -> None:
        super().__init__()
        self.order, self.longest, self.shape = start.order, longest, shape
        self.floor, self.least = 1e-6, least
        if least:
            start = start.times(1.1 * least / _least_on_states(start, longest))
        self.factor_p = nn.Parameter(_factor(start.bessel(longest) - self._below(start.P)))
        self.factor_s = nn.Parameter(_factor(start.S))
        self.factor_r = nn.Parameter(_factor(start.R))
        first = start.V0.widened(shape.v0_inputs) if start.V0 else None
        self.v0 = _copied(first) if first else _layers(shape.v0_inputs, shape, generator)
        kept = start.W if not shape.tied else None
        self.w = _copied(kept) if kept else _layers(shape.w_inputs, shape, generator)
        self.activations = tuple(n.activation if n else shape.activation for n in (first, kept))

    def functional(self) -> Functional:
        """Return the functional, as tensors of the graph."""
        s, r = self._square(self.factor_s), self._square(self.factor_r)
        blocks = [torch.zeros_like(s), *((2 * k + 1) * s / self.longest for k in range(self.order))]
        p = self._square(self.factor_p) - torch.block_diag(*blocks)
        p = p + self._below(p)
        first, second = self.activations
        v0 = _network(self.shape.v0_inputs, self.v0, first)
        w = v0 if self.shape.tied else _network(self.shape.w_inputs, self.w, second)
        return Functional(self.order, p, s, r, v0, w)

    def frozen(self) -> Functional:
        """Return the functional with its symmetric matrices exactly symmetric, outside the graph."""
        with torch.no_grad():
            value = self.functional()
        p, s, r = ((m + m.T) / 2 for m in (value.P, value.S, value.R))
        v0 = _detached(value.V0)
        return Functional(value.order, p, s, r, v0, v0 if value.tied else _detached(value.W))

    def _below(self, like: torch.Tensor) -> torch.Tensor:
        """Return the form least |x|^2 in w."""
        n = like.shape[0] // (self.order + 1)
        ones = torch.zeros(like.shape[0], dtype=like.dtype)
        ones[:n] = self.least
        return torch.diag(ones)

    def _square(self, factor: torch.Tensor) -> torch.Tensor:
        low = torch.tril(factor)
        return low @ low.T + self.floor * torch.eye(low.shape[0], dtype=low.dtype)


def _least_on_states(functional: Functional, longest: float) -> float:
    """Return the largest a with w^T P w + Bessel part >= a |x|^2."""
    inverse = torch.linalg.inv(functional.bessel(longest))
    n = functional.dimension
    return 1 / float(torch.linalg.eigvalsh(inverse[:n, :n])[-1])


def _factor(matrix: torch.Tensor) -> torch.Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    safe = (
        vectors @ torch.diag(values.clamp(min=1e-6 * float(values[-1].clamp(min=1e-3)))) @ vectors.T
    )
    return torch.linalg.cholesky(safe)


def _layers(inputs: Sequence[int], shape: Shape, generator: torch.Generator) -> nn.ParameterList:
    if not inputs:
        return nn.ParameterList()
    sizes = [len(inputs), *shape.hidden, shape.outputs]
    tensors = []
    for level, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        last = level == len(sizes) - 2
        gain = 0.3 / math.sqrt(fan_in) if last else 1.5 / math.sqrt(fan_in)
        tensors.append(
            nn.Parameter(
                gain * torch.randn(fan_out, fan_in, generator=generator, dtype=torch.float64)
            )
        )
        if not last:
            bias = 1.5 * (2 * torch.rand(fan_out, generator=generator, dtype=torch.float64) - 1)
            if shape.even:
                bias = torch.zeros_like(bias)
            tensors.append(nn.Parameter(bias, requires_grad=not shape.even))
    return nn.ParameterList(tensors)


def drawn_network(inputs: tuple[int, ...], shape: Shape, generator: torch.Generator) -> Network:
    """Return a network with the initial weights of a shape."""
    tensors = [t.detach() for t in _layers(inputs, shape, generator)]
    return Network(inputs, tuple(tensors[::2]), tuple(tensors[1::2]), shape.activation)


def _copied(network: Network) -> nn.ParameterList:
    pairs = zip(network.weights, (*network.biases, None), strict=True)
    return nn.ParameterList(
        [nn.Parameter(t.detach().clone()) for pair in pairs for t in pair if t is not None]
    )


def _network(
    inputs: tuple[int, ...], tensors: nn.ParameterList, activation: Activation
) -> Network | None:
    if not inputs:
        return None
    return Network(inputs, tuple(tensors[::2]), tuple(tensors[1::2]), activation)


def _detached(network: Network | None) -> Network | None:
    if network is None:
        return None
    return replace(
        network,
        weights=tuple(w.detach().clone() for w in network.weights),
        biases=tuple(b.detach().clone() for b in network.biases),
    )
