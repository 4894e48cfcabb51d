"""V0 that reads Legendre moments of the history beside the state (spec 4, "Moments"): exact in the delay."""

from fractions import Fraction
from itertools import pairwise

from .dissipation import Form, Layout, rates
from .document import Box
from .exact import Matrix, positive_definite, schur
from .refusal import Refused, require

MOMENTS = 2  # V0 may read Omega_0 and Omega_1


def read_by(inputs: tuple[int, ...], n: int) -> tuple[int, ...]:
    """The moments among the inputs of V0, in order: n (k + 1) + i stands for Omega_k of state i."""
    return tuple(sorted(i for i in inputs if i >= n))


def ranges(moments: tuple[int, ...], domain: Box) -> Box:
    """Their ranges for histories with values in the domain.

    Lemma: Omega_0 is a mean; L_1(u) = 2u - 1 has the mean 0 and int |L_1| = 1/2, so Omega_1, unchanged if the
    middle of the domain is taken off the history, is at most (hi - lo)/2 times 1/2.
    """
    n, found = len(domain), []
    for index in moments:
        lo, hi = domain[index % n]
        found.append((lo, hi) if index // n == 1 else (-(hi - lo) / 4, (hi - lo) / 4))
    return tuple(found)


def ends(breaks: list[Fraction]) -> list[tuple[Fraction, Fraction]]:
    """(s, t) of the Bernstein coefficients of polynomials of degree 2 in tau, on every piece.

    Lemma: c0 + c1 tau + c2 tau^2 is on [a, b] a convex combination of c0 + c1 (s + t)/2 + c2 s t for
    (s, t) = (a, a), (a, b), (b, b); neighbours share one.
    """
    rest = [pair for a, b in pairwise(breaks) for pair in ((a, b), (b, b))]
    return [(breaks[0], breaks[0]), *rest]


def matrices(
    lay: Layout, n: int, p: Matrix, s: Matrix, r: Matrix, breaks: list[Fraction]
) -> list[Matrix]:
    """The Bernstein coefficients of tau D on every piece; breaks[0] > 0.

    Lemma: tau d/dt Omega_k = G_k, so d/dt |p_V0|^2 = 2 q_x^T f + (2/tau) sum q_k^T G_k, and tau D is the polynomial
    fixed + tau linear + tau^2 square.
    """
    require(breaks[0] > 0, "breaks", "must begin above 0 for a V0 that reads moments")
    fixed, linear, square = (
        Form([[Fraction(0)] * lay.size for _ in range(lay.size)]) for _ in "012"
    )
    x, y = lay.variables[:n], lay.variables[n:]
    g = rates(x, y, lay.moments)
    for a, w in enumerate([x, *lay.moments]):
        for b, dw in enumerate([lay.f, *g[:-1]]):
            block = [row[b * n : (b + 1) * n] for row in p[a * n : (a + 1) * n]]
            (square if a else linear).add_all(block, 2, w, dw)
    for i, q in lay.q:
        if i < n:
            linear.add(2, q, lay.f[i])
        else:
            fixed.add(2, q, g[i // n - 1][i % n])
    linear.add_all(s, 1, x, x)
    linear.add_all(s, -1, y, y)
    for px, py in zip(lay.w_present, lay.w_delayed, strict=True):
        linear.add(1, px, px)
        linear.add(-1, py, py)
    square.add_all(r, 1, lay.f, lay.f)
    for k, gk in enumerate(g):
        fixed.add_all(r, -(2 * k + 1), gk, gk)
    span, parts = range(lay.size), (fixed.matrix, linear.matrix, square.matrix)
    return [
        [[parts[0][i][j] + c * parts[1][i][j] + d * parts[2][i][j] for j in span] for i in span]
        for c, d in (((a + b) / 2, a * b) for a, b in ends(breaks))
    ]


def lower_forms(
    total: Matrix, moments: tuple[int, ...], breaks: list[Fraction], n: int
) -> list[Matrix]:
    """Matrices over (x, moments read): V >= u^T M u + |p_V0|^2 for one of them at every delay.

    `total` is P with Bessel's bound of the S term, positive definite. Lemma: the minimum over the other moments
    is the Schur complement Ph; (x, tau m)^T Ph (x, tau m) is a polynomial of degree 2 in tau.
    """
    order = [*range(n), *moments]
    order += [i for i in range(len(total)) if i not in order]
    ph = schur([[total[i][j] for j in order] for i in order], len(total) - n - len(moments))
    if ph is None or not positive_definite(ph):
        raise Refused("P", "gives a functional that is not positive definite")
    if not moments:
        return [ph]
    size = range(n + len(moments))

    def factor(i: int, j: int, a: Fraction, b: Fraction) -> Fraction:
        return a * b if i >= n and j >= n else (a + b) / 2 if i >= n or j >= n else Fraction(1)

    return [[[ph[i][j] * factor(i, j, a, b) for j in size] for i in size] for a, b in ends(breaks)]
