"""The networks inside a flow: seeded, and for contractions with a Lipschitz constant that holds for every weight."""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.errors import ProblemError
from certdde.models.mlp import MLP

DOUBLINGS = (
    5  # of the exponent of the Gram matrix: its bound is at most rank^(1/128) times the norm
)


def spectral_bound(weight: Float[Tensor, "rows columns"]) -> Float[Tensor, ""]:
    """Return an upper bound of the spectral norm, at most 3 % above it for 50 columns.

    ``|(W^T W)^(2^k)|_F^(1/2^(k+1))``: the Frobenius norm is at least the spectral norm, which for a symmetric matrix
    is multiplicative in powers, so that this is an upper bound for every k; power iteration is a lower one.

    Soundness
    ---------
    The factor at the end covers the rounding: a product of two n x n matrices of norm 1 is off by n eps |A|_F |B|_F at
    most, of which the k-th root leaves a part that halves with every doubling.

    References
    ----------
    Delattre, Barthelemy, Araujo, Allauzen, "Efficient bound of Lipschitz constant for convolutional layers by Gram
    iteration", ICML 2023.
    """
    info = torch.finfo(weight.dtype)
    scale = weight.abs().amax().clamp_min(info.tiny)
    gram, logarithm, exponent = weight / scale, torch.log(scale), 1
    if gram.shape[0] < gram.shape[1]:
        gram = gram.T
    for _ in range(DOUBLINGS + 1):
        size = torch.linalg.matrix_norm(gram).clamp_min(info.tiny)
        gram = gram / size
        gram, logarithm, exponent = gram.T @ gram, 2 * (logarithm + torch.log(size)), 2 * exponent
    size = torch.linalg.matrix_norm(gram).clamp_min(info.tiny)
    slack = 1 + 8 * info.eps * (weight.numel() + 16)
    return slack * torch.exp((logarithm + torch.log(size)) / exponent)


def shrunk(network: MLP, factor: float) -> MLP:
    """Multiply the weights and biases of the last layer by a factor, in place."""
    with torch.no_grad():
        network.weights[-1].mul_(factor)
        if network.biases is not None:
            network.biases[-1].mul_(factor)
    return network


class GatedMLP(nn.Module):
    """W_L tanh(.. W_2 (a(c) (W_1 x + b_1) + d(c)) ..): what c = (time, context) says multiplies and moves what x says.

    a and d are affine. Linear maps of x whose entries depend on c, as in the solution of a linear equation, take one
    product; a perceptron of (x, c) has to approximate it.

    Parameters
    ----------
    states, others, outputs : int
        Components of x (0: it is not read), of c (at least 1), of the value.
    hidden : sequence of int
        The first is the size of a, d and W_1 x.
    generator, dtype
        As in :class:`certdde.models.mlp.MLP`.

    Raises
    ------
    ProblemError
        If there is no c, or no hidden size.
    """

    __call__: Callable[..., Tensor]

    def __init__(
        self,
        states: int,
        others: int,
        outputs: int,
        hidden: Sequence[int],
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        if not others or not hidden:
            raise ProblemError(
                "nothing to gate by" if hidden else "no hidden layer",
                where="gated",
                wanted="a time or a context, and one hidden layer at least",
            )
        self.states, width = states, hidden[0]
        self.lift = MLP([states, width], generator, dtype=dtype) if states else None
        self.gate = MLP([others, 2 * width if states else width], generator, dtype=dtype)
        self.head = MLP([width, *hidden[1:], outputs], generator, dtype=dtype)

    def forward(self, inputs: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Return the value at (x, c)."""
        x, c = inputs[..., : self.states], inputs[..., self.states :]
        gate: Tensor = self.gate(c)
        if self.lift is not None:
            factor, shift = gate.chunk(2, -1)
            gate = factor * self.lift(x) + shift
        value: Tensor = self.head(gate)
        return value


class Contraction(nn.Module):
    """g(x; context) with |g(x) - g(y)| <= bound |x - y| in the Euclidean norm, whatever the parameters are.

    ``W h`` in each layer is ``c W / max(c, spectral_bound(W)) h`` with ``c = bound^(1/layers)``; tanh has slope 1 at
    most. What is not x (time, context) enters the first layer through weights of its own, without a bound.

    Parameters
    ----------
    states, others, outputs : int
        Components of x, of the context (0: none), of g.
    hidden : sequence of int
        Sizes of the hidden layers.
    bound : float
        In (0, 1).
    generator, dtype, bias
        As in :class:`certdde.models.mlp.MLP`.
    """

    __call__: Callable[..., Tensor]

    def __init__(
        self,
        states: int,
        others: int,
        outputs: int,
        hidden: Sequence[int],
        bound: float,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.layers = MLP([states, *hidden, outputs], generator, dtype=dtype, bias=bias)
        first = self.layers.weights[0].shape[0]
        self.other = nn.Parameter(_drawn(first, others, generator, dtype)) if others else None
        self.bound = bound

    def forward(
        self, x: Float[Tensor, "*batch states"], others: Float[Tensor, "*batch others"] | None
    ) -> Float[Tensor, "*batch outputs"]:
        """Return g(x; others)."""
        return self.at(others)(x)

    def at(self, others: Float[Tensor, "*batch others"] | None) -> Callable[[Tensor], Tensor]:
        """Return x -> g(x; others), with the weights scaled once for all calls."""
        scaled = self.scaled()
        layers = self.layers.biases
        biases = [0.0] * len(scaled) if layers is None else list(layers)
        shift = 0.0 if self.other is None or others is None else others @ self.other.T

        def function(x: Tensor) -> Tensor:
            x = x @ scaled[0].T + biases[0] + shift
            for weight, bias in zip(scaled[1:], biases[1:], strict=True):
                x = torch.tanh(x) @ weight.T + bias
            return x

        return function

    def scaled(self) -> list[Tensor]:
        """Return the matrices as they are used, the product of their norms at most ``bound``."""
        weights = self.layers.weights
        share = self.bound ** (1 / len(weights))
        return [w / (spectral_bound(w) / share).clamp_min(1.0) for w in weights]


def _drawn(rows: int, columns: int, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    """Return normal weights with the variance 1 / columns."""
    drawn = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    return (drawn / math.sqrt(columns)).to(dtype)
