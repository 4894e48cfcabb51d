"""Networks and features v(xi) in balls (docs/certificate-format.md, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from flint import arb

from certdde.verify.checker.document import NetworkSpec
from certdde.verify.checker.system import System
from certdde.verify.checker.tree import evaluate

from .balls import ball, find
from .forms import Balls, Form, Frame, Slope, dot

Quantity = TypeVar("Quantity", Form, Slope)
Rows = list[list[arb]]
Layer = tuple[list[Quantity], list[Quantity]]


# Activations as functions of balls.py, with an exponent.
PHI = {"tanh": ("tanh", 0), "sin": ("sin", 0), "square": ("pow", 2), "softplus": ("softplus", 0)}


@dataclass(frozen=True, slots=True)
class Network:
    """psi = weights[-1] phi(.. phi(weights[0] x + biases[0]) ..), p = psi - psi(0); ``phis``: of each unit."""

    inputs: tuple[int, ...]
    weights: tuple[Rows, ...]
    biases: tuple[list[arb], ...]
    phis: tuple[list[str], ...]

    def hidden(self, column: Sequence[Quantity]) -> list[Layer]:
        """Return what enters and what leaves the units of the hidden layers."""
        layers, kind = [], type(column[0])
        for weight, bias, phi in self._levels():
            shift = [column[0].constant(b) for b in bias]
            rows = [kind.combine(row, column) for row in weight]
            entering = [z + b for z, b in zip(rows, shift, strict=True)]
            column = [z.apply(*PHI[f]) for z, f in zip(entering, phi, strict=True)]
            layers.append((entering, column))
        return layers

    def displacement(self, last: Sequence[Form]) -> list[Form]:
        """Return p from the last hidden layer."""
        rest = [arb(0) for _ in self.inputs]
        for weight, bias, phi in self._levels():
            sums = [dot(row, rest) + b for row, b in zip(weight, bias, strict=True)]
            rest = [find(*PHI[f]).value(z) for z, f in zip(sums, phi, strict=True)]
        return [
            Form.combine(row, last) + last[0].constant(-dot(row, rest)) for row in self.weights[-1]
        ]

    def pullback(self, column: Sequence[Form]) -> list[Form]:
        """Return q = J^T p, backwards through the layers."""
        layers = self.hidden(column)
        back = self.displacement(layers[-1][1])
        for weight, layer, phi in zip(
            self.weights[:0:-1], layers[::-1], self.phis[::-1], strict=True
        ):
            back = _transposed(weight, back)
            back = [_rate(*u) * b for u, b in zip(zip(phi, *layer, strict=True), back, strict=True)]
        return _transposed(self.weights[0], back)

    def slopes(self, column: Sequence[Slope], *, pulled: bool) -> list[Balls]:
        """Return the slope rows of p, or of q = J^T p: those of p times J over the box."""
        layers = self.hidden(column)
        rows = [Slope.combine(row, layers[-1][1]).cols for row in self.weights[-1]]
        if not pulled:
            return rows
        for weight, layer, phi in zip(
            self.weights[:0:-1], layers[::-1], self.phis[::-1], strict=True
        ):
            rates = [find(*PHI[f]).first(z.box) for f, z in zip(phi, layer[0], strict=True)]
            sums = _transposed_rows(weight, rows)
            rows = [tuple(rate * s for s in row) for rate, row in zip(rates, sums, strict=True)]
        return _transposed_rows(self.weights[0], rows)

    def _levels(self) -> Iterator[tuple[Rows, list[arb], list[str]]]:
        return zip(self.weights[:-1], self.biases, self.phis, strict=True)


def _rate(phi: str, z: Form, h: Form) -> Form:
    """Return the derivative of an activation at z, for h = phi(z)."""
    if phi == "tanh":
        return z.constant(arb(1)) + -h.apply("pow", 2)
    if phi == "square":
        return z + z
    return z.apply("cos" if phi == "sin" else "sigmoid")


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
        tuple(_names(spec, l, len(bias)) for l, bias in enumerate(biases)),
    )


def _names(spec: NetworkSpec, layer: int, width: int) -> list[str]:
    """Return the activation of each unit of a hidden layer."""
    if isinstance(spec.activation, str):
        return [spec.activation] * width
    return [name for name, count in spec.activation[layer] for _ in range(count)]


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

    @property
    def size(self) -> int:
        """How many axes are entries of xi; those after them are unknown constants."""
        return len(self.system.xi) + len(self.moments)

    def _read(self, xi: list[Quantity]) -> dict[int, Quantity]:
        count = len(self.system.xi)
        states = {i: q for i, q in zip(self.system.xi, xi, strict=False) if i < self.system.n}
        return states | dict(zip(self.moments, xi[count : self.size], strict=True))

    def _at(self, xi: list[Quantity]) -> dict[int, Quantity]:
        states = dict(zip(self.system.xi, xi, strict=False))
        return states | dict(zip(self.system.constants, xi[self.size :], strict=True))

    def forms(self, lower: Sequence[float], upper: Sequence[float]) -> list[Form]:
        """Return v on a box as Taylor forms."""
        xi = Form.variables(lower, upper)
        at, read = self._at(xi), self._read(xi)
        found = [*xi[: self.size], *self._rests(at)]
        if self.v0 is not None:
            found += self.v0.pullback([read[i] for i in self.v0.inputs])
        if self.w is not None:
            for shift in (0, self.system.n):
                layers = self.w.hidden([at[i + shift] for i in self.w.inputs])
                found += self.w.displacement(layers[-1][1])
        return found

    def slopes(
        self, lower: Sequence[float], upper: Sequence[float], frame: Frame | None = None
    ) -> list[Balls]:
        """Return Sl with v(xi) = Sl xi on a box, row by row; in a frame, v(xi) = Sl eta where xi = frame eta."""
        d = self.size
        xi = Slope.variables(lower[:d], upper[:d], frame)
        rows = [q.cols for q in xi]
        spans = zip(lower[d:], upper[d:], strict=True)
        xi += [xi[0].constant(arb(a).union(arb(b))) for a, b in spans]
        at, read = self._at(xi), self._read(xi)
        found = [*rows, *(q.cols for q in self._rests(at))]
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
    return with_displacement(v0, order, x)


def with_displacement(v0: Network | None, order: Sequence[int], u: list[Form]) -> list[Form]:
    """Return (u, p_V0(u))."""
    if v0 is None:
        return u
    return [*u, *v0.displacement(v0.hidden([u[order.index(i)] for i in v0.inputs])[-1][1])]
