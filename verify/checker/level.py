"""The level: v_0 > c on every face of the domain, and on boxes that need no other proof (spec 4)."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

import numpy as np
from ival import Interval

from . import ellipsoid, taylor
from .document import Box
from .exact import Matrix, schur
from .forest import COLLAPSED, Codes, Leaves, leaves, outward
from .leaves import Count, Test, prove
from .moments import ranges, read_by
from .network import Network
from .refusal import Refused
from .rounding import Affine, Quadratic, enclose, upper


def check_level(
    forms: list[Matrix],
    v0: Network | None,
    domain: Box,
    level: Fraction,
    codes: Codes,
    count: Count,
    ends: tuple[Box, ...] = (),
) -> None:
    """Lemma: if v_0 > c on all faces, a path from V <= c leaves the domain through no face.

    `ends` are those of the domain as intervals, where it is known only that they lie there.
    v_0 is the least of u^T M u + |p_V0(u)|^2 over the forms M, u = (x, moments that V0 reads). A single form
    needs no codes: where its level set ends is exact.
    """
    n = len(domain)
    if v0 is None and n > 1 and not codes.array.size:
        inner = tuple((low[1], high[0]) for low, high in ends) if ends else domain
        for form in forms:
            ellipsoid.check_level(form, level, inner, codes.where)
        return
    box = domain + ranges(read_by(v0.inputs if v0 else (), n), domain)
    q, bound = enclose([negated(m, v0) for m in forms], len(box)), -Interval(level).hi
    for axis in range(n):
        for end in ends[axis] if ends else ((e, e) for e in domain[axis]):
            where = f"{codes.where}, face of axis {axis} at {float(end[0])!r}"
            test = partial(above, q, bound, v0, n, axis, Interval(*end))
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
    end: Interval,
    lo: np.ndarray,
    hi: np.ndarray,
) -> np.ndarray:
    """Whether -v_0 < bound on boxes of the face where x_axis = end: all other entries of u."""
    return np.asarray(np.all(upper(q, face(v0, n, axis, end, lo, hi)) < bound, axis=0))


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
    """Forms of (u, p_V0(u)) on boxes of a face, x_axis being in the interval `fixed`.

    If that is no rounded number, it is an axis of the forms like the others.
    """
    wide = np.nextafter(fixed.lo, np.inf) < fixed.hi
    if wide:
        lo, hi = np.insert(lo, axis, fixed.lo, axis=0), np.insert(hi, axis, fixed.hi, axis=0)
    centre, r = taylor.reach(lo, hi)
    x = taylor.variables(centre, r)
    if not wide:
        width = lo.shape[1]
        ends = Interval(np.full((1, width), fixed.lo), np.full((1, width), fixed.hi))
        span = tuple(Interval(-k[None], k[None]) for k in r)
        x.insert(axis, taylor.constant(ends, span))
    return core(v0, [*range(n), *(read_by(v0.inputs, n) if v0 else ())], x, r)


def core(v0: Network | None, names: list[int], u: list[taylor.Taylor], r: np.ndarray) -> Affine:
    """Forms of (u, p_V0(u)); `names` says which states and moments u holds, all inputs of V0 among them."""
    blocks = list(u)
    if v0 is not None:
        column = taylor.stack([u[names.index(i)] for i in v0.inputs])
        blocks.append(v0.taylor(column, False)[0])
    return taylor.gather(blocks, r)


def outside(
    forms: list[Matrix], v0: Network | None, xi: tuple[int, ...], n: int, level: Fraction
) -> Test | None:
    """The test of boxes of xi on which v_0 > c for all other entries of u; None if xi holds none of u.

    Lemma: V >= v_0, so V > c there, while V <= c along every solution that the theorem is about: xi is never in
    such a box. The least of u^T M u over the entries that are not in xi, all of them states and no inputs of V0,
    is the Schur complement of M onto the others.
    """
    read = read_by(v0.inputs, n) if v0 else ()
    states = [j for j in xi if j < n]
    names, rows = [*states, *read], [*range(len(states)), *range(len(xi), len(xi) + len(read))]
    if not names:
        return None
    order = [*states, *range(n, n + len(read)), *(j for j in range(n) if j not in states)]
    found = [schur([[m[i][j] for j in order] for i in order], n - len(states)) for m in forms]
    if None in found:
        raise Refused("P", "gives a lower bound that is not positive definite")
    q = enclose([negated(m, v0) for m in found if m is not None], len(names))
    bound = -Interval(level).hi

    def test(lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
        centre, r = taylor.reach(lo[rows], hi[rows])
        u = core(v0, names, taylor.variables(centre, r), r)
        return np.asarray(np.all(upper(q, u) < bound, axis=0))

    return test
