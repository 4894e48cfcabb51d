"""The features v(xi) in which the dissipation is quadratic: v = (xi, n(xi), q(x), p_W(x), p_W(y))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from certdde.functionals import Functional
from certdde.functionals.algebra import column, columns, concatenate
from certdde.systems.delay_system import DelaySystem
from certdde.systems.expressions import ZERO, Variable, evaluate
from certdde.systems.structure import Structure, structure
from certdde.systems.torch_functions import apply_function


@dataclass(frozen=True, slots=True)
class Features:
    """v(xi) for one system and functional; call it on a tensor (..., d) or an enclosure of xi.

    Attributes
    ----------
    functional : Functional
    structure : Structure
    moments : tuple of int
        The moments that V0 reads, as in ``Network.inputs``; they stand at the end of xi.
    v0_present, w_present, w_delayed : tuple of int
        For V0's inputs resp. W's inputs, their positions in xi (W has both a present and a delayed position).
    """

    functional: Functional
    structure: Structure
    moments: tuple[int, ...]
    v0_present: tuple[int, ...]
    w_present: tuple[int, ...]
    w_delayed: tuple[int, ...]

    @classmethod
    def of(cls, system: DelaySystem, functional: Functional) -> Features:
        """Build the features of D for a system with one delay and a functional."""
        v0, w = functional.inputs()
        n, moments = system.dimension, functional.moments()
        now_read = sorted({*w, *(i for i in v0 if i < n)})
        parts = structure(system, present=now_read, delayed=sorted(w))
        place = {variable: i for i, variable in enumerate(parts.nonlinear)}
        delay = system.delay()
        now = {i: place.get(Variable(s)) for i, s in enumerate(system.states)}
        now |= {index: len(place) + k for k, index in enumerate(moments)}
        past = {i: place.get(Variable(s, delay)) for i, s in enumerate(system.states)}
        return cls(
            functional,
            parts,
            moments,
            tuple(now[i] for i in v0),
            tuple(now[i] for i in w),
            tuple(past[i] for i in w),
        )  # type: ignore[misc]

    @property
    def dimension(self) -> int:
        """Number d of nonlinear variables, without the constants known in intervals, which stand after them."""
        return len(self.structure.nonlinear) + len(self.moments)

    @property
    def names(self) -> tuple[str, ...]:
        """The nonlinear variables, and the constants known in intervals."""
        n = len(self.structure.states)
        read = (f"moment{i // n - 1}({self.structure.states[i % n]})" for i in self.moments)
        constants = map(str, self.structure.constants)
        return (*(str(v) for v in self.structure.nonlinear), *read, *constants)

    @property
    def remainder_rows(self) -> tuple[int, ...]:
        """The states whose equation has a nonlinear remainder."""
        return tuple(i for i, e in enumerate(self.structure.remainders) if e != ZERO)

    def sizes(self) -> tuple[int, int, int, int]:
        """Return the numbers of components of n, q, p_W(x), p_W(y)."""
        w = self.functional.W.outputs if self.functional.W else 0
        return len(self.remainder_rows), len(self.v0_present), w, w

    @property
    def size(self) -> int:
        """Number m of features."""
        return self.dimension + sum(self.sizes())

    def __call__(self, xi: Any) -> Any:
        """Return v(xi)."""
        values = {variable: column(xi, i) for i, variable in enumerate(self.structure.nonlinear)}
        for k, variable in enumerate(self.structure.constants, self.dimension):
            values[variable] = column(xi, k)
        if self.structure.constants:
            xi = columns(xi, range(self.dimension))
        scalars = [
            evaluate(self.structure.remainders[i], values, _call) for i in self.remainder_rows
        ]
        parts = [xi, *self._networks(xi)]
        order = [
            ("vector", 0),
            *(("scalar", i) for i in range(len(scalars))),
            *(("vector", i) for i in range(1, len(parts))),
        ]
        return concatenate(parts, scalars, order)

    def _networks(self, xi: Any) -> list[Any]:
        parts, functional = [], self.functional
        if functional.V0 is not None:
            parts.append(functional.V0.pullback(columns(xi, self.v0_present))[1])
        if functional.W is not None:
            parts += [
                functional.W.displacement(columns(xi, places))
                for places in (self.w_present, self.w_delayed)
            ]
        return parts


def _call(name: str, value: Any) -> Any:
    if isinstance(value, (torch.Tensor, float)):
        return apply_function(name, value)
    return value.call(name)
