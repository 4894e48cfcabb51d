"""A quadratic function with few unknowns for long windows, checked on a projection that loses nothing.

With w = (x[t], moments of x over the lags 1..h1 and h1+1..h2), e_s = x[s+1] - x[s],

    V = w^T P w + sum_{1..h1} x[t-i]^T S1 x[t-i] + sum_{h1+1..h2} x[t-i]^T S2 x[t-i]
        + (1/h1) sum_{1..h1} (h1+1-i) e[t-i]^T R1 e[t-i] + (1/h12) sum_{1..h2} min(h2+1-i, h12) e[t-i]^T R2 e[t-i]

is a quadratic form of the lifted state. For each delay d its decrease is a form in a few combinations of X and the
sums of e^T R e over the windows 1..h1, h1+1..d, d+1..h2; by Bessel's inequality these are at least the squares of
their projections on orthonormal discrete polynomials of degree <= order. What is left over is orthogonal to all the
combinations, so that the small inequality and R > 0 hold if and only if the decrease is positive definite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certdde.verify.schemes.graphs import single
from certdde.verify.schemes.lifted import LiftedScheme
from certdde.verify.schemes.path_complete import NodeForms, recomputed
from certdde.verify.schemes.semidefinite import SymmetricProgram, Term

RANK = 1e-9


@dataclass(frozen=True, slots=True)
class _Layout:
    """Rows over the lags 0..upper: w now and (but for x[t+1]) after a step, and the two windows."""

    lower: int
    upper: int
    order: int
    now: np.ndarray
    after: np.ndarray
    windows: tuple[range, range]
    counts: tuple[int, int]

    @property
    def scales(self) -> tuple[float, float]:
        return 1 / max(1, self.lower), 1 / max(1, self.upper - self.lower)

    def lag(self, i: int) -> np.ndarray:
        return np.eye(self.upper + 1)[i : i + 1]


@dataclass(frozen=True, slots=True)
class _Unknowns:
    p: int
    s: tuple[int, int]
    r: tuple[int, int]


def search_reduced(
    scheme: LiftedScheme, lower: int, upper: int, order: int, seconds: float = np.inf
) -> NodeForms | None:
    """Look for V with moments of degree below ``order``, for every sequence of delays in lower .. upper.

    Returns
    -------
    NodeForms or None
        One node, the form lifted to (x[t], .., x[t-upper]); None if the solver gave up.
    """
    lay, program = _layout(lower, upper, order), SymmetricProgram()
    n = scheme.dimension
    p = program.unknown(n * len(lay.now))
    s, r = ((program.unknown(n), program.unknown(n)) for _ in range(2))
    unknowns = _Unknowns(p, s, r)
    _positivity(program, unknowns, lay, n)
    for delay in range(lower, upper + 1):
        for present, delayed in scheme.vertices:
            program.positive(*_decrease(unknowns, lay, delay, present, delayed))
    found = program.solve([p], seconds)
    if found is None:
        return None
    form = _form(found, unknowns, lay, n)
    delays = tuple(range(lower, upper + 1))
    return recomputed(scheme, form[None] / np.abs(form).max(), single(len(delays)), delays)


def _layout(lower: int, upper: int, order: int) -> _Layout:
    windows = (range(1, lower + 1), range(lower + 1, upper + 1))
    moments = [_rows(window, order - 1, upper) for window in windows]
    now = np.vstack([np.eye(upper + 1)[:1], *moments])
    after = np.pad(now[1:, 1:], ((0, 0), (0, 1)))
    counts = (len(moments[0]), len(moments[1]))
    return _Layout(lower, upper, order, now, after, windows, counts)


def _rows(window: Sequence[int], degree: int, upper: int) -> np.ndarray:
    """Return projections of x[t-i], i in the window, on orthonormal polynomials up to a degree."""
    rows = np.zeros((min(degree + 1, len(window)), upper + 1))
    if len(rows):
        points = np.linspace(-1, 1, len(window)) if len(window) > 1 else np.zeros(1)
        basis, _ = np.linalg.qr(np.vander(points, len(rows), increasing=True))
        rows[:, window[0] : window[-1] + 1] = basis.T
    return rows


def _increments(window: Sequence[int], degree: int, upper: int) -> np.ndarray:
    """Return the same projections of x[t-i+1] - x[t-i]."""
    rows = _rows(window, degree, upper)
    return np.asarray(np.pad(rows[:, 1:], ((0, 0), (0, 1))) - rows)


def _positivity(program: SymmetricProgram, u: _Unknowns, lay: _Layout, n: int) -> None:
    """V > 0: P plus the squares of the moments (Bessel on the sums of S), and S, R positive."""
    size = n * len(lay.now)
    terms, at = [Term(u.p, np.eye(size))], 1
    for count, s in zip(lay.counts, u.s, strict=True):
        for _ in range(count):
            terms.append(Term(s, np.eye(size)[n * at : n * (at + 1)]))
            at += 1
    program.positive(*terms)
    for small in (*u.s, *u.r):
        program.positive(Term(small, np.eye(n)))


def _decrease(
    u: _Unknowns, lay: _Layout, delay: int, present: np.ndarray, delayed: np.ndarray
) -> list[Term]:
    """Return V - V+ in coordinates of the space of all rows that occur."""
    cut = (lay.windows[0], range(lay.lower + 1, delay + 1), range(delay + 1, lay.upper + 1))
    sums = [_increments(window, lay.order, lay.upper) for window in cut]
    ends = [lay.lag(i) for i in (0, delay, lay.lower, lay.upper)]
    _, values, basis = np.linalg.svd(np.vstack([lay.now, lay.after, *ends, *sums]))
    basis = basis[: int((values > RANK * values[0]).sum())]
    unit = np.eye(len(present))

    def row(rows: np.ndarray) -> np.ndarray:
        return np.kron(rows @ basis.T, unit)

    now, past, low, high = map(row, ends)
    following = present @ now + delayed @ past
    change = following - now
    terms = [
        Term(u.p, row(lay.now)),
        Term(u.p, np.vstack([following, row(lay.after)]), -1.0),
        Term(u.s[0], now, -1.0),
        Term(u.s[0], low),
        Term(u.s[1], low, -1.0),
        Term(u.s[1], high),
        *(Term(r, change, -1.0) for r in u.r),
    ]
    for k, rows in zip((0, 1, 1), sums, strict=True):
        terms += [Term(u.r[k], row(one[None]), lay.scales[k]) for one in rows]
    return terms


def _form(found: Sequence[np.ndarray], u: _Unknowns, lay: _Layout, n: int) -> np.ndarray:
    """Return V as a matrix over the lifted state."""
    unit = np.eye(n)
    rows = np.kron(lay.now, unit)
    form = rows.T @ found[u.p] @ rows
    for s, window in zip(u.s, lay.windows, strict=True):
        for i in window:
            form[n * i : n * (i + 1), n * i : n * (i + 1)] += found[s]
    for k, longest in ((0, lay.lower), (1, lay.upper)):
        length = lay.lower if k == 0 else lay.upper - lay.lower
        for i in range(1, longest + 1):
            change = np.kron(lay.lag(i - 1) - lay.lag(i), unit)
            weight = lay.scales[k] * min(longest + 1 - i, length)
            form += weight * change.T @ found[u.r[k]] @ change
    return np.asarray(form)
