"""Learned models as ONNX graphs: right-hand sides and steps, from x and the delayed x."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from certdde.models.mlp import MLP
from certdde.models.schemes import FixedScheme
from certdde.verify.export.graph import IR_VERSION, OPSET, Recorder, Symbol, onnx_package

OPERATIONS = {
    "tanh": "Tanh",
    "sin": "Sin",
    "atan": "Atan",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "relu": "Relu",
    "elu": "Elu",
}


def network_graph(network: MLP, delays: Sequence[str]) -> Any:
    """Return a network of x and the delayed x, in this order: the right-hand side of a delay equation.

    Raises
    ------
    MissingPackageError
        If onnx is not installed.
    """
    states = network.sizes[-1]

    def value(x: Symbol, past: Sequence[Symbol]) -> Symbol:
        biases = None if network.biases is None else list(network.biases)
        return layers(Symbol.join([x, *past]), list(network.weights), biases, network.activation)

    return graph_of(value, states, delays, "derivative")


def scheme_graph(scheme: FixedScheme, delay: str) -> Any:
    """Return the step of a scheme at one delay: x[t] and x[t - delay] to x[t+1]."""

    def value(x: Symbol, past: Sequence[Symbol]) -> Symbol:
        [y] = past
        tanh = y.affine(scheme.inner).call("tanh")
        ones = tanh.recorder.constant(np.ones(tanh.width))
        shifts = tanh.recorder.constant(scheme.shifts.numpy())
        below = tanh.recorder.node("Add", ones, tanh.recorder.node("Mul", shifts, tanh.name))
        unit = tanh / Symbol(below, tanh.width, tanh.recorder)
        return x - (y.affine(scheme.linear) + unit.affine(scheme.outer))

    return graph_of(value, scheme.states, [delay], "next")


def layers(
    z: Symbol, weights: Sequence[Tensor], biases: Sequence[Tensor] | None, activation: str
) -> Symbol:
    """Return W_L s(.. s(W_1 z + b_1) ..) + b_L."""
    for level, weight in enumerate(weights):
        z = _activated(z, activation) if level else z
        z = z.affine(weight, None if biases is None else biases[level])
    return z


def graph_of(
    value: Callable[[Symbol, Sequence[Symbol]], Symbol],
    states: int,
    delays: Sequence[str],
    output: str,
) -> Any:
    """Return the checked model of a function of ``x`` (batch, n) and ``x_<delay>``, all float64.

    Raises
    ------
    MissingPackageError
        If onnx is not installed.
    """
    onnx = onnx_package()
    record = Recorder(onnx, np.float64)
    names = ["x", *(f"x_{delay}" for delay in delays)]
    x, *past = (Symbol(name, states, record) for name in names)
    result = value(x, past)
    record.nodes.append(onnx.helper.make_node("Identity", [result.name], [output]))

    def information(name: str) -> Any:
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, ["batch", states])

    graph = onnx.helper.make_graph(
        record.nodes,
        "learned",
        [information(name) for name in names],
        [information(output)],
        record.constants,
    )
    opset = onnx.helper.make_opsetid("", OPSET)
    model = onnx.helper.make_model(graph, opset_imports=[opset], producer_name="certdde")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _activated(z: Symbol, activation: str) -> Symbol:
    record = z.recorder
    if activation == "silu":
        name = record.node("Mul", z.name, record.node("Sigmoid", z.name))
    else:
        name = record.node(OPERATIONS[activation], z.name)
    return Symbol(name, z.width, record)
