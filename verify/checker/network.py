"""A network psi, and p = psi - psi(0), on Taylor forms and on slopes (spec 4)."""

from dataclasses import dataclass

import numpy as np
from ival import Interval

from .bundle import Arrays
from .document import NetworkSpec
from .functions import FUNCTIONS
from .refusal import require
from .rounding import LIMIT, dot
from .slopes import Slope
from .taylor import Taylor, constant


@dataclass(frozen=True, slots=True)
class Network:
    """h_{l+1} = tanh(weights[l] h_l + biases[l]), psi = weights[-1] h_{L-1}; `inputs` are states."""

    inputs: tuple[int, ...]
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    @property
    def outputs(self) -> int:
        """How many outputs psi has."""
        return int(self.weights[-1].shape[0])

    def at_zero(self) -> Interval:
        """psi(0), a column."""
        h = Interval(np.zeros((len(self.inputs), 1)))
        for weight, bias in zip(self.weights, self.biases, strict=False):
            h = FUNCTIONS["tanh"].jet(dot(weight, h) + bias)[0]
        return dot(self.weights[-1], h)

    def taylor(self, h: Taylor, gradient: bool) -> tuple[Taylor, Taylor | None]:
        """The values p of the column h of inputs; and q = J^T p, J the Jacobian of psi, if asked for.

        Lemma: J = W_{L-1} D_{L-2} W_{L-2} .. D_0 W_0, D_l the diagonal of tanh' = 1 - tanh^2; q is built from the left.
        """
        span, layers = h.span, []
        for weight, bias in zip(self.weights, self.biases, strict=False):
            h = (h.dot(weight) + constant(Interval(bias), span)).apply("tanh")
            layers.append(h)
        p = h.dot(self.weights[-1]) + constant(-self.at_zero(), span)
        if not gradient:
            return p, None
        one, q = constant(Interval(1.0), span), p.dot(self.weights[-1].T)
        for weight, layer in zip(self.weights[-2::-1], reversed(layers), strict=True):
            q = ((one + -layer.apply("pow", 2)) * q).dot(weight.T)
        return p, q

    def slopes(self, h: Slope) -> tuple[Slope, list[Interval]]:
        """The values psi of the column h of inputs; and enclosures over B of the columns of its Jacobian."""
        columns: list[Interval] = []
        for l, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=False)):
            z = h.dot(weight)
            shift = Interval(bias)
            z = Slope(z.zero + shift, z.box + shift, z.hull + shift, z.cols, z.where)
            rate = FUNCTIONS["tanh"].jet(z.box)[1]
            columns = (
                [rate * dot(weight, c) for c in columns]
                if l
                else [rate * Interval(w[:, None]) for w in weight.T]
            )
            h = z.apply("tanh")
        return h.dot(self.weights[-1]), [dot(self.weights[-1], c) for c in columns]


def load(name: str, spec: NetworkSpec, tensors: Arrays, where: str) -> Network:
    """Take the tensors of one network out of `tensors`; shapes must chain, sizes be moderate."""
    weights, biases, width = [], [], len(spec.inputs)
    for l in range(spec.layers):
        for kind in ("weight", "bias")[: 1 if l == spec.layers - 1 else 2]:
            require(f"{name}.{kind}{l}" in tensors, where, f"lacks {name}.{kind}{l}")
        weight = tensors.pop(f"{name}.weight{l}")
        right = weight.ndim == 2 and weight.shape[1] == width and weight.shape[0] > 0
        require(right, where, f"{name}.weight{l} has a wrong shape")
        require(bool((np.abs(weight) < LIMIT).all()), where, f"{name}.weight{l} is out of range")
        width = weight.shape[0]
        weights.append(weight)
        if l < spec.layers - 1:
            bias = tensors.pop(f"{name}.bias{l}")
            require(bias.shape == (width,), where, f"{name}.bias{l} has a wrong shape")
            biases.append(bias[:, None])
    return Network(spec.inputs, tuple(weights), tuple(biases))
