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
from .network import Network
from .rounding import Affine, Quadratic, enclose, upper


def check_level(
    ph: Matrix, v0: Network | None, domain: Box, level: Fraction, codes: Codes, count: Count
) -> None:
    """Lemma: if v_0 > c on all faces, a path from V <= c leaves the domain through no face."""
    q, bound = enclose([negated(ph, v0)], len(domain)), -Interval(level).hi
    for axis in range(len(domain)):
        for end in domain[axis]:
            where = f"{codes.where}, face of axis {axis} at {float(end)!r}"
            test = partial(above, q, bound, v0, axis, end)
            prove(pieces(domain, axis, codes), {COLLAPSED: test}, where, count)
    codes.finish()


def negated(ph: Matrix, v0: Network | None) -> Matrix:
    """The matrix of -v_0 over (x, p_V0)."""
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
    axis: int,
    end: Fraction,
    lo: np.ndarray,
    hi: np.ndarray,
) -> np.ndarray:
    """Whether -v_0 < bound on boxes (n - 1, B) of the face where x_axis = end."""
    return np.asarray(np.all(upper(q, face(v0, axis, Interval(end), lo, hi)) < bound, axis=0))


def pieces(domain: Box, axis: int, codes: Codes) -> Iterator[Leaves]:
    """The leaves of one face: a tree over the other axes, or a single point without a code."""
    rest = domain[:axis] + domain[axis + 1 :]
    if not rest:
        point = np.zeros((0, 1))
        yield point, point, np.array([COLLAPSED], dtype=np.uint8)
        return
    lo, hi = outward(rest, codes.where)
    yield from leaves(lo[:, None], hi[:, None], codes)


def face(v0: Network | None, axis: int, fixed: Interval, lo: np.ndarray, hi: np.ndarray) -> Affine:
    """Forms of (x, p_V0(x)) on boxes of a face, x_axis being the narrow interval `fixed`."""
    centre, r = taylor.reach(lo, hi)
    x = taylor.variables(centre, r)
    width = lo.shape[1]
    ends = Interval(np.full((1, width), fixed.lo), np.full((1, width), fixed.hi))
    span = tuple(Interval(-k[None], k[None]) for k in r)
    x.insert(axis, taylor.constant(ends, span))
    blocks = list(x)
    if v0 is not None:
        blocks.append(v0.taylor(taylor.stack([x[i] for i in v0.inputs]), False)[0])
    return taylor.gather(blocks, r)
