"""A network psi, and p = psi - psi(0), on Taylor forms and on slopes (spec 4)."""

from dataclasses import dataclass

import numpy as np
from ival import Interval

from . import slopes, taylor
from .activations import ACTIVATIONS, of_layer, places, rate_form, rate_over, value_at
from .bundle import Arrays
from .document import Groups, NetworkSpec
from .refusal import require
from .rounding import LIMIT, dot
from .slopes import Slope
from .taylor import Taylor, constant


@dataclass(frozen=True, slots=True)
class Network:
    """h_{l+1} = phi_l(weights[l] h_l + biases[l]), psi = weights[-1] h_{L-1}; `inputs` are states or moments.

    `activation` is the name of every phi_l, or for each l the groups of units with their names.
    """

    inputs: tuple[int, ...]
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activation: str | tuple[Groups, ...] = "tanh"

    @property
    def outputs(self) -> int:
        """How many outputs psi has."""
        return int(self.weights[-1].shape[0])

    def places(self, l: int) -> list[tuple[str, int, int]]:
        """The groups of units of hidden layer l, each from its first unit to the one behind its last."""
        return list(places(of_layer(self.activation, l, int(self.weights[l].shape[0]))))

    def at_zero(self) -> Interval:
        """psi(0), a column."""
        h = Interval(np.zeros((len(self.inputs), 1)))
        for l, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=False)):
            z = dot(weight, h) + bias
            h = _joined([value_at(name, z[i:j]) for name, i, j in self.places(l)])
        return dot(self.weights[-1], h)

    def taylor(self, h: Taylor, gradient: bool) -> tuple[Taylor, Taylor | None]:
        """The values p of the column h of inputs; and q = J^T p, J the Jacobian of psi, if asked for.

        Lemma: J = W_{L-1} D_{L-2} W_{L-2} .. D_0 W_0, D_l the diagonal of phi_l'; q is built from the left.
        """
        span, rates = h.span, []
        for l, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=False)):
            z = h.dot(weight) + constant(Interval(bias), span)
            parts = [(name, z.rows(i, j)) for name, i, j in self.places(l)]
            values = [part.apply(*ACTIVATIONS[name]) for name, part in parts]
            h = taylor.stack(values)
            if gradient:
                pairs = zip(parts, values, strict=True)
                rates.append(taylor.stack([rate_form(*part, value) for part, value in pairs]))
        p = h.dot(self.weights[-1]) + constant(-self.at_zero(), span)
        if not gradient:
            return p, None
        q = p.dot(self.weights[-1].T)
        for weight, rate in zip(self.weights[-2::-1], reversed(rates), strict=True):
            q = (rate * q).dot(weight.T)
        return p, q

    def slopes(self, h: Slope) -> tuple[Slope, list[Interval]]:
        """The values psi of the column h of inputs; and enclosures over B of the columns of its Jacobian."""
        columns: list[Interval] = []
        for l, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=False)):
            z = h.dot(weight)
            shift = Interval(bias)
            z = Slope(z.zero + shift, z.box + shift, z.hull + shift, z.cols, z.where)
            parts = [(name, z.rows(i, j)) for name, i, j in self.places(l)]
            rate = _joined([rate_over(name, part.box) for name, part in parts])
            columns = (
                [rate * dot(weight, c) for c in columns]
                if l
                else [rate * Interval(w[:, None]) for w in weight.T]
            )
            h = slopes.stack([part.apply(*ACTIVATIONS[name]) for name, part in parts])
        return h.dot(self.weights[-1]), [dot(self.weights[-1], c) for c in columns]


def _joined(parts: list[Interval]) -> Interval:
    """Columns, one below the other."""
    return Interval(np.concatenate([x.lo for x in parts]), np.concatenate([x.hi for x in parts]))


def load(name: str, spec: NetworkSpec, tensors: Arrays, where: str) -> Network:
    """Take the tensors of one network out of `tensors`; shapes must chain, sizes be moderate, groups fit."""
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
            of_layer(spec.activation, l, width, f"{where}, {name}.weight{l}, activation")
            bias = tensors.pop(f"{name}.bias{l}")
            require(bias.shape == (width,), where, f"{name}.bias{l} has a wrong shape")
            biases.append(bias[:, None])
    return Network(spec.inputs, tuple(weights), tuple(biases), spec.activation)
