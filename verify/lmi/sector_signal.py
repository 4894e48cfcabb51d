"""Linear functions of columns as an algebra: what a loop's equations are evaluated on to find its units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from certdde.systems.torch_functions import apply_function


class NotAffineError(ValueError):
    """A function of more than one linear quantity."""


class Units(Protocol):
    """What makes a unit of a function of a signal."""

    def unit(self, name: str, signal: Signal) -> Signal:
        """Return function(signal) as a signal."""


@dataclass(frozen=True, slots=True)
class Signal:
    """start + a linear function of the columns of a table, which all are 0 at the origin."""

    row: dict[int, float]
    start: float
    table: Units

    def __add__(self, other: Signal | float) -> Signal:
        if not isinstance(other, Signal):
            return Signal(self.row, self.start + other, self.table)
        total = dict(self.row)
        combine(total, other.row, 1.0)
        return Signal(total, self.start + other.start, self.table)

    __radd__ = __add__

    def __mul__(self, other: Signal | float) -> Signal:
        if isinstance(other, Signal):
            raise NotAffineError
        return Signal({i: a * other for i, a in self.row.items()}, self.start * other, self.table)

    __rmul__ = __mul__

    def __truediv__(self, other: Signal | float) -> Signal:
        if isinstance(other, Signal):
            raise NotAffineError
        return self * (1 / other)

    def __rtruediv__(self, other: float) -> Signal:
        raise NotAffineError

    def __pow__(self, exponent: int) -> Signal:
        if exponent == 1:
            return self
        raise NotAffineError


def call(name: str, value: Signal | float) -> object:
    """Apply one of the grammar's functions; to a signal it makes a unit."""
    return (
        value.table.unit(name, value) if isinstance(value, Signal) else apply_function(name, value)
    )


def combine(total: dict[int, float], row: dict[int, float], factor: float) -> None:
    """Add a multiple of a row to another, in place."""
    for index, a in row.items():
        total[index] = total.get(index, 0.0) + factor * a
