"""Multilayer perceptrons, and right-hand sides made of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from certdde.errors import ProblemError

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "sin": torch.sin,
    "atan": torch.atan,
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    "silu": functional.silu,
    "relu": torch.relu,
    "elu": functional.elu,
}
ODD = ("tanh", "sin", "atan")
"""Activations with s(-z) = -s(z): a network of these without biases is odd."""


class MLP(nn.Module):
    """W_L s(.. s(W_1 z + b_1) ..) + b_L.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden layers, outputs.
    generator : torch.Generator
        On the CPU; weights and biases are drawn uniformly in +-1 / sqrt(inputs of the layer).
    activation : str
        One of ``ACTIVATIONS``.
    bias : bool
        Without biases and with an odd activation the network is 0 at 0 exactly.
    dtype, device
        Of the weights.

    Raises
    ------
    ProblemError
        If the activation is unknown, or a size is not positive.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        generator: torch.Generator,
        *,
        activation: str = "tanh",
        bias: bool = True,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ProblemError(
                f"unknown activation {activation!r}",
                where="activation",
                wanted=f"one of {', '.join(ACTIVATIONS)}",
            )
        if len(sizes) < 2 or min(sizes) < 1:
            raise ProblemError(
                f"the sizes {list(sizes)}", where="sizes", wanted="inputs, hidden layers, outputs"
            )
        self.sizes, self.activation = tuple(sizes), activation
        pairs = list(pairwise(sizes))

        def drawn(inputs: int, *shape: int) -> nn.Parameter:
            unit = torch.rand(shape, generator=generator, dtype=torch.float64)
            value = (2 * unit - 1) / math.sqrt(inputs)
            return nn.Parameter(value.to(dtype=dtype, device=device))

        self.weights = nn.ParameterList(drawn(k, m, k) for k, m in pairs)
        self.biases = nn.ParameterList(drawn(k, m) for k, m in pairs) if bias else None

    def forward(self, z: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Return the last layer."""
        function = ACTIVATIONS[self.activation]
        for level, weight in enumerate(self.weights):
            bias = None if self.biases is None else self.biases[level]
            z = functional.linear(function(z) if level else z, weight, bias)
        return z


class MLPField(nn.Module):
    """f(t, x, past) = MLP([x, past_1, .., past_k] or [.., t]), the right-hand side of a neural delay equation.

    Parameters
    ----------
    dimension : int
        States n.
    delays : int
        Number k of delays; 0 makes an ordinary equation.
    hidden : sequence of int
        Sizes of the hidden layers.
    generator : torch.Generator
    time : bool
        Whether t is an input.
    activation, bias, dtype, device
        As in :class:`MLP`.
    """

    def __init__(
        self,
        dimension: int,
        delays: int,
        hidden: Sequence[int],
        generator: torch.Generator,
        *,
        time: bool = False,
        activation: str = "tanh",
        bias: bool = True,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        sizes = (dimension * (1 + delays) + int(time), *hidden, dimension)
        self.dimension, self.delays, self.time = dimension, delays, time
        self.network = MLP(
            sizes, generator, activation=activation, bias=bias, dtype=dtype, device=device
        )

    def forward(
        self, t: Tensor, x: Float[Tensor, "*batch n"], past: Sequence[Tensor]
    ) -> Float[Tensor, "*batch n"]:
        """Return the derivative; t has the shape () or (*batch, 1)."""
        parts = [x, *past]
        if self.time:
            parts.append(t.to(x).expand(*x.shape[:-1], 1))
        value: Tensor = self.network(torch.cat(parts, dim=-1))
        return value
