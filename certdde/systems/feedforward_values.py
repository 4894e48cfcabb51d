"""A network of the equations on tensors, on enclosures, and on anything else with + and *."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from certdde.systems.feedforward import ACTIVATIONS, Feedforward, Step, as_array

Call = Callable[[str, Any], Any]


def network_values(network: Feedforward, arguments: Sequence[Any], call: Call) -> list[Any]:
    """Return the outputs of a network.

    Parameters
    ----------
    network : Feedforward
    arguments : sequence
        Its inputs: floats, tensors that broadcast, or enclosures with ``join``, ``affine`` and ``column``
        (:mod:`certdde.functionals.algebra`); any other type is taken one unit at a time.
    call : callable
        ``call(name, value)`` applies ``tanh``, ``sigmoid`` or ``relu``.
    """
    wide = next((a for a in arguments if not isinstance(a, float)), None)
    if isinstance(wide, torch.Tensor):
        return _on_tensors(network, arguments)
    if wide is not None and hasattr(type(wide), "join"):
        return _on_enclosures(network, arguments, wide)
    return _by_units(network, arguments, call)


def weights(step: Step, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias as tensors; parameters that are being trained stay what they are."""
    pair = (torch.as_tensor(value) for value in (step.weight, step.bias))
    weight, bias = (value.to(dtype=like.dtype, device=like.device) for value in pair)
    return weight, bias


def _on_tensors(network: Feedforward, arguments: Sequence[Any]) -> list[torch.Tensor]:
    like = next(a for a in arguments if isinstance(a, torch.Tensor))
    rows = [a if isinstance(a, torch.Tensor) else torch.full_like(like, a) for a in arguments]
    column = torch.stack(torch.broadcast_tensors(*rows), dim=-1)
    return list(tensor_value(network, column).unbind(-1))


def tensor_value(network: Feedforward, column: torch.Tensor) -> torch.Tensor:
    """Return u on inputs in the last axis, (..., inputs) to (..., outputs)."""
    value = _tensor_run(network, column)
    return value if network.origin is None else value + _shift(network, column)


def _tensor_run(network: Feedforward, column: torch.Tensor) -> torch.Tensor:
    found = [column]
    for step in network.steps:
        value = found[step.sources[0]]
        if step.operation == "sum":
            value = value + found[step.sources[1]]
        elif step.operation == "product":
            value = value * found[step.sources[1]]
        elif step.operation in ACTIVATIONS:
            value = getattr(torch, step.operation)(value)
        else:
            weight, bias = weights(step, value)
            scaled = value @ weight.T if step.operation == "affine" else value * weight
            value = scaled + bias
        found.append(value)
    return found[-1]


def _on_enclosures(network: Feedforward, arguments: Sequence[Any], wide: Any) -> list[Any]:
    rows = [wide * 0.0 + a if isinstance(a, float) else a for a in arguments]
    start = type(wide).join(rows)
    found = [start]
    for step in network.steps:
        value = found[step.sources[0]]
        if step.operation == "sum":
            value = value + found[step.sources[1]]
        elif step.operation == "product":
            value = value * found[step.sources[1]]
        elif step.operation in ACTIVATIONS:
            value = value.call(step.operation)
        else:
            value = value.affine(*_matrix(step, start))
        found.append(value)
    value = found[-1]
    if network.origin is not None:
        value = value + _shift(network, _like(start))
    return [value.column(i) for i in range(network.outputs)]


def _like(enclosure: Any) -> torch.Tensor:
    """Return a tensor of the type and on the device of an enclosure; of one without numbers, float64."""
    found = getattr(enclosure, "lo", None)
    return found if found is not None else torch.zeros((), dtype=torch.float64)


def _matrix(step: Step, enclosure: Any) -> tuple[torch.Tensor, torch.Tensor]:
    weight, bias = weights(step, _like(enclosure))
    return (torch.diag(weight) if step.operation == "scale" else weight), bias


def _shift(network: Feedforward, like: torch.Tensor) -> torch.Tensor:
    """Return rest - N(origin), a number for each output."""
    there = _tensor_run(network, like.new_tensor(network.origin))
    return like.new_tensor(network.rest) - there


def _by_units(network: Feedforward, arguments: Sequence[Any], call: Call) -> list[Any]:
    value = _units(network, list(arguments), call)
    if network.origin is None:
        return value
    shift = _shift(network, torch.zeros((), dtype=torch.float64)).tolist()
    return [v + s for v, s in zip(value, shift, strict=True)]


def _units(network: Feedforward, column: list[Any], call: Call) -> list[Any]:
    found = [column]
    for step in network.steps:
        value = found[step.sources[0]]
        if step.operation in ("sum", "product"):
            pairs = zip(value, found[step.sources[1]], strict=True)
            value = [a + b if step.operation == "sum" else a * b for a, b in pairs]
        elif step.operation in ACTIVATIONS:
            value = [call(step.operation, v) for v in value]
        else:
            weight, bias = as_array(step.weight), as_array(step.bias).tolist()
            rows = [[w] for w in weight.tolist()] if step.operation == "scale" else weight.tolist()
            taken = [[v] for v in value] if step.operation == "scale" else [value] * len(rows)
            value = [_row(*row) for row in zip(rows, taken, bias, strict=True)]
        found.append(value)
    return found[-1]


def _row(row: Sequence[float], values: Sequence[Any], bias: float) -> Any:
    terms = [v * w for w, v in zip(row, values, strict=True) if w]
    total: Any = bias
    for term in terms:
        total = term + total
    return total
