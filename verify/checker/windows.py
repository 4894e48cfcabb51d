"""Quadratic functionals with a window of history for each lag, all exact (spec, kind "several")."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import inf, nextafter, prod

import numpy as np

from .bundle import Arrays
from .dissipation import Form, Row, combine, rates, rational, tangents
from .dominance import positive_definite
from .ellipsoid import size
from .exact import Matrix
from .refusal import require
from .syntax import MAX_MULTIPLE
from .system import Linear, System, variables

MAX_CORNERS = 2**14


@dataclass(frozen=True, slots=True)
class Lag:
    """k tau_j: the number j of the delay, the multiple k, and the number of its first variable."""

    delay: int
    multiple: int
    first: int


@dataclass(frozen=True, slots=True)
class Windows:
    """V = w^T P w + for each lag (S, R), and the breaks of every delay; `where` names it."""

    where: str
    lags: tuple[Lag, ...]
    p: Matrix
    s: list[Matrix]
    r: list[Matrix]
    breaks: list[list[Fraction]]


def lags(system: System) -> tuple[Lag, ...]:
    """Those whose matrix is not zero or that a nonlinear term uses, in order of the delay, then of the multiple."""
    n = system.n
    used = {j // n for row in system.linear for j, a in row.items() if a != 0}
    used |= {j // n for rest in system.rest if rest is not None for j in variables(rest)}
    split = [(*divmod(number - 1, MAX_MULTIPLE), number * n) for number in sorted(used - {0})]
    return tuple(Lag(j, k + 1, first) for j, k, first in split)


def read(where: str, arrays: Arrays, system: System, order: int, delays: int) -> Windows:
    """Exactly the arrays of spec, kind "several", of the right type and shape."""
    found, n = lags(system), system.n
    size, count = n * (1 + order * len(found)), len(found)
    names = [f"breaks{j}" for j in range(delays)]
    shapes = {"P": (size, size), "S": (count, n, n), "R": (count, n, n)}
    wanted = {*shapes, *names}
    require(set(arrays) == wanted, where, f"must have exactly the arrays {sorted(wanted)}")
    for name, array in arrays.items():
        right = array.ndim == 1 if name in names else array.shape == shapes[name]
        require(right and array.dtype.str == "<f8", f"{where}.{name}", "has a wrong type or shape")
    breaks = [[Fraction(t) for t in arrays[name].tolist()] for name in names]
    for name, ends in zip(names, breaks, strict=True):
        rising = len(ends) >= 2 and ends[0] >= 0 and ends == sorted(set(ends))
        require(rising, f"{where}.{name}", "must increase from at least 0")
    require(prod(map(len, breaks)) <= MAX_CORNERS, where, "has too many breaks")
    s, r = ([rational(one) for one in arrays[key]] for key in "SR")
    return Windows(where, found, rational(arrays["P"]), s, r, breaks)


def check(w: Windows, system: System, order: int) -> None:
    """V is positive definite, and D negative definite for a linear system."""
    positive(w, system.n)
    decrease(w, system.linear, order)


def decrease(w: Windows, f: Sequence[Linear], order: int) -> None:
    """D is negative definite at every corner of the grid of breaks, for the rows f.

    Lemma: D is affine in tau on each cell of the grid (kappa_j is affine there), so it is a convex
    combination of its values at the corners; all matrices are symmetric by construction but P, S, R.
    D is convex in f at every corner (R > 0, delays >= 0): negative for the vertices of a polytope, it is so in it.
    """
    constant, tau, kappa = _forms(w, f, order)
    below = [[_rounded_down(c) for c in tangents(ends)] for ends in w.breaks]
    for corner in product(*(range(len(ends)) for ends in w.breaks)):
        times = [ends[i] for ends, i in zip(w.breaks, corner, strict=True)]
        slopes = [ends[i] for ends, i in zip(below, corner, strict=True)]
        total = -constant
        for j, (t, c) in enumerate(zip(times, slopes, strict=True)):
            total = total - t * tau[j] + c * kappa[j]
        shown = ", ".join(f"{float(t)!r}" for t in times)
        negative = positive_definite(total.tolist())
        require(negative, f"{w.where}, delays {shown}", "D is not negative definite")


def check_undelayed(where: str, p: np.ndarray, system: System) -> None:
    """Lemma (Lyapunov): for tau = 0 the system is x' = M x, M the sum of all matrices; P > 0 > M^T P + P M."""
    n = system.n
    right = p.dtype.str == "<f8" and p.shape == (n, n)
    require(right, f"{where}.P", "has a wrong type or shape")
    square = rational(p)
    _symmetric(square, f"{where}.P")
    require(positive_definite(square), f"{where}.P", "is not positive definite")
    x: list[Row] = [{i: Fraction(1)} for i in range(n)]
    f = [combine([(a, x[j % n]) for j, a in row.items()]) for row in system.linear]
    rate = Form([[Fraction(0)] * n for _ in range(n)])
    rate.add_all(square, -2, x, f)
    require(positive_definite(rate.matrix), f"{where}.P", "does not decrease without delay")


