"""The level: v_0 > c on every face of the domain (spec 4)."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

import numpy as np
from ival import Interval

from . import taylor
from .document import Box
from .exact import Matrix
from .forest import COLLAPSED, Codes, Leaves, leaves, outward
from .leaves import Count, prove
from .moments import ranges, read_by
from .network import Network
from .rounding import Affine, Quadratic, enclose, upper


def check_level(
    forms: list[Matrix],
    v0: Network | None,
    domain: Box,
    level: Fraction,
    codes: Codes,
    count: Count,
) -> None:
    """Lemma: if v_0 > c on all faces, a path from V <= c leaves the domain through no face.

    v_0 is the least of u^T M u + |p_V0(u)|^2 over the forms M, u = (x, moments that V0 reads).
    """
    n = len(domain)
    box = domain + ranges(read_by(v0.inputs if v0 else (), n), domain)
    q, bound = enclose([negated(m, v0) for m in forms], len(box)), -Interval(level).hi
    for axis in range(n):
        for end in domain[axis]:
            where = f"{codes.where}, face of axis {axis} at {float(end)!r}"
            test = partial(above, q, bound, v0, n, axis, end)
            prove(pieces(box, axis, codes), {COLLAPSED: test}, where, count)
    codes.finish()


def negated(ph: Matrix, v0: Network | None) -> Matrix:
    """The matrix of -v_0 over (u, p_V0)."""
    n = len(ph)
    size = n + (0 if v0 is None else v0.outputs)
    result = [[Fraction(-1 if i == j else 0) for j in range(size)] for i in range(size)]
    for i in range(n):
        result[i][:n] = [-item for item in ph[i]]
    return result


def above(
    q: Quadratic,
    bound: float,
    v0: Network | None,
    n: int,
    axis: int,
    end: Fraction,
    lo: np.ndarray,
    hi: np.ndarray,
) -> np.ndarray:
    """Whether -v_0 < bound on boxes of the face where x_axis = end: all other entries of u."""
    return np.asarray(np.all(upper(q, face(v0, n, axis, Interval(end), lo, hi)) < bound, axis=0))


def pieces(box: Box, axis: int, codes: Codes) -> Iterator[Leaves]:
    """The leaves of one face: a tree over the other axes, or a single point without a code."""
    rest = box[:axis] + box[axis + 1 :]
    if not rest:
        point = np.zeros((0, 1))
        yield point, point, np.array([COLLAPSED], dtype=np.uint8)
        return
    lo, hi = outward(rest, codes.where)
    yield from leaves(lo[:, None], hi[:, None], codes)


def face(
    v0: Network | None, n: int, axis: int, fixed: Interval, lo: np.ndarray, hi: np.ndarray
) -> Affine:
    """Forms of (u, p_V0(u)) on boxes of a face, x_axis being the narrow interval `fixed`."""
    centre, r = taylor.reach(lo, hi)
    x = taylor.variables(centre, r)
    width = lo.shape[1]
    ends = Interval(np.full((1, width), fixed.lo), np.full((1, width), fixed.hi))
    span = tuple(Interval(-k[None], k[None]) for k in r)
    x.insert(axis, taylor.constant(ends, span))
    blocks = list(x)
    if v0 is not None:
        read = [*range(n), *read_by(v0.inputs, n)]
        column = taylor.stack([x[read.index(i)] for i in v0.inputs])
        blocks.append(v0.taylor(column, False)[0])
    return taylor.gather(blocks, r)
