"""First-order Taylor forms with interval remainders, over batches of boxes (spec 7)."""

from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import ival
import numpy as np
from ival import Interval

from .functions import bounded, find, only
from .rounding import TINY, Affine, dot

Maybe: TypeAlias = Interval | None


def plus(a: Maybe, b: Maybe) -> Maybe:
    """Sum, None being an exact zero."""
    return b if a is None else a if b is None else a + b


def times(a: Maybe, b: Maybe) -> Maybe:
    """Product, None being an exact zero."""
    return None if a is None or b is None else a * b


def cut(a: Maybe, start: int, stop: int) -> Maybe:
    """Some rows of intervals (i, B)."""
    return None if a is None else a[start:stop]


@dataclass(frozen=True, slots=True)
class Taylor:
    """q(xi) in c + sum_k lin_k (xi_k - m_k) + e on each box; span_k = [-r_k, r_k].

    Lemma: every operation encloses the operation on the quantities (Taylor's theorem of order 2
    for unary functions). Where a function is not smooth c becomes empty, and stays so.
    """

    c: Interval
    lin: tuple[Maybe, ...]
    e: Maybe
    span: tuple[Interval, ...]

    def deviation(self) -> Maybe:
        """An enclosure of q - c."""
        return reduce(plus, map(times, self.lin, self.span), self.e)

    def __add__(self, other: "Taylor") -> "Taylor":
        lin = tuple(map(plus, self.lin, other.lin))
        return Taylor(self.c + other.c, lin, plus(self.e, other.e), self.span)

    def __neg__(self) -> "Taylor":
        lin = tuple(None if a is None else -a for a in self.lin)
        return Taylor(-self.c, lin, None if self.e is None else -self.e, self.span)

    def __mul__(self, other: "Taylor") -> "Taylor":
        cross = plus(times(self.c, other.e), times(other.c, self.e))
        e = plus(cross, times(self.deviation(), other.deviation()))
        lin = (
            plus(times(self.c, b), times(other.c, a))
            for a, b in zip(self.lin, other.lin, strict=True)
        )
        return Taylor(self.c * other.c, tuple(lin), e, self.span)

    def apply(self, name: str, exponent: int = 0) -> "Taylor":
        """A function of the grammar, or an integer power: Taylor's theorem about c."""
        if name == "relu":
            return self.relu()
        phi, dev = find(name, exponent), self.deviation()
        z = self.c if dev is None else self.c + dev
        value, first = phi.jet(self.c)
        lin = tuple(times(first, a) for a in self.lin)
        e = times(first, self.e)
        if dev is not None:
            e = plus(e, phi.second(z) * ival.sqr(dev) * 0.5)
        return Taylor(only(value, phi.smooth(z)), lin, e, self.span)

    def relu(self) -> "Taylor":
        """max(0, q) = s q + g(q) for any number s; g = max(0, .) - s . is linear on both sides of 0, and convex.

        So over [a, b] it is largest at a or at b, and least at one of them, or at 0 if that is between: g(0) = 0.
        """
        dev = self.deviation()
        z = self.c if dev is None else self.c + dev
        above, below = np.maximum(z.hi, 0.0), np.minimum(z.lo, 0.0)
        s = Interval(np.where(above > 0, above / np.maximum(above - below, TINY), 0.0))
        ends = [Interval(np.maximum(x, 0.0)) - s * Interval(x) for x in (z.lo, z.hi)]
        g, crosses = ends[0] | ends[1], (z.lo < 0) & (z.hi > 0)
        g = only(Interval(np.where(crosses, np.minimum(g.lo, 0.0), g.lo), g.hi), bounded(z))
        middle = Interval(g.mid)
        lin = tuple(times(s, a) for a in self.lin)
        return Taylor(s * self.c + middle, lin, plus(times(s, self.e), g - middle), self.span)

    def like(self, value: Interval) -> "Taylor":
        """A constant on the same boxes."""
        return constant(value, self.span)

    def rows(self, start: int, stop: int) -> "Taylor":
        """Some rows of a column of forms (i, B)."""
        lin = tuple(cut(a, start, stop) for a in self.lin)
        return Taylor(self.c[start:stop], lin, cut(self.e, start, stop), self.span)

    def dot(self, a: np.ndarray) -> "Taylor":
        """A times a column of forms (i, B)."""
        lin = tuple(None if b is None else dot(a, b) for b in self.lin)
        return Taylor(dot(a, self.c), lin, None if self.e is None else dot(a, self.e), self.span)


def constant(value: Interval, span: tuple[Interval, ...]) -> Taylor:
    """A quantity that does not depend on the box."""
    return Taylor(value, (None,) * len(span), None, span)


def reach(lo: np.ndarray, hi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres and half-widths (d, B) of boxes, the half-widths rounded up."""
    centre = 0.5 * (lo + hi)
    return centre, (Interval(lo, hi) - centre).mag


def variables(centre: np.ndarray, r: np.ndarray) -> list[Taylor]:
    """The coordinates of boxes of these centres and half-widths (d, B), each as a row (1, B)."""
    span = tuple(Interval(-k[None], k[None]) for k in r)
    unit = Interval(np.ones((1, r.shape[1])))
    return [
        Taylor(
            Interval(c[None]), tuple(unit if k == j else None for k in range(len(r))), None, span
        )
        for j, c in enumerate(centre)
    ]


def concatenated(parts: list[Maybe], sizes: list[int], width: int) -> Interval:
    """Blocks of rows, one below the other, as intervals (sum of sizes, width)."""
    blocks = [
        (Interval(0.0) if part is None else part, k) for part, k in zip(parts, sizes, strict=True)
    ]
    ends = (
        [np.broadcast_to(getattr(b, end), (k, width)) for b, k in blocks] for end in ("lo", "hi")
    )
    return Interval(*map(np.concatenate, ends))


def stack(rows: list[Taylor]) -> Taylor:
    """Blocks (i, B) as one column of forms; an exact zero stays one."""
    width, sizes = rows[0].c.shape[1], [row.c.shape[0] for row in rows]

    def joined(parts: list[Maybe]) -> Maybe:
        return None if parts.count(None) == len(parts) else concatenated(parts, sizes, width)

    lin = tuple(joined(list(column)) for column in zip(*(row.lin for row in rows), strict=True))
    c = concatenated([row.c for row in rows], sizes, width)
    return Taylor(c, lin, joined([row.e for row in rows]), rows[0].span)


def gather(blocks: list[Taylor], r: np.ndarray) -> Affine:
    """Blocks of forms as centres, slopes and error radii in binary64.

    Lemma: c + lin xi + e is within rho of m + mid(lin) xi if rho bounds the sum of the distances;
    m, the middle of c + e, is where e is centred.
    """
    span, width = blocks[0].span, r.shape[1]
    sizes = [block.c.shape[0] for block in blocks]
    whole = concatenated([plus(block.c, block.e) for block in blocks], sizes, width)
    m = whole.mid
    gap, lin = whole - m, np.empty((len(span), *m.shape))
    for k, reach in enumerate(span):
        column = concatenated([block.lin[k] for block in blocks], sizes, width)
        lin[k] = column.mid
        gap = gap + (column - lin[k]) * reach
    return Affine(m, lin, r, gap.mag)