def _rounded_down(value: Fraction) -> Fraction:
    """The largest binary64 <= value, a number >= 0: kappa may be smaller, and is then short."""
    nearest = float(value)
    return Fraction(nearest if Fraction(nearest) <= value else nextafter(nearest, -inf))


def _symmetric(matrix: Matrix, where: str) -> None:
    """Refuse unless a matrix is symmetric, which the test of definiteness takes for granted."""
    require([list(c) for c in zip(*matrix, strict=True)] == matrix, where, "is not symmetric")


def positive(w: Windows, n: int) -> Matrix:
    """S, R and P plus Bessel's bound of the S terms, M, are positive definite: V >= w^T M w >= eps |x|^2; M.

    Lemma (Bessel): int_{t-T}^t x^T S x ds >= sum_k (2k+1)/T (T Omega_k)^T S (T Omega_k), T <= its largest value.
    """
    for name, squares in (("P", [w.p]), ("S", w.s), ("R", w.r)):
        for square in squares:
            _symmetric(square, f"{w.where}.{name}")
            definite = name == "P" or positive_definite(square)
            require(definite, f"{w.where}.{name}", "is not positive definite")
    total, count = [list(row) for row in w.p], len(w.lags)
    order = (len(w.p) // n - 1) // count if count else 0
    for a, lag in enumerate(w.lags):
        longest = lag.multiple * w.breaks[lag.delay][-1]
        for k in range(order):
            at = n * (1 + a * order + k)
            for i in range(n):
                for j in range(n):
                    total[at + i][at + j] += (2 * k + 1) * w.s[a][i][j] / longest
    require(positive_definite(total), f"{w.where}.P", "does not make V positive definite")
    return total


def largest(w: Windows, radius: tuple[Fraction, Fraction], n: int) -> Fraction:
    """A bound of V for histories within rho with rates within rho'.

    Lemma: |T Omega_k| <= T rho, int (s - t + T) ds <= T^2/2 over a window, and T is at most its largest value.
    """
    rho, rate = radius
    lengths = [lag.multiple * w.breaks[lag.delay][-1] for lag in w.lags]
    order = (len(w.p) // n - 1) // len(lengths) if lengths else 0
    total = size(w.p, [rho] * n + [t * rho for t in lengths for _ in range(order * n)])
    for t, s, r in zip(lengths, w.s, w.r, strict=True):
        total += t * size(s, [rho] * n) + t * t / 2 * size(r, [rate] * n)
    return total


def _forms(
    w: Windows, linear: Sequence[Linear], order: int
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """D = constant + sum_j (tau_j tau[j] - kappa_j kappa[j]) over z = (x, y_1, .., the moments of each lag)."""
    n, count = len(linear), len(w.lags)
    width = n * (1 + count * (1 + order))
    rows: list[list[Row]] = [[{at + i: Fraction(1)} for i in range(n)] for at in range(0, width, n)]
    x, y, moments = rows[0], rows[1 : 1 + count], rows[1 + count :]
    variable = dict(enumerate(x))
    for lag, delayed in zip(w.lags, y, strict=True):
        variable |= {lag.first + i: row for i, row in enumerate(delayed)}
    f = [combine([(a, variable[j]) for j, a in row.items() if a != 0]) for row in linear]
    constant, *delayed_forms = (
        Form([[Fraction(0)] * width for _ in range(width)]) for _ in range(1 + 2 * len(w.breaks))
    )
    tau, kappa = delayed_forms[::2], delayed_forms[1::2]
    windows = [moments[a * order : (a + 1) * order] for a in range(count)]
    g = [rates(x, delayed, window) for delayed, window in zip(y, windows, strict=True)]
    factors = [(constant, 1), *((tau[q.delay], q.multiple) for q in w.lags for _ in range(order))]
    changes = [f, *(change for one in g for change in one[:-1])]
    for a, ((form, factor), left) in enumerate(zip(factors, [x, *moments], strict=True)):
        for b, right in enumerate(changes):
            block = [row[b * n : (b + 1) * n] for row in w.p[a * n : (a + 1) * n]]
            form.add_all(block, 2 * factor, left, right)
    for lag, delayed, change, s, r in zip(w.lags, y, g, w.s, w.r, strict=True):
        constant.add_all(s, 1, x, x)
        constant.add_all(s, -1, delayed, delayed)
        tau[lag.delay].add_all(r, lag.multiple, f, f)
        for k, row in enumerate(change):
            kappa[lag.delay].add_all(r, Fraction(2 * k + 1, lag.multiple), row, row)
    matrix = np.array([form.matrix for form in (constant, *tau, *kappa)], dtype=object)
    return matrix[0], list(matrix[1 : 1 + len(tau)]), list(matrix[1 + len(tau) :])
