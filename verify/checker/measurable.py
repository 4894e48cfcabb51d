"""D for a delay that varies in any measurable way in [0, h]: Bernstein coefficients in tau/h (spec 4)."""

from fractions import Fraction
from itertools import pairwise
from math import comb

from .dissipation import Form, Layout, Row, combine, rates
from .exact import Matrix
from .refusal import require

MAX_ORDER = 6


def legendre(k: int) -> list[Fraction]:
    """The coefficients of the shifted Legendre polynomial L_k, lowest first."""
    return [Fraction((-1) ** (k + i) * comb(k, i) * comb(k + i, i)) for i in range(k + 1)]


def inner_product(k: int, m: int, start: Fraction, end: Fraction) -> Fraction:
    """(2m + 1) int_0^1 L_k(start + (end - start) s) L_m(s) ds."""
    power, total = [Fraction(1)], [Fraction(0)] * (k + 1)
    for coefficient in legendre(k):
        for i, value in enumerate(power):
            total[i] += coefficient * value
        longer = [Fraction(0)] * (len(power) + 1)
        for i, value in enumerate(power):
            longer[i] += start * value
            longer[i + 1] += (end - start) * value
        power = longer
    return (2 * m + 1) * sum(
        (a * b / (i + j + 1) for i, a in enumerate(total) for j, b in enumerate(legendre(m))),
        Fraction(0),
    )


def window_moments(
    first: list[list[Row]], second: list[list[Row]], alpha: Fraction
) -> list[list[Row]]:
    """Rows of the moments of [t - h, t] from those of [t - tau, t] and [t - h, t - tau].

    Lemma: Omega_k is the sum of the integrals over both sub-windows; L_k, restricted to one of them,
    is a polynomial of degree k there and has no component on moments of higher degree.
    """
    rows = []
    for k in range(len(first)):
        one = [alpha * inner_product(k, m, 1 - alpha, Fraction(1)) for m in range(k + 1)]
        two = [(1 - alpha) * inner_product(k, m, Fraction(0), 1 - alpha) for m in range(k + 1)]
        rows.append(
            [
                combine(
                    [(c, first[m][i]) for m, c in enumerate(one)]
                    + [(c, second[m][i]) for m, c in enumerate(two)]
                )
                for i in range(len(first[0]))
            ]
        )
    return rows


def tangent(s: Fraction, t: Fraction) -> tuple[Fraction, Fraction]:
    """Values at s and t of an affine function that is nowhere above 1/alpha on [s, t].

    Lemma: 1/alpha is convex, so it lies above its tangent at any c > 0.
    """
    c = (s + t) / 2 if s > 0 else t * 7 / 10
    return 2 / c - s / c**2, 2 / c - t / c**2


def at_alpha(
    lay: Layout,
    squares: tuple[Matrix, Matrix, Matrix],
    h: Fraction,
    alpha: Fraction,
    weights: tuple[Fraction, Fraction],
) -> Matrix:
    """The matrix of D at one alpha, with 1/alpha and 1/(1 - alpha) replaced by the weights.

    Lemma: int x'^T R x' over a window of length T is at least (1/T) sum (2k+1) G_k^T R G_k with its own moments
    (Bessel); the two windows have the lengths alpha h and (1 - alpha) h.
    """
    (p, s, r), n = squares, len(squares[1])
    order = (len(lay.moments) - 1) // 2
    x, y, z = lay.variables[:n], lay.variables[n:], lay.moments[0]
    first, second = lay.moments[1 : 1 + order], lay.moments[1 + order :]
    whole = window_moments(first, second, alpha)
    form = Form([[Fraction(0)] * lay.size for _ in range(lay.size)])
    derivative = [lay.f, *rates(x, z, whole)[:order]]
    scaled = [[combine([(h, row)]) for row in rows] for rows in whole]
    for a, w in enumerate([x, *scaled]):
        for b, dw in enumerate(derivative):
            form.add_all([row[b * n : (b + 1) * n] for row in p[a * n : (a + 1) * n]], 2, w, dw)
    for i, q in lay.q:
        form.add(2, q, lay.f[i])
    form.add_all(s, 1, x, x)
    form.add_all(s, -1, z, z)
    form.add_all([[h * item for item in row] for row in r], 1, lay.f, lay.f)
    for weight, found in zip(weights, (rates(x, y, first), rates(y, z, second)), strict=True):
        damping = [[weight / h * item for item in row] for row in r]
        for k, g in enumerate(found):
            form.add_all(damping, -(2 * k + 1), g, g)
    return form.matrix


def to_bernstein(degree: int) -> Matrix:
    """The matrix from values at i/degree to Bernstein coefficients, by exact elimination."""
    size = degree + 1
    nodes = [Fraction(i, degree) for i in range(size)]
    rows = [
        [comb(degree, j) * t**j * (1 - t) ** (degree - j) for j in range(size)]
        + [Fraction(i == j) for j in range(size)]
        for i, t in enumerate(nodes)
    ]
    for p in range(size):
        pivot = next(i for i in range(p, size) if rows[i][p] != 0)
        rows[p], rows[pivot] = rows[pivot], rows[p]
        rows[p] = [item / rows[p][p] for item in rows[p]]
        for i in range(size):
            if i != p and rows[i][p] != 0:
                factor = rows[i][p]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[p], strict=True)]
    return [row[size:] for row in rows]


def matrices(
    lay: Layout, squares: tuple[Matrix, Matrix, Matrix], h: Fraction, breaks: list[Fraction]
) -> list[Matrix]:
    """The Bernstein coefficients of D on every piece of alpha.

    Lemma: D is a polynomial of degree at most max(2N - 1, 1) in alpha on a piece (the moments have degree N,
    their rates N - 1, the weights 1); a polynomial is a convex combination of its Bernstein coefficients.
    """
    order = (len(lay.moments) - 1) // 2
    require(order <= MAX_ORDER, "functional.order", f"is above {MAX_ORDER} for a measurable delay")
    degree = max(2 * order - 1, 1)
    change, span, found = to_bernstein(degree), range(lay.size), []
    for a, b in pairwise(breaks):
        ends = (tangent(a, b), tangent(1 - b, 1 - a)[::-1])
        values = []
        for i in range(degree + 1):
            t = Fraction(i, degree)
            weights = (
                ends[0][0] + (ends[0][1] - ends[0][0]) * t,
                ends[1][0] + (ends[1][1] - ends[1][0]) * t,
            )
            values.append(at_alpha(lay, squares, h, a + (b - a) * t, weights))
        for row in change:
            pairs = list(zip(row, values, strict=True))
            found.append(
                [[sum((c * m[i][j] for c, m in pairs), Fraction(0)) for j in span] for i in span]
            )
    return found
