"""The leaves of a forest, decoded anew from its codes (docs/certificate-format.md, section 4)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

OUTSIDE, LEAF, STAR = 253, 254, 255
MOST_CELLS, MOST_BOXES = 4096, 2**22  # of an axis; of a level of a block
Box = Sequence[tuple[Fraction, Fraction]]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A box, by its ends, and its code."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    code: int


def outward(box: Box) -> tuple[list[float], list[float]]:
    """Return the smallest box of binary64 around a rational one."""
    lower = [float(a) for a, _ in box]
    upper = [float(b) for _, b in box]
    for i, (a, b) in enumerate(box):
        if Fraction(lower[i]) > a:
            lower[i] = math.nextafter(lower[i], -math.inf)
        if Fraction(upper[i]) < b:
            upper[i] = math.nextafter(upper[i], math.inf)
    return lower, upper


def count(codes: np.ndarray) -> int:
    """Return the number of leaves."""
    return int((codes >= OUTSIDE).sum())


def chosen(
    box: Box, grid: Sequence[int], blocks: Sequence[int], codes: np.ndarray, wanted: Sequence[int]
) -> Iterator[Leaf]:
    """Yield the leaves with the numbers ``wanted`` (increasing), in the order in which the format lists them.

    Raises
    ------
    ValueError
        If the codes are not those of a forest over these roots.
    """
    if not all(1 <= cells <= MOST_CELLS for cells in grid) or max(blocks) > MOST_BOXES:
        raise ValueError("the grid or a block is too large")
    edges = [_edges(a, b, g) for a, b, g in zip(*outward(box), grid, strict=True)]
    if sum(blocks) != math.prod(grid):
        raise ValueError("the blocks do not add up to the grid")
    position = passed = first = 0
    numbers = np.asarray(wanted, dtype=np.int64)
    for size in blocks:
        lower, upper = _roots(edges, first, first + size)
        first += size
        while len(lower):
            if len(lower) > MOST_BOXES:
                raise ValueError("a level of a block is too large")
            code = codes[position : position + len(lower)]
            position += len(code)
            leaf = code >= OUTSIDE
            if len(code) < len(lower) or not (leaf | (code < len(grid))).all():
                raise ValueError("the codes are not those of a forest")
            low, high = np.searchsorted(numbers, [passed, passed + int(leaf.sum())])
            for k in np.flatnonzero(leaf)[numbers[low:high] - passed]:
                yield Leaf(tuple(lower[k].tolist()), tuple(upper[k].tolist()), int(code[k]))
            passed += int(leaf.sum())
            lower, upper = _halves(lower[~leaf], upper[~leaf], code[~leaf].astype(np.int64))
    if position != len(codes):
        raise ValueError("codes are left over")


def _edges(low: float, high: float, cells: int) -> list[float]:
    inner = [low + (high - low) * (k / cells) for k in range(1, cells)]
    return [low, *inner, high]


def _roots(
    edges: Sequence[Sequence[float]], first: int, last: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the root cells first .. last - 1, the last axis fastest, ends (k, d)."""
    index, rest = [], np.arange(first, last)
    for axis in reversed(edges):
        index.append(rest % (len(axis) - 1))
        rest = rest // (len(axis) - 1)
    pairs = list(zip(edges, reversed(index), strict=True))
    lower = np.stack([np.asarray(axis)[i] for axis, i in pairs], axis=1)
    return lower, np.stack([np.asarray(axis)[i + 1] for axis, i in pairs], axis=1)


def _halves(
    lower: np.ndarray, upper: np.ndarray, axis: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both halves of each box, the lower one first."""
    rows = np.arange(len(lower))
    middle = 0.5 * (lower[rows, axis] + upper[rows, axis])
    if not ((lower[rows, axis] < middle) & (middle < upper[rows, axis])).all():
        raise ValueError("a box is too small to split")
    low, high = lower.repeat(2, axis=0), upper.repeat(2, axis=0)
    high[2 * rows, axis] = middle
    low[2 * rows + 1, axis] = middle
    return low, high
