"""Torch modules: chains of linear layers and activations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from certdde.errors import ProblemError
from certdde.systems.feedforward import Feedforward
from certdde.systems.network_files.draft import Draft, shown

_EXPORT = "export it to ONNX (torch.onnx.export) and name the file"
_PLAIN = ("Linear", "Tanh", "Sigmoid", "ReLU", "LeakyReLU", "Hardtanh", "ReLU6", "SiLU")
_STILL = (nn.Identity, nn.Flatten)
_DROPOUT = (nn.Dropout, nn.AlphaDropout)
_ACTIVATIONS = {nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.ReLU: "relu"}
_LEAVES = (*_STILL, *_DROPOUT, *(getattr(nn, name) for name in _PLAIN))


def from_module(module: nn.Module, where: str) -> Feedforward:
    """Return the network of a torch module.

    Parameters
    ----------
    module : torch.nn.Module
        Sequential, nested or not, of Linear, Tanh, Sigmoid, ReLU, LeakyReLU, Hardtanh, ReLU6, SiLU, Identity,
        Flatten, and Dropout in evaluation mode; or certdde's own MLP, or MLPField without time. Weights of any
        floating-point type, on any device. Slopes and bounds are rounded to the type of the weights, as torch does.
    where : str
        The place that an error names.

    Raises
    ------
    ProblemError
        If it is another module, or has hooks or parameters that are not finite.
    """
    if any(nn.parameter.is_lazy(parameter) for parameter in module.parameters()):
        wanted = "call the module once, so that it knows its inputs"
        raise ProblemError("the weights are not there yet", where=where, wanted=wanted)
    leaves = _leaves(module, where, "")
    linear = [leaf for _, leaf in leaves if isinstance(leaf, (nn.Linear, _Layer))]
    if not linear:
        raise ProblemError("the module has no linear layer", where=where, wanted=_EXPORT)
    first = linear[0].weight
    draft, value = Draft(int(first.shape[1]), where), 0
    dtype = torch.promote_types(first.dtype, torch.float32)
    for place, leaf in leaves:
        draft.where = f"{where}: layer {place}" if place else where
        value = _added(draft, value, leaf, dtype)
    draft.where = where
    return draft.network(value)


class _Layer:
    """One linear layer of certdde's MLP."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self.weight, self.bias = weight, bias


def _leaves(module: Any, where: str, place: str) -> list[tuple[str, Any]]:
    """Return the modules of a chain in their order, with their names."""
    at = f"{where}: layer {place}" if place else where
    kind = type(module)
    if _altered(module):
        what = f"the module {shown(kind.__name__)} has hooks, or a forward of its own"
        raise ProblemError(what, where=at, wanted=_EXPORT)
    if isinstance(module, nn.Sequential) and kind.forward is nn.Sequential.forward:
        found: list[tuple[str, Any]] = []
        for name, child in module._modules.items():  # named_children leaves out a second use
            found += _leaves(child, where, f"{place}.{name}" if place else name)
        return found
    if kind.__module__ == "certdde.models.mlp" and kind.__name__ in ("MLP", "MLPField"):
        return _perceptron(module, at, place)
    base = next((b for b in _LEAVES if isinstance(module, b)), None)
    if base is None or kind.forward is not base.forward:
        raise ProblemError(
            f"the module {shown(kind.__name__)} is not read",
            where=at,
            wanted=f"{_EXPORT}, or use nn.Sequential of {', '.join(_PLAIN)}",
        )
    return [(place, module)]


def _altered(module: Any) -> bool:
    if not isinstance(module, nn.Module):
        return True
    own = "forward" in vars(module) or type(module).__call__ is not nn.Module.__call__
    return own or bool(module._forward_hooks or module._forward_pre_hooks)


def _perceptron(module: Any, where: str, place: str) -> list[tuple[str, Any]]:
    """Return the layers of certdde's own networks, whose classes lie above this one."""
    if type(module).__name__ == "MLPField":
        if module.time:
            wanted = "a field without time"
            raise ProblemError("the network depends on time", where=where, wanted=wanted)
        return _perceptron(module.network, where, place)
    kinds = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "relu": nn.ReLU, "silu": nn.SiLU}
    if module.activation not in kinds:
        what = f"the activation {shown(module.activation)} is not read"
        raise ProblemError(what, where=where, wanted=f"one of {', '.join(kinds)}")
    found: list[tuple[str, Any]] = []
    for level, weight in enumerate(module.weights):
        found += [(place, kinds[module.activation]())] if level else []
        bias = None if module.biases is None else module.biases[level]
        found.append((place, _Layer(weight, bias)))
    return found


def _added(draft: Draft, value: int, leaf: Any, dtype: torch.dtype) -> int:
    """Add one module to the draft."""

    def rounded(number: float) -> float:
        return float(torch.tensor(number, dtype=dtype))

    if isinstance(leaf, (nn.Linear, _Layer)):
        bias = None if leaf.bias is None else _array(draft, leaf.bias)
        return draft.affine(value, _array(draft, leaf.weight), bias)
    if isinstance(leaf, _DROPOUT) and leaf.training and leaf.p > 0:
        raise draft.error("it drops units at random", "a module in evaluation mode: call .eval()")
    if isinstance(leaf, (*_STILL, *_DROPOUT)):
        return value
    if isinstance(leaf, nn.LeakyReLU):
        return draft.leaky(value, rounded(leaf.negative_slope))
    if isinstance(leaf, nn.Hardtanh):  # ReLU6 is one
        return draft.clipped(value, rounded(leaf.min_val), rounded(leaf.max_val))
    if isinstance(leaf, nn.SiLU):
        return draft.combined("product", value, draft.activated(value, "sigmoid"))
    return draft.activated(value, next(n for k, n in _ACTIVATIONS.items() if isinstance(leaf, k)))


def _array(draft: Draft, tensor: torch.Tensor) -> np.ndarray:
    if not tensor.is_floating_point():
        raise draft.error("the weights are no floats", "floating-point weights")
    array: np.ndarray = tensor.detach().to(device="cpu", dtype=torch.float64).numpy().copy()
    return array
