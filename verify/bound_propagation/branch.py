"""Branch and bound: decide an Inequality by splitting its box (docs/math.md, section 3)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from certdde.inequalities.inequality import Inequality
from certdde.verify.answers import Answer, Proved, Refuted, Unknown
from certdde.verify.bound_propagation.forest import (
    COLLAPSED,
    OUTSIDE,
    STAR,
    Forest,
    bisect,
    root_cells,
)
from certdde.verify.bound_propagation.lagrange import at_the_centre, largest_rise
from certdde.verify.bound_propagation.star import Star
from certdde.verify.bound_propagation.taylor import Taylor, quadratic_upper_bound

Encloser = Callable[[Inequality, torch.Tensor, torch.Tensor], Taylor]


@dataclass(frozen=True, slots=True)
class Settings:
    """How branch and bound runs.

    Attributes
    ----------
    grid : int
        Roots per axis for up to four variables; half as many for five, two beyond.
    chunk : int
        Boxes bounded at once.
    max_boxes : int
        Boxes bounded in all before it gives up.
    max_level : int
        Open boxes held at once: the bound on memory.
    deadline : float
        ``time.monotonic`` value at which it gives up.
    counterexamples : int
        How many points with a non-negative value end the search.
    slack : float
        Relative to the size of the terms of v^T H v: bounds must be below minus this, so that
        outward rounding does not undo them.
    multipliers : bool
        Whether boxes on which the bound term by term fails are tried with multipliers.
    """

    grid: int = 8
    chunk: int = 8192
    max_boxes: int = 20_000_000
    max_level: int = 4_000_000
    deadline: float = float("inf")
    counterexamples: int = 1
    slack: float = 1e-9
    multipliers: bool = True

    def roots(self, count: int) -> int:
        """Return the roots per axis for so many variables: a grid grows with their number as a power."""
        if count <= 4:
            return self.grid
        return max(1, self.grid // 2) if count == 5 else min(2, self.grid)


def by_intervals(inequality: Inequality, lower: torch.Tensor, upper: torch.Tensor) -> Taylor:
    """Enclose the features by Taylor forms."""
    return inequality.features(Taylor.identity(lower, upper))


@dataclass(slots=True)
class _Search:
    """The state of one run."""

    inequality: Inequality
    settings: Settings
    enclose: Encloser
    confirm: Encloser | None
    outside: Inequality | None
    progress: Callable[[int, int], None] | None
    star: Star | None
    shares: torch.Tensor | None
    blocks: list[int] = field(default_factory=list)
    codes: list[np.ndarray] = field(default_factory=list)
    bad: list[torch.Tensor] = field(default_factory=list)
    boxes: int = 0


def prove(
    inequality: Inequality,
    settings: Settings | None = None,
    *,
    enclose: Encloser = by_intervals,
    outside: Inequality | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Answer:
    """Decide an inequality by bisection.

    Parameters
    ----------
    inequality : Inequality
    settings : Settings, optional
    enclose : callable
        The bound engine: ``by_intervals`` or that of ``lirpa``. A box counts as proved only if
        intervals, which the checker uses, agree.
    outside : Inequality, optional
        Over the same axes: boxes on which it holds are closed, and points at which it holds refute nothing.
    progress : callable, optional
        Called with (boxes bounded, boxes open).

    Returns
    -------
    Proved, Refuted (points where the inequality fails) or Unknown.

    Soundness
    ---------
    float64: bounds are not rounded outward. The checker repeats every leaf of the proof in interval arithmetic.
    """
    confirm = None if enclose is by_intervals else by_intervals
    definite = inequality.holds_origin and inequality.offset <= 0  # the star test knows no offset
    star = Star.of(inequality) if definite else None
    shares = star.shares() if star else inequality.shares
    search = _Search(
        inequality, settings or Settings(), enclose, confirm, outside, progress, star, shares
    )
    free = inequality.upper > inequality.lower
    if inequality.shares is not None:
        free = free & (inequality.shares > 0)
    roots = search.settings.roots(inequality.coordinates)
    grid = tuple(
        roots if inequality.holds_origin and k < inequality.coordinates else 1
        for k in range(inequality.dimension)
    )
    lower, upper = root_cells(inequality.lower, inequality.upper, grid)
    size = max(1, len(lower) // 8)
    for start in range(0, len(lower), size):
        answer = _block(search, lower[start : start + size], upper[start : start + size], free)
        if answer is not None:
            return answer
    return Proved(Forest(grid, tuple(search.blocks), np.concatenate(search.codes)))


def _block(
    search: _Search, lower: torch.Tensor, upper: torch.Tensor, free: torch.Tensor
) -> Answer | None:
    """Process one block of roots level by level; None when it is proved."""
    settings = search.settings
    search.blocks.append(len(lower))
    while len(lower):
        codes = torch.empty(len(lower), dtype=torch.int64)
        for start in range(0, len(lower), settings.chunk):
            part = slice(start, start + settings.chunk)
            codes[part] = _codes(search, lower[part], upper[part], free)
            if search.progress:
                search.progress(search.boxes, len(lower) - start)
            if sum(map(len, search.bad)) >= settings.counterexamples:
                return Refuted(torch.cat(search.bad), search.boxes)
            if why := _exhausted(search, len(lower)):
                return Unknown(why, ((lower + upper) / 2)[start : start + 4096], search.boxes)
        search.codes.append(codes.numpy().astype(np.uint8))
        open_ = codes < OUTSIDE
        lower, upper, axes = lower[open_], upper[open_], codes[open_]
        if (stuck := ~(_splittable(lower, upper, axes) & free[axes])).any():
            where = ((lower + upper) / 2)[stuck][:4096]
            return Unknown("a box is too small to split", where, search.boxes)
        lower, upper = bisect(lower, upper, axes)
    if search.bad:
        return Refuted(torch.cat(search.bad), search.boxes)
    return None


def _splittable(lower: torch.Tensor, upper: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
    """Return where the middle of the box's axis lies strictly inside it."""
    low, high = (ends.gather(1, axes[:, None])[:, 0] for ends in (lower, upper))
    middle = 0.5 * (low + high)
    return (low < middle) & (middle < high)


