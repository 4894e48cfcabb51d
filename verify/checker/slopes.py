"""Slopes from the equilibrium, over batches of boxes: h(xi) = h(0) + S(xi) xi (spec 7)."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from ival import Interval

from .functions import Function, bounded, find, nonzero, only
from .rounding import dot
from .taylor import Maybe, concatenated, cut, plus, times


@dataclass(frozen=True, slots=True)
class Slope:
    """`zero` holds h(0); `box` and `hull` the ranges over B and over the hull of B and 0.

    cols[k] encloses the slope on xi_k for xi in B; `where` holds B itself. In a frame T, xi = T eta,
    cols[k] encloses the slope on eta_k, and `where` says nothing.
    """

    zero: Interval
    box: Interval
    hull: Interval
    cols: tuple[Maybe, ...]
    where: tuple[Maybe, ...]

    def sharpened(self) -> "Slope":
        """The range over B cut with h(0) + S B, which contains it too."""
        reach = reduce(plus, map(times, self.cols, self.where), None)
        if reach is None:
            return self
        box = self.box & (self.zero + reach)
        return Slope(self.zero, box, self.hull, self.cols, self.where)

    def __add__(self, other: "Slope") -> "Slope":
        cols = tuple(map(plus, self.cols, other.cols))
        box, hull = self.box + other.box, self.hull + other.hull
        return Slope(self.zero + other.zero, box, hull, cols, self.where).sharpened()

    def __neg__(self) -> "Slope":
        cols = tuple(None if a is None else -a for a in self.cols)
        return Slope(-self.zero, -self.box, -self.hull, cols, self.where)

    def __mul__(self, other: "Slope") -> "Slope":
        """By pq - p_0 q_0 = (p_0 + p)/2 (q - q_0) + (q_0 + q)/2 (p - p_0)."""
        p, q = (self.zero + self.box) * 0.5, (other.zero + other.box) * 0.5
        cols = tuple(
            plus(times(p, b), times(q, a)) for a, b in zip(self.cols, other.cols, strict=True)
        )
        zero, box, hull = self.zero * other.zero, self.box * other.box, self.hull * other.hull
        return Slope(zero, box, hull, cols, self.where).sharpened()

    def apply(self, name: str, exponent: int = 0) -> "Slope":
        """(phi(z) - phi(z_0)) / (z - z_0): Taylor's theorem at z_0, the mean value theorem, and `to_middle`."""
        if name == "relu":
            return self.relu()
        phi = find(name, exponent)
        hull = only(self.hull, phi.smooth(self.hull))
        zero, first = phi.jet(only(self.zero, phi.smooth(hull)))
        whole, mean = phi.jet(hull)
        bend = phi.second(hull) * 0.5
        s = (first + bend * (self.box - self.zero)) & mean & self.to_middle(phi, bend)
        cols = tuple(times(s, a) for a in self.cols)
        box = phi.jet(self.box)[0] & whole
        return Slope(zero, box, whole, cols, self.where).sharpened()

    def to_middle(self, phi: Function, bend: Interval) -> Interval:
        """Lemma: s(z) = int_0^1 phi'(z_0 + t (z - z_0)) dt is in s(c) + phi''(hull)/2 (z - c), c the middle of the box.

        For s'(z) = int t phi''(z_0 + t (z - z_0)) dt, and int t dt = 1/2. `bend` holds phi''(hull)/2. It
        says nothing where c is in the enclosure of z_0.
        """
        c = Interval((self.box & self.hull).mid)
        gap = c - self.zero
        usable = nonzero(gap)
        rise = phi.jet(c)[0] - phi.jet(self.zero)[0]
        s = rise / only(gap, usable) + bend * (self.box - c)
        return Interval(np.where(usable, s.lo, -np.inf), np.where(usable, s.hi, np.inf))

    def relu(self) -> "Slope":
        """max(0, .) is convex: its slope from z_0 to z grows with both, so it lies between those of the ends."""
        usable = bounded(self.hull) & bounded(self.zero) & bounded(self.box)
        low = chord(self.zero.lo, self.box.lo, 1.0).lo
        high = chord(self.zero.hi, self.box.hi, 0.0).hi
        s = only(Interval(np.minimum(low, high), np.maximum(low, high)), usable)
        zero, box, hull = (
            Interval(np.maximum(x.lo, 0.0), np.maximum(x.hi, 0.0))
            for x in (self.zero, self.box, self.hull)
        )
        cols = tuple(times(s, a) for a in self.cols)
        return Slope(zero, only(box, usable), hull, cols, self.where).sharpened()

    def like(self, value: Interval) -> "Slope":
        """A constant on the same boxes."""
        return constant(value, self.where)

    def rows(self, start: int, stop: int) -> "Slope":
        """Some rows of a column (i, B)."""
        zero, box, hull = (x[start:stop] for x in (self.zero, self.box, self.hull))
        cols = tuple(cut(a, start, stop) for a in self.cols)
        return Slope(zero, box, hull, cols, self.where)

    def dot(self, a: np.ndarray) -> "Slope":
        """A times a column of quantities (i, B)."""
        cols = tuple(None if b is None else dot(a, b) for b in self.cols)
        zero, box, hull = (dot(a, x) for x in (self.zero, self.box, self.hull))
        return Slope(zero, box, hull, cols, self.where).sharpened()


def chord(a: np.ndarray, b: np.ndarray, at_zero: float) -> Interval:
    """The slope of max(0, .) from a to b; `at_zero` where both are 0, for any number will do there."""
    top, bottom = np.maximum(np.maximum(a, b), 0.0), np.minimum(np.minimum(a, b), 0.0)
    mixed = Interval(top) / (Interval(top) + Interval(-bottom))
    one_sided = np.where(bottom == 0, np.where(top == 0, at_zero, 1.0), 0.0)
    both = (top > 0) & (bottom < 0)
    low, high = (np.where(both, x, one_sided) for x in (mixed.lo, mixed.hi))
    return Interval(low, high)


def constant(value: Interval, where: tuple[Maybe, ...]) -> Slope:
    """A quantity that does not depend on the box."""
    return Slope(value, value, value, (None,) * len(where), where)


def variables(lo: np.ndarray, hi: np.ndarray, frame: np.ndarray | None = None) -> list[Slope]:
    """The coordinates of boxes (d, B), each as a row (1, B), in a frame if there is one."""
    sides = tuple(Interval(a[None], b[None]) for a, b in zip(lo, hi, strict=True))
    where: tuple[Maybe, ...] = sides if frame is None else (None,) * len(sides)
    ones = np.ones((1, lo.shape[1]))
    rows = np.eye(len(lo)) if frame is None else frame
    cols = [[Interval(t * ones) if t else None for t in row] for row in rows.tolist()]
    zero = Interval(0.0 * ones)
    return [Slope(zero, x, x | zero, tuple(row), where) for x, row in zip(sides, cols, strict=True)]


def stack(rows: list[Slope]) -> Slope:
    """Blocks (i, B) as one column; an exact zero stays one."""
    width, sizes = rows[0].box.shape[1], [row.box.shape[0] for row in rows]

    def joined(parts: list[Maybe]) -> Maybe:
        return None if parts.count(None) == len(parts) else concatenated(parts, sizes, width)

    cols = tuple(joined(list(column)) for column in zip(*(row.cols for row in rows), strict=True))
    zero, box, hull = (
        concatenated([getattr(row, name) for row in rows], sizes, width)
        for name in ("zero", "box", "hull")
    )
    return Slope(zero, box, hull, cols, rows[0].where)
