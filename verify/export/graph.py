"""An inequality as an ONNX graph: xi in, the values d_j(xi) out, with V and the dynamics inside.

The graph is recorded by a value of the enclosure protocol (certdde/functionals/algebra.py): the same code
that evaluates the features on tensors and on boxes writes the nodes down. Only plain operations occur:
MatMul, Add, Sub, Mul, Div, Concat, Tanh, Sin, Cos, Exp, Log, Sqrt, Sigmoid, Atan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from certdde.errors import MissingPackageError
from certdde.inequalities.inequality import Inequality

OPSET, IR_VERSION = 17, 9
TYPES = {"float64": np.float64, "float32": np.float32}
_FUNCTIONS = {
    "tanh": "Tanh",
    "sin": "Sin",
    "cos": "Cos",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "sigmoid": "Sigmoid",
    "atan": "Atan",
}


def onnx_package() -> Any:
    """Return the package onnx.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise MissingPackageError(
            f"onnx cannot be imported ({error})",
            where="export",
            wanted="uv sync --extra export, or pip install onnx",
        ) from None
    return onnx


@dataclass(slots=True)
class Recorder:
    """The nodes and constants of a graph under construction, all of one type."""

    onnx: Any
    dtype: Any
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def node(self, operation: str, *inputs: str, **attributes: int) -> str:
        """Add a node; return the name of its output."""
        name = f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operation, inputs, [name], **attributes))
        return name

    def constant(self, value: Any) -> str:
        """Add a constant; return its name."""
        name = f"constant_{len(self.constants)}"
        array = np.asarray(value, dtype=self.dtype)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name


@dataclass(frozen=True, slots=True)
class Symbol:
    """A vector of ``width`` components in the graph, (batch, width) when it runs."""

    name: str
    width: int
    recorder: Recorder

    def _new(self, name: str, width: int | None = None) -> Symbol:
        return Symbol(name, self.width if width is None else width, self.recorder)

    def affine(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Symbol:
        """Return weight @ self + bias."""
        record = self.recorder
        name = record.node("MatMul", self.name, record.constant(weight.detach().numpy().T))
        if bias is not None:
            name = record.node("Add", name, record.constant(bias.detach().numpy()))
        return self._new(name, weight.shape[0])

    def columns(self, index: Sequence[int]) -> Symbol:
        """Return some components, by a matrix of zeros and ones."""
        if list(index) == list(range(self.width)):
            return self
        return self.affine(torch.eye(self.width, dtype=torch.float64)[list(index)])

    def column(self, index: int) -> Symbol:
        """Return one component, as a vector of one."""
        return self.columns([index])

    @staticmethod
    def join(pieces: Sequence[Symbol]) -> Symbol:
        """Return the vector of all components."""
        if len(pieces) == 1:
            return pieces[0]
        name = pieces[0].recorder.node("Concat", *(p.name for p in pieces), axis=1)
        return pieces[0]._new(name, sum(p.width for p in pieces))

    def weighted(self, factor: Symbol) -> Symbol:
        """Return factor * self."""
        return factor * self

    def call(self, name: str) -> Symbol:
        """Return a named function of each component; tan and softplus by functions that more programs know."""
        if name == "tan":
            return self.call("sin") / self.call("cos")
        if name == "softplus":
            return (1.0 + self.call("exp")).call("log")
        return self._new(self.recorder.node(_FUNCTIONS[name], self.name))

    def _binary(self, operation: str, left: Symbol | float, right: Symbol | float) -> Symbol:
        names = [
            v.name if isinstance(v, Symbol) else self.recorder.constant([v]) for v in (left, right)
        ]
        return self._new(self.recorder.node(operation, *names))

    def __add__(self, other: Symbol | float) -> Symbol:
        return self._binary("Add", self, other)

    __radd__ = __add__

    def __neg__(self) -> Symbol:
        return self * -1.0

    def __sub__(self, other: Symbol | float) -> Symbol:
        return self._binary("Sub", self, other)

    def __rsub__(self, other: float) -> Symbol:
        return self._binary("Sub", other, self)

    def __mul__(self, other: Symbol | float) -> Symbol:
        return self._binary("Mul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Symbol | float) -> Symbol:
        return self._binary("Div", self, other)

    def __rtruediv__(self, other: float) -> Symbol:
        return self._binary("Div", other, self)

    def __pow__(self, exponent: int) -> Symbol:
        if exponent < 0:
            return 1.0 / self**-exponent
        if exponent == 0:
            return self * 0.0 + 1.0
        half = self ** (exponent // 2) if exponent > 1 else None
        if half is None:
            return self
        return half * half * self if exponent % 2 else half * half


def graph_of(inequality: Inequality, dtype: str) -> Any:
    """Return the ONNX model of an inequality.

    Parameters
    ----------
    inequality : Inequality
        offset + v^T H_j v < 0.
    dtype : str
        ``float64`` or ``float32``.

    Returns
    -------
    onnx.ModelProto
        Input ``X`` (batch, d), output ``Y`` (batch, E), Y_j = offset + v(X)^T H_j v(X).

    Raises
    ------
    MissingPackageError
        If onnx is not installed.
    """
    onnx = onnx_package()
    record = Recorder(onnx, TYPES[dtype])
    x = Symbol("X", inequality.dimension, record)
    v = inequality.features(x)
    ones = torch.ones(1, v.width, dtype=torch.float64)
    rows = [(v.affine(form) * v).affine(ones) for form in inequality.forms]
    result = Symbol.join(rows) + inequality.offset
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(TYPES[dtype]))
    record.nodes.append(onnx.helper.make_node("Identity", [result.name], ["Y"]))
    graph = onnx.helper.make_graph(
        record.nodes,
        "decrease",
        [onnx.helper.make_tensor_value_info("X", kind, ["batch", x.width])],
        [onnx.helper.make_tensor_value_info("Y", kind, ["batch", result.width])],
        record.constants,
    )
    opset = onnx.helper.make_opsetid("", OPSET)
    model = onnx.helper.make_model(graph, opset_imports=[opset], producer_name="certdde")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model
