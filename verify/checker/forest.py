"""Partitions: a grid of roots, and trees in level order, decoded a level at a time (spec 4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from .document import Box
from .refusal import require

MAX_LEVEL = 2**22
OUTSIDE = 253
COLLAPSED = 254
STAR = 255

Leaves = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(slots=True)
class Codes:
    """The codes of a forest, consumed in order."""

    array: np.ndarray
    where: str
    at: int = 0

    def take(self, count: int) -> np.ndarray:
        """The next codes."""
        found = self.array[self.at : self.at + count]
        require(len(found) == count, self.where, "ends before the forest does")
        self.at += count
        return found

    def finish(self) -> None:
        """Refuse what is left over."""
        require(self.at == len(self.array), self.where, "has codes after the end of the forest")


def outward(box: Box, where: str) -> tuple[np.ndarray, np.ndarray]:
    """The smallest box of binary64 that holds a rational box."""
    lo, hi = np.array([float(a) for a, _ in box]), np.array([float(b) for _, b in box])
    for i, (a, b) in enumerate(box):
        if Fraction(lo[i]) > a:
            lo[i] = np.nextafter(lo[i], -np.inf)
        if Fraction(hi[i]) < b:
            hi[i] = np.nextafter(hi[i], np.inf)
    require(bool(np.isfinite(lo).all() and np.isfinite(hi).all()), where, "is too large")
    return lo, hi


def edges(lo: float, hi: float, count: int) -> np.ndarray:
    """The edges of one axis: lo, lo + (hi - lo) * (k / count), hi, strictly increasing."""
    found = lo + (hi - lo) * (np.arange(count + 1) / count)
    found[0], found[-1] = lo, hi
    require(bool((found[:-1] < found[1:]).all()), "grid", "is too fine for binary64")
    return found


def roots(axes: list[np.ndarray], first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells first..last-1 of the grid in C order: the cells of all axes together tile the box."""
    shape = tuple(len(axis) - 1 for axis in axes)
    index = np.unravel_index(np.arange(first, last), shape)
    lo = np.array([axis[i] for axis, i in zip(axes, index, strict=True)])
    return lo, np.array([axis[i + 1] for axis, i in zip(axes, index, strict=True)])


def forest(box: Box, grid: list[int], blocks: list[int], codes: Codes) -> Iterator[Leaves]:
    """All leaves of all blocks; every root belongs to exactly one block, every code is consumed."""
    good = len(grid) == len(box) and all(1 <= count <= 4096 for count in grid)
    require(good, "grid", "must be 1..4096 for each axis")
    require(all(size > 0 for size in blocks), "blocks", "must be positive")
    require(sum(blocks) == prod(grid), "blocks", "must add up to the number of roots")
    lo, hi = outward(box, "domain")
    axes = [edges(*ends) for ends in zip(lo.tolist(), hi.tolist(), grid, strict=True)]
    first = 0
    for size in blocks:
        require(size <= MAX_LEVEL, "blocks", "holds a block that is too large")
        yield from leaves(*roots(axes, first, first + size), codes)
        first += size
    codes.finish()


def leaves(lo: np.ndarray, hi: np.ndarray, codes: Codes) -> Iterator[Leaves]:
    """The leaves below these boxes (d, B). Lemma: the two halves of a box cover it."""
    while lo.shape[1]:
        require(lo.shape[1] <= MAX_LEVEL, codes.where, "has a level that is too large")
        code = codes.take(lo.shape[1])
        split = code < len(lo)
        require(bool((split | (code >= OUTSIDE)).all()), codes.where, "has an unknown code")
        yield lo[:, ~split], hi[:, ~split], code[~split]
        lo, hi = halves(lo[:, split], hi[:, split], code[split], codes.where)


def halves(
    lo: np.ndarray, hi: np.ndarray, axis: np.ndarray, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper half of each box in turn, cut in the middle of its axis."""
    box = np.arange(lo.shape[1])
    a, b = lo[axis, box], hi[axis, box]
    middle = 0.5 * (a + b)
    require(bool(((a < middle) & (middle < b)).all()), where, "splits a box that is too small")
    low, high = np.repeat(lo, 2, axis=1), np.repeat(hi, 2, axis=1)
    high[axis, 2 * box] = middle
    low[axis, 2 * box + 1] = middle
    return low, high