def _exhausted(search: _Search, level: int) -> str:
    if search.boxes > search.settings.max_boxes:
        return f"gave up after {search.boxes} boxes"
    if level > search.settings.max_level:
        return f"{level} boxes are open at once"
    return "out of time" if time.monotonic() > search.settings.deadline else ""


def _codes(
    search: _Search, lower: torch.Tensor, upper: torch.Tensor, free: torch.Tensor
) -> torch.Tensor:
    """Test boxes; return for each the kind of leaf, or the axis to split."""
    inequality = search.inequality
    search.boxes += len(lower)
    codes = _split_axis(inequality, search.shares, lower, upper, free)
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    near = (middle.abs() <= 3 * half)[:, : inequality.coordinates].all(-1)
    _close_stars(search, codes, near, lower, upper)
    beyond = _beyond(search, middle)
    _close_outside(search, codes, beyond, lower, upper)
    rest = (codes < OUTSIDE).nonzero()[:, 0]
    proved = _below(search, inequality, search.enclose, lower[rest], upper[rest])
    if search.confirm is not None and proved.any():
        found = rest[proved]
        agreed = _below(search, inequality, search.confirm, lower[found], upper[found])
        proved[proved.clone()] = agreed
    codes[rest[proved]] = COLLAPSED
    if search.star is not None:
        far = ~near & (codes < OUTSIDE) & search.star.hopeful(lower, upper)
        _close_stars(search, codes, far, lower, upper)
    open_ = (codes < OUTSIDE).nonzero()[:, 0]
    if len(open_):
        _collect(search, middle[open_], beyond[open_])
    return codes


def _close_stars(
    search: _Search,
    codes: torch.Tensor,
    chosen: torch.Tensor,
    lower: torch.Tensor,
    upper: torch.Tensor,
) -> None:
    """Close those of the chosen boxes that pass the star test."""
    if search.star is not None and chosen.any():
        passed = search.star(lower[chosen], upper[chosen])
        codes[chosen.nonzero()[:, 0][passed]] = STAR


def _beyond(search: _Search, points: torch.Tensor) -> torch.Tensor:
    """Return where the points lie outside, (k,)."""
    if search.outside is None:
        return torch.zeros(len(points), dtype=torch.bool)
    return (search.outside.value(points) < 0).all(0)


def _close_outside(
    search: _Search,
    codes: torch.Tensor,
    beyond: torch.Tensor,
    lower: torch.Tensor,
    upper: torch.Tensor,
) -> None:
    """Close the boxes that lie outside; only those whose centre does are looked at.

    Intervals decide at once: this test is the cheapest, and the checker repeats it in intervals.
    """
    if search.outside is not None:
        chosen = (beyond & (codes < OUTSIDE)).nonzero()[:, 0]
        shown = _below(search, search.outside, by_intervals, lower[chosen], upper[chosen])
        codes[chosen[shown]] = OUTSIDE


def _below(
    search: _Search,
    inequality: Inequality,
    enclose: Encloser,
    lower: torch.Tensor,
    upper: torch.Tensor,
) -> torch.Tensor:
    """Return where all upper bounds are negative with room for rounding; false on NaN."""
    enclosure = enclose(inequality, lower, upper)
    room = -search.settings.slack * _size(enclosure, inequality) - inequality.offset
    proved = (quadratic_upper_bound(enclosure, inequality.forms) < room).all(0)
    if search.settings.multipliers and inequality is search.inequality and inequality.holds_origin:
        least = at_the_centre(enclosure, inequality.forms)
        hopeful = (least < room).all(0) & ~proved
        if hopeful.any():
            rise = largest_rise(enclosure.boxes(hopeful), inequality.forms)
            proved[hopeful] = (least[:, hopeful] + rise < room[:, hopeful]).all(0)
    return proved


def _size(enclosure: Taylor, inequality: Inequality) -> torch.Tensor:
    """Return the size of the terms of v^T H v at the centres, (E, B), against which rounding is measured."""
    v = enclosure.c.abs()
    return abs(inequality.offset) + ((v @ inequality.forms.abs()) * v).sum(-1)


def _split_axis(
    inequality: Inequality,
    shares: torch.Tensor | None,
    lower: torch.Tensor,
    upper: torch.Tensor,
    free: torch.Tensor,
) -> torch.Tensor:
    """Return the axis with the largest width relative to the whole box; constants are never split."""
    whole = (inequality.upper - inequality.lower).clamp(min=torch.finfo(torch.float64).tiny)
    width = torch.where(free, (upper - lower) / whole, -torch.ones_like(whole))
    return (width if shares is None else width * shares).argmax(-1)


def _collect(search: _Search, points: torch.Tensor, beyond: torch.Tensor) -> None:
    """Keep the centres at which the inequality fails and that do not lie outside."""
    worst = search.inequality.value(points).amax(0)
    wrong = ~(worst < 0) & ~beyond
    if search.inequality.holds_origin and search.inequality.offset <= 0:
        wrong = wrong & ~(points[:, : search.inequality.coordinates] == 0).all(-1)
    if wrong.any():
        search.bad.append(points[wrong])
