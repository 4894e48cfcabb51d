"""From a learnt delay equation to a delay system, exactly: equations in the grammar, weights as decimals."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import torch

from certdde.errors import ProblemError
from certdde.models.mlp import MLPField
from certdde.models.neural_dde import NeuralDDE
from certdde.models.written_numbers import state_names
from certdde.systems.delay_system import DelaySystem
from certdde.systems.grammar import MAX_LENGTH

# Each writes an activation of the text of its argument.
WRITTEN: Mapping[str, Callable[[str], str]] = {
    "tanh": lambda z: f"tanh({z})",
    "sin": lambda z: f"sin({z})",
    "atan": lambda z: f"atan({z})",
    "sigmoid": lambda z: f"sigmoid({z})",
    "softplus": lambda z: f"log(1 + exp({z}))",
    "silu": lambda z: f"({z})*sigmoid({z})",
}


def delay_system(
    model: NeuralDDE,
    domain: Mapping[str, Sequence[float]],
    *,
    states: Sequence[str] | None = None,
    delays: Sequence[str] | None = None,
    equilibrium: Mapping[str, Any] | str | None = None,
    name: str = "learned",
) -> DelaySystem:
    """Write a learnt equation as a delay system around its equilibrium.

    Every weight is written as the decimal expansion of its binary value, without rounding: in exact arithmetic the
    right-hand side is that of the model. The delays are names; their ranges are those of the claim.

    Parameters
    ----------
    model : NeuralDDE
        Its field is an :class:`MLPField` without time. Without biases, and of tanh, sin, atan or silu, it is 0 at 0
        exactly.
    domain : mapping from state to (lo, hi)
        The box in which claims are made.
    states : sequence of str, optional
        Names; default x, or x1, x2, ..
    delays : sequence of str, optional
        Names; default tau, or tau1, tau2, ..
    equilibrium : mapping or "find", optional
        As in :meth:`DelaySystem.from_equations`, which encloses one that is no decimal; default 0.
    name : str
        Used in titles.

    Raises
    ------
    ProblemError
        If the model has another form, no equilibrium is where it is said to be, or an equation becomes longer than
        the grammar takes; then :func:`rounded` makes a model with shorter weights.
    """
    field = _field(model)
    n, k = field.dimension, field.delays
    names = list(states or state_names(n))
    lags = list(delays or (["tau"] if k <= 1 else [f"tau{i + 1}" for i in range(k)]))
    if len(names) != n or len(lags) != max(k, 1):
        raise ProblemError(
            f"{len(names)} states and {len(lags)} delays",
            where="states, delays",
            wanted=f"{n} states, {max(k, 1)} delays",
        )
    past = [f"{x}(t - {tau})" for tau in lags[:k] for x in names]
    rows = _written(field, [*names, *past])
    equations = [f"{x}' = {row}" for x, row in zip(names, rows, strict=True)]
    for i, text in enumerate(equations):
        if len(text) > MAX_LENGTH:
            raise ProblemError(
                f"the equation has {len(text)} characters, and the grammar takes {MAX_LENGTH}",
                where=f"system.equations[{i}]",
                wanted="a smaller network, or rounded(model, bits), which is another model",
            )
    return DelaySystem.from_equations(
        equations, domain=domain, equilibrium=equilibrium, delays=lags, name=name
    )


def rounded(model: NeuralDDE, bits: int) -> NeuralDDE:
    """Return a copy whose field has weights that are multiples of 2^-bits.

    This is another model: a certificate of its system says nothing of the one that was rounded. Measure its error.

    Raises
    ------
    ProblemError
        If ``bits`` is not between 1 and 52.
    """
    if not 1 <= bits <= 52:
        raise ProblemError(f"{bits} bits", where="bits", wanted="1 to 52")
    other = copy.deepcopy(model)
    with torch.no_grad():
        for weight in other.field.parameters():
            weight.copy_(torch.round(weight.double() * 2.0**bits) / 2.0**bits)
    return other


def _field(model: NeuralDDE) -> MLPField:
    field = model.field
    if not isinstance(field, MLPField):
        raise ProblemError(
            f"the field is a {type(field).__name__}", where="model.field", wanted="an MLPField"
        )
    if field.time:
        raise ProblemError(
            "the field depends on the time", where="model.field", wanted="one made with time=False"
        )
    activation = field.network.activation
    if activation not in WRITTEN:
        raise ProblemError(
            f"the activation {activation} is not in the grammar of equations",
            where="model.field",
            wanted=f"one of {', '.join(WRITTEN)}",
        )
    return field


def _written(field: MLPField, inputs: list[str]) -> list[str]:
    """Return the text of each output; units of a layer are repeated wherever they are used."""
    network = field.network
    activation = WRITTEN[network.activation]
    units = inputs
    for level, weight in enumerate(network.weights):
        bias = None if network.biases is None else network.biases[level].tolist()
        rows = weight.detach().double().tolist()
        if level:
            units = [activation(unit) for unit in units]
        units = [_sum(row, units, 0.0 if bias is None else bias[i]) for i, row in enumerate(rows)]
        _not_too_long(units)
    return units


def _not_too_long(units: Sequence[str]) -> None:
    """Stop before the text of a deep network fills the memory."""
    longest = max(len(unit) for unit in units)
    if longest > MAX_LENGTH:
        raise ProblemError(
            f"an expression of the network has {longest} characters, and the grammar takes {MAX_LENGTH}",
            where="model.field",
            wanted="a smaller network, or rounded(model, bits), which is another model",
        )


def _sum(weights: Sequence[float], units: Sequence[str], bias: float) -> str:
    terms = [(w, f"*{unit}") for w, unit in zip(weights, units, strict=True)] + [(bias, "")]
    text = ""
    for weight, unit in terms:
        if weight != weight or abs(weight) == float("inf"):
            raise ProblemError(f"a weight is {weight}", where="model.field", wanted="finite ones")
        if weight:
            sign = "-" if weight < 0 else "+"
            gap = f" {sign} " if text else sign.strip("+")
            text += f"{gap}{decimal(abs(weight))}{unit}"
    return text or "0"


def decimal(value: float) -> str:
    """Return the decimal expansion of a binary number, all of it."""
    return str(Decimal(value)).lower()
