"""Solutions from one sampling instant to the next, x(t_k + s) = M(s) x(t_k), on pieces of s (spec, kind "sampled").

M' = A M + B and M(0) = I, so M(l + u) = M(l) + u F(u) (A M(l) + B) with F(u) = sum_j A^j u^j / (j + 1)!.
Norms are largest row sums: they bound every entry, and those of products by products.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, comb, factorial, frexp

from .dominance import positive_definite
from .exact import Matrix
from .refusal import require

SHORT, LONG = 8, 24  # terms of u F(u): for the matrices of a piece, and from break to break
BITS = 256  # after the point, of M at a break
MOST_PIECES = 4096
ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Map:
    """The matrix `m` is within `error` of M(s) in norm."""

    m: Matrix
    error: Fraction


def identity(n: int) -> Matrix:
    """I."""
    return [[Fraction(i == j) for j in range(n)] for i in range(n)]


def times(p: Matrix, q: Matrix) -> Matrix:
    """The product."""
    columns = list(zip(*q, strict=True))
    return [[sum((a * b for a, b in zip(r, c, strict=True)), ZERO) for c in columns] for r in p]


def added(*matrices: Matrix) -> Matrix:
    """The sum."""
    rows = zip(*matrices, strict=True)
    return [[sum(items, ZERO) for items in zip(*row, strict=True)] for row in rows]


def scaled(factor: Fraction, p: Matrix) -> Matrix:
    """The multiple."""
    return [[factor * item for item in row] for row in p]


def norm(p: Matrix) -> Fraction:
    """The largest sum of the absolute values of a row."""
    return max(sum(map(abs, row), ZERO) for row in p)


def series(a: Matrix, w: Fraction, count: int) -> tuple[list[Matrix], Fraction]:
    """The terms A^j w^(j+1) / (j+1)! of w F(w) with j < count, and a bound of the norm of all others.

    Lemma: let c_j = ||A||^j w^(j+1) / (j+1)!; for j >= count, c_(j+1) <= r c_j with r = ||A|| w / (count + 2). For
    u in [0, w] the others are not larger.
    """
    power, terms, size = scaled(w, identity(len(a))), [], norm(a)
    ratio = size * w / (count + 2)
    require(ratio < 1, "sampled.breaks", "are too far apart for the series")
    for j in range(count):
        terms.append(power)
        power = scaled(w / (j + 2), times(a, power))
    return terms, size**count * w ** (count + 1) / factorial(count + 1) / (1 - ratio)


def after(a: Matrix, b: Matrix, start: Map, w: Fraction) -> Map:
    """M(s + w) from M(s), rounded.

    Lemma: with S = w F(w) = S' + T, M(s) = m + E and G = A m + B it is m + S' G + T G + (I + S A) E.
    """
    terms, tail = series(a, w, LONG)
    total, slope = added(*terms), added(times(a, start.m), b)
    spread = norm(added(identity(len(a)), times(total, a))) + tail * norm(a)
    found, one = added(start.m, times(total, slope)), 2**BITS
    rounded = [[Fraction(round(item * one), one) for item in row] for row in found]
    return Map(rounded, tail * norm(slope) + spread * start.error + Fraction(len(a), one))


def reached(a: Matrix, b: Matrix, s: Fraction) -> Map:
    """M(s), from M(0) = I in steps that are short for A."""
    found, count = Map(identity(len(a)), ZERO), max(1, ceil(norm(a) * s))
    require(count <= MOST_PIECES, "sampled.breaks", "begin too late for the series")
    for _ in range(count if s else 0):
        found = after(a, b, found, s / count)
    return found


def controls(
    a: Matrix, b: Matrix, start: Map, w: Fraction, first: bool
) -> tuple[list[Matrix], Fraction]:
    """Matrices X_i and a radius: on the piece, X(u) is a convex combination of the X_i and within the radius of it.

    X(u) = M(l + u), but on the first piece, where l = 0, X(u) = I + w F(u) (A + B): that is I + w (M(u) - I) / u.
    Lemma: u F(u) is a polynomial in u / w but for a tail; a polynomial is a convex combination of its Bernstein
    coefficients. M(l + u) moves by (I + u F(u) A) E if M(l) does by E.
    """
    terms, tail = series(a, w, SHORT)
    slope = added(times(a, start.m), b)
    powers = [start.m, *(times(term, slope) for term in terms)]
    if first:
        powers = [added(powers[0], powers[1]), *powers[2:]]
    d = len(powers) - 1
    found = [
        added(*(scaled(Fraction(comb(i, j), comb(d, j)), powers[j]) for j in range(i + 1)))
        for i in range(d + 1)
    ]
    spread = 1 + norm(a) * (sum(map(norm, terms)) + tail)
    return found, tail * norm(slope) + spread * start.error


def contracts(p: Matrix, x: Matrix, radius: Fraction) -> bool:
    """Whether (X + R)^T P (X + R) < P for every R with |R_ij| <= radius.

    Lemma: the entries of R^T P X are at most radius * sum |P X|, those of R^T P R at most radius^2 * sum |P|, and a
    symmetric matrix is at most its norm times I.
    """
    n, px = len(p), times(p, x)
    moved = times([list(column) for column in zip(*x, strict=True)], px)
    sizes = [sum(abs(item) for row in matrix for item in row) for matrix in (px, p)]
    slack = n * radius * (2 * sizes[0] + radius * sizes[1])
    return positive_definite(
        added(p, scaled(Fraction(-1), added(moved, scaled(slack, identity(n)))))
    )


def balanced(p: Matrix, *maps: Matrix) -> list[Matrix]:
    """P and maps of x in the coordinates 2^k_i x_i in which the diagonal of P is between 1/2 and 2: small norms."""
    scale = [Fraction(2) ** (frexp(float(row[i]))[1] // 2) for i, row in enumerate(p)]
    span = range(len(p))
    form = [[p[i][j] / (scale[i] * scale[j]) for j in span] for i in span]
    return [form, *([[scale[i] * m[i][j] / scale[j] for j in span] for i in span] for m in maps)]


def failures(p: Matrix, a: Matrix, b: Matrix, breaks: list[Fraction]) -> Iterator[str]:
    """For each piece in turn what is wrong with it, "" if V = x^T P x contracts there.

    Lemma: X^T P X is convex in X if P > 0, so it is below P on the piece if it is at all X_i. That says
    M(s)^T P M(s) < P, and on the first piece, with K = (M(s) - I) / s, that K^T P + P K + s K^T P K is at most
    K^T P + P K + w K^T P K = ((I + w K)^T P (I + w K) - P) / w < 0, at s = 0 too.
    """
    p, a, b = balanced(p, a, b)
    start = reached(a, b, breaks[0])
    for low, high in pairwise(breaks):
        matrices, radius = controls(a, b, start, high - low, first=low == 0)
        right = all(contracts(p, x, radius) for x in matrices)
        yield "" if right else f"[{float(low)!r}, {float(high)!r}]"
        start = after(a, b, start, high - low)
