"""The forms of kind "slow", in exact arithmetic: D at one alpha and rate, its slope in the rate, the bound of V."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from .dissipation import Form, Row, combine, rates
from .ellipsoid import size
from .exact import Matrix, schur
from .measurable import legendre, window_moments
from .refusal import Refused
from .system import Linear

ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Slow:
    """The matrices of V, the window h, the number of states and of moments."""

    n: int
    order: int
    h: Fraction
    p0: Matrix
    p1: Matrix
    q1: Matrix
    q2: Matrix
    r1: Matrix
    r2: Matrix
    u: Matrix


def numbered(n: int, count: int) -> list[list[Row]]:
    """Rows of `count` vectors of n entries, one after the other."""
    return [[{k * n + i: ONE} for i in range(n)] for k in range(count)]


def empty(size: int) -> Form:
    """The form 0."""
    return Form([[Fraction(0)] * size for _ in range(size)])


def mixed(v: Slow, alpha: Fraction) -> Matrix:
    """P0 + alpha P1."""
    pairs = zip(v.p0, v.p1, strict=True)
    return [[a + alpha * b for a, b in zip(*rows, strict=True)] for rows in pairs]


def moving(x: list[Row], y: list[Row], moments: list[list[Row]], rate: Fraction) -> list[list[Row]]:
    """The derivatives of alpha v_k.

    Lemma: alpha v_k = int_{t-alpha}^t L_k((s - t + alpha)/alpha) x(s) ds has, almost everywhere, the derivative
    x - (1 - rate)(-1)^k y - int_0^1 L_k'(u) (1 - rate (1 - u)) x(t - alpha + alpha u) du; the polynomial under the
    integral has degree k, so it is a combination of L_0 .. L_k.
    """
    found = []
    for k in range(len(moments)):
        power = [i * c for i, c in enumerate(legendre(k))][1:]  # L_k'
        inside = [Fraction(0)] * (k + 1)
        for i, c in enumerate(power):
            inside[i] += (1 - rate) * c
            inside[i + 1] += rate * c
        parts = [-(2 * m + 1) * _integral(inside, legendre(m)) for m in range(k + 1)]
        rows = []
        for i, (a, b) in enumerate(zip(x, y, strict=True)):
            terms = [(ONE, a), (-(1 - rate) * (-1) ** k, b)]
            rows.append(combine(terms + [(c, moments[m][i]) for m, c in enumerate(parts)]))
        found.append(rows)
    return found


def _integral(p: list[Fraction], q: list[Fraction]) -> Fraction:
    """int_0^1 p q of two polynomials."""
    products = (a * b / (i + j + 1) for i, a in enumerate(p) for j, b in enumerate(q))
    return sum(products, Fraction(0))


def scaled(factor: Fraction, vectors: list[list[Row]]) -> list[list[Row]]:
    """Multiples of rows."""
    return [[combine([(factor, row)]) for row in rows] for rows in vectors]


def flat(vectors: list[list[Row]]) -> list[Row]:
    """The rows of several vectors in one list."""
    return [row for rows in vectors for row in rows]


def dissipation(v: Slow, linear: Sequence[Linear], alpha: Fraction, rate: Fraction) -> Matrix:
    """D without its damping, over (x, y, z, y', z', v, v2): a polynomial of degree max(2N, 1) in alpha.

    Lemma: with rate = tau' the derivative of V is 2 w^T (P0 + alpha P1) w' + rate w^T P1 w + q1(x, f) - q2(z, z')
    + (1 - rate)(q2 - q1)(y, y') + f^T (R1 + alpha U) f + (1 - rate)(1 - alpha) y'^T (R2 - R1) y' less the integrals
    of x'^T (R1 + (1 - rate) U) x' over [t - alpha, t] and of x'^T R2 x' over [t - 1, t - alpha].
    """
    n, count = v.n, v.order
    x, y, z, dy, dz, *moments = numbered(n, 5 + 2 * count)
    first, second = moments[:count], moments[count:]
    f = [{j: v.h * a for j, a in row.items()} for row in linear]
    whole, slow = window_moments(first, second, alpha), 1 - rate
    w = [x, y, z, *scaled(alpha, first), *whole]
    still = rates(x, z, whole)[:count]
    change = [f, *scaled(slow, [dy]), dz, *moving(x, y, first, rate), *still]
    form = empty(n * (5 + 2 * count))
    form.add_all(mixed(v, alpha), 2, flat(w), flat(change))
    form.add_all(v.p1, rate, flat(w), flat(w))
    form.add_all(v.q1, 1, x + f, x + f)
    form.add_all(v.q1, -slow, y + dy, y + dy)
    form.add_all(v.q2, slow, y + dy, y + dy)
    form.add_all(v.q2, -1, z + dz, z + dz)
    form.add_all(v.r1, 1, f, f)
    form.add_all(v.u, alpha, f, f)
    form.add_all(v.r2, slow * (1 - alpha), dy, dy)
    form.add_all(v.r1, -slow * (1 - alpha), dy, dy)
    return form.matrix


def damping(v: Slow, rate: Fraction) -> tuple[Matrix, Matrix]:
    """What is subtracted from D, times a lower bound of 1/alpha and of 1/(1 - alpha).

    Lemma (Bessel): int x'^T R x' over a window of length T is at least (1/T) sum (2k+1) G_k^T R G_k.
    """
    x, y, z, _, _, *moments = numbered(v.n, 5 + 2 * v.order)
    near, far = empty(v.n * (5 + 2 * v.order)), empty(v.n * (5 + 2 * v.order))
    for k, g in enumerate(rates(x, y, moments[: v.order])):
        near.add_all(v.r1, 2 * k + 1, g, g)
        near.add_all(v.u, (2 * k + 1) * (1 - rate), g, g)
    for k, g in enumerate(rates(y, z, moments[v.order :])):
        far.add_all(v.r2, 2 * k + 1, g, g)
    return near.matrix, far.matrix


def slope(v: Slow, alpha: Fraction) -> Matrix:
    """The slope of dV/dt in the rate without the integral of U, over (x, y, z, y', v, Omega); degree <= 2 in alpha.

    Lemma: dV/dt is affine in the rate; its slope is w^T P1 w + 2 w^T (P0 + alpha P1) (slope of w') + (q1 - q2)(y, y')
    + (1 - alpha) y'^T (R1 - R2) y' + int_{t-alpha}^t x'^T U x'. Only y and the alpha v_k in w have a derivative
    that depends on the rate.
    """
    n, count = v.n, v.order
    x, y, z, dy, *moments = numbered(n, 4 + 2 * count)
    first, whole = moments[:count], moments[count:]
    w = flat([x, y, z, *scaled(alpha, first), *whole])
    ends = (flat(moving(x, y, first, Fraction(r))) for r in (1, 0))
    nothing: list[Row] = [{} for _ in range(n)]
    turning = [combine([(ONE, a), (-ONE, b)]) for a, b in zip(*ends, strict=True)]
    turn = nothing + flat(scaled(-ONE, [dy])) + nothing + turning + nothing * count
    form = empty(n * (4 + 2 * count))
    form.add_all(mixed(v, alpha), 2, w, turn)
    form.add_all(v.p1, 1, w, w)
    form.add_all(v.q1, 1, y + dy, y + dy)
    form.add_all(v.q2, -1, y + dy, y + dy)
    form.add_all(v.r1, 1 - alpha, dy, dy)
    form.add_all(v.r2, alpha - 1, dy, dy)
    return form.matrix


def slope_damping(v: Slow) -> Matrix:
    """What the integral of U adds to the slope, times a lower bound of 1/alpha (Bessel)."""
    x, y, _, _, *moments = numbered(v.n, 4 + 2 * v.order)
    form = empty(v.n * (4 + 2 * v.order))
    for k, g in enumerate(rates(x, y, moments[: v.order])):
        form.add_all(v.u, 2 * k + 1, g, g)
    return form.matrix


def lower(v: Slow, alpha: Fraction) -> Matrix:
    """V >= w^T M w; M is affine in alpha.

    Lemma: Q >= blkdiag(S, 0) for the Schur complement S of Q onto x (Q > 0). Bessel: int x^T S x over a window of
    length T is at least (1/T) sum (2k+1) m_k^T S m_k with m_k = T times its moments; 1/alpha >= 2 - alpha and
    1/(1 - alpha) >= 1 + alpha. Of the second window m_0 = Omega_0 - alpha v_0 is used.
    """
    n, parts = v.n, [schur(q, v.n) for q in (v.q1, v.q2)]
    form, rows = empty(n * (3 + 2 * v.order)), numbered(n, 3 + 2 * v.order)
    w = flat(rows)
    form.add_all(mixed(v, alpha), 1, w, w)
    for s, name in zip(parts, ("Q1", "Q2"), strict=True):
        if s is None:
            raise Refused(f"slow.{name}", "is not positive definite")
    if v.order and parts[0] is not None and parts[1] is not None:
        for k in range(v.order):
            form.add_all(parts[0], (2 * k + 1) * (2 - alpha), rows[3 + k], rows[3 + k])
        rest = [
            combine([(ONE, a), (-ONE, b)]) for a, b in zip(rows[3 + v.order], rows[3], strict=True)
        ]
        form.add_all(parts[1], 1 + alpha, rest, rest)
    return form.matrix


def largest(v: Slow, radius: tuple[Fraction, Fraction], first: Fraction) -> Fraction:
    """A bound of V, for every alpha from the first one to 1, for histories within rho with rates within rho'.

    Lemma: |alpha v_k| and |Omega_k| are at most rho, and the size of P0 + alpha P1 is convex in alpha. The windows of
    q1 and q2 add up to 1; the weights of R1 and R2 are (1 - b)/2 and b/2 with b = (1 - alpha)^2, that of U alpha^2/2.
    """
    rho, rate = radius[0], v.h * radius[1]
    total = max(size(mixed(v, alpha), [rho] * len(v.p0)) for alpha in (first, ONE))
    total += max(size(q, [rho] * v.n + [rate] * v.n) for q in (v.q1, v.q2))
    r1, r2, u = (size(r, [rate] * v.n) for r in (v.r1, v.r2, v.u))
    return total + (max(r1, r2) + u) / 2
