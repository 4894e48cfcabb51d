"""Networks and features v(xi) in balls (docs/certificate-format.md, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from flint import arb

from certdde.verify.checker.document import NetworkSpec
from certdde.verify.checker.syntax import evaluate
from certdde.verify.checker.system import System

from .balls import ball
from .forms import Balls, Form, Slope, dot

Quantity = TypeVar("Quantity", Form, Slope)
Rows = list[list[arb]]


@dataclass(frozen=True, slots=True)
class Network:
    """psi = weights[-1] tanh(.. tanh(weights[0] x + biases[0]) ..), p = psi - psi(0)."""

    inputs: tuple[int, ...]
    weights: tuple[Rows, ...]
    biases: tuple[list[arb], ...]

    def hidden(self, column: Sequence[Quantity]) -> list[list[Quantity]]:
        """Return the values of the hidden layers."""
        layers, kind = [], type(column[0])
        for weight, bias in zip(self.weights[:-1], self.biases, strict=True):
            shift = [column[0].constant(b) for b in bias]
            rows = [kind.combine(row, column) for row in weight]
            column = [(z + b).apply("tanh") for z, b in zip(rows, shift, strict=True)]
            layers.append(column)
        return layers

    def displacement(self, last: Sequence[Form]) -> list[Form]:
        """Return p from the last hidden layer."""
        rest = [arb(0) for _ in self.inputs]
        for weight, bias in zip(self.weights[:-1], self.biases, strict=True):
            rest = [(dot(row, rest) + b).tanh() for row, b in zip(weight, bias, strict=True)]
        return [
            Form.combine(row, last) + last[0].constant(-dot(row, rest)) for row in self.weights[-1]
        ]

    def pullback(self, column: Sequence[Form]) -> list[Form]:
        """Return q = J^T p, backwards through the layers."""
        layers = self.hidden(column)
        back, one = self.displacement(layers[-1]), column[0].constant(arb(1))
        for weight, layer in zip(self.weights[:0:-1], layers[::-1], strict=True):
            back = _transposed(weight, back)
            back = [(one + -h.apply("pow", 2)) * b for h, b in zip(layer, back, strict=True)]
        return _transposed(self.weights[0], back)

    def slopes(self, column: Sequence[Slope], *, pulled: bool) -> list[Balls]:
        """Return the slope rows of p, or of q = J^T p: those of p times J over the box."""
        layers = self.hidden(column)
        rows = [Slope.combine(row, layers[-1]).cols for row in self.weights[-1]]
        if not pulled:
            return rows
        for weight, layer in zip(self.weights[:0:-1], layers[::-1], strict=True):
            rates = [1 - h.apply("pow", 2).box for h in layer]
            sums = _transposed_rows(weight, rows)
            rows = [tuple(rate * s for s in row) for rate, row in zip(rates, sums, strict=True)]
        return _transposed_rows(self.weights[0], rows)


def _transposed(weight: Rows, column: Sequence[Form]) -> list[Form]:
    return [Form.combine(row, column) for row in zip(*weight, strict=True)]


def _transposed_rows(weight: Rows, rows: Sequence[Balls]) -> list[Balls]:
    columns = list(zip(*rows, strict=True))
    return [tuple(dot(w, column) for column in columns) for w in zip(*weight, strict=True)]


def read_network(name: str, spec: NetworkSpec, tensors: dict[str, np.ndarray]) -> Network:
    """Return a network of the file."""
    weights = [tensors[f"{name}.weight{l}"].tolist() for l in range(spec.layers)]
    biases = [tensors[f"{name}.bias{l}"].tolist() for l in range(spec.layers - 1)]
    return Network(
        spec.inputs,
        tuple([[arb(w) for w in row] for row in weight] for weight in weights),
        tuple([arb(b) for b in bias] for bias in biases),
    )


@dataclass(frozen=True, slots=True)
class Features:
    """v = (xi, rests of f that do not vanish, q over the inputs of V0, p_W(x), p_W(y))."""

    system: System
    v0: Network | None
    w: Network | None

    @property
    def moments(self) -> tuple[int, ...]:
        """The moments that V0 reads, at the end of xi."""
        inputs = self.v0.inputs if self.v0 else ()
        return tuple(sorted(i for i in inputs if i >= self.system.n))

    def _read(self, xi: list[Quantity]) -> dict[int, Quantity]:
        count = len(self.system.xi)
        states = {i: q for i, q in zip(self.system.xi, xi, strict=False) if i < self.system.n}
        return states | dict(zip(self.moments, xi[count:], strict=True))

    def forms(self, lower: Sequence[float], upper: Sequence[float]) -> list[Form]:
        """Return v on a box as Taylor forms."""
        xi = Form.variables(lower, upper)
        at, read = dict(zip(self.system.xi, xi, strict=False)), self._read(xi)
        found = [*xi, *self._rests(at)]
        if self.v0 is not None:
            found += self.v0.pullback([read[i] for i in self.v0.inputs])
        if self.w is not None:
            for shift in (0, self.system.n):
                layers = self.w.hidden([at[i + shift] for i in self.w.inputs])
                found += self.w.displacement(layers[-1])
        return found

    def slopes(self, lower: Sequence[float], upper: Sequence[float]) -> list[Balls]:
        """Return Sl with v(xi) = Sl xi on a box, row by row."""
        xi = Slope.variables(lower, upper)
        at, read = dict(zip(self.system.xi, xi, strict=False)), self._read(xi)
        found = [q.cols for q in [*xi, *self._rests(at)]]
        if self.v0 is not None:
            found += self.v0.slopes([read[i] for i in self.v0.inputs], pulled=True)
        if self.w is not None:
            for shift in (0, self.system.n):
                found += self.w.slopes([at[i + shift] for i in self.w.inputs], pulled=False)
        return found

    def _rests(self, at: dict[int, Quantity]) -> list[Quantity]:
        first = next(iter(at.values()))
        return [
            evaluate(rest, at.__getitem__, lambda v: first.constant(ball(v)))
            for rest in self.system.rest
            if rest is not None
        ]


def core_forms(
    v0: Network | None,
    order: Sequence[int],
    axis: int,
    end: arb,
    lower: Sequence[float],
    upper: Sequence[float],
) -> list[Form]:
    """Return (u, p_V0(u)) on a box of the face where x_axis = end; ``order`` are the indices of u's entries."""
    x = Form.variables(lower, upper)
    fixed = x[0].constant(end) if x else Form(end, (), arb(0), ())
    x.insert(axis, fixed)
    if v0 is None:
        return x
    return [*x, *v0.displacement(v0.hidden([x[order.index(i)] for i in v0.inputs])[-1])]
