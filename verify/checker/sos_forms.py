"""The derivative of a polynomial functional, and its Bernstein coefficients in the delay (spec, kind "sos")."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import comb

from .exact import Matrix
from .polynomial import Monomial, Polynomial, Terms, collected, constant, variable
from .system import System
from .tree import evaluate


@dataclass(frozen=True, slots=True)
class Functional:
    """V = w^T P w + p(w) + int [x^T S x + q(x)] + int (s - t + tau) x'^T R x', w = (x, tau Omega_0, ..)."""

    p: Matrix
    s: Matrix
    r: Matrix
    v0: Terms
    w: Terms


@dataclass(frozen=True, slots=True)
class Symbols:
    """Everything that D is made of, as polynomials in (x, y, Omega_0, .., Omega_{N-1}, tau, kappa)."""

    x: list[Polynomial]
    y: list[Polynomial]
    f: list[Polynomial]
    g: list[list[Polynomial]]
    w: list[Polynomial]
    tau: Polynomial
    kappa: Polynomial


def symbols(system: System, order: int) -> Symbols:
    """F from the equations; G_k = x - (-1)^k y - sum_{j<k} (2j+1)(1 - (-1)^(k+j)) Omega_j for k = 0..N (MATH 2)."""
    n, count = system.n, system.n * (order + 2) + 2
    v = [variable(k, count) for k in range(count)]
    f = []
    for linear, rest in zip(system.linear, system.rest, strict=True):
        row = [v[j].times(a) for j, a in linear.items()]
        if rest is not None:
            row.append(evaluate(rest, v.__getitem__, lambda c: constant(c, count)))
        f.append(total(row))
    g = []
    for k in range(order + 1):
        rows = []
        for i in range(n):
            parts = [v[i], v[n + i].times(Fraction(-((-1) ** k)))]
            for j in range(k):
                factor = Fraction(-(2 * j + 1) * (1 - (-1) ** (k + j)))
                parts.append(v[(2 + j) * n + i].times(factor))
            rows.append(total(parts))
        g.append(rows)
    w = v[:n] + [v[-2] * one for one in v[2 * n : -2]]
    return Symbols(v[:n], v[n : 2 * n], f, g, w, v[-2], v[-1])


def total(parts: list[Polynomial]) -> Polynomial:
    """A sum, zero if there is nothing to add."""
    return Polynomial(collected(term for part in parts for term in part.terms.items()))


def dissipation(system: System, functional: Functional, order: int) -> Terms:
    """D, an upper bound of dV/dt at the delay tau if kappa <= 1/tau.

    D = (2 P w + grad p(w)) . (f, G_0, .., G_{N-1}) + x^T S x + q(x) - y^T S y - q(y) + tau f^T R f
    - kappa sum_{k<=N} (2k+1) G_k^T R G_k.
    """
    z = symbols(system, order)
    flow = [*z.f, *(one for rows in z.g[:-1] for one in rows)]
    parts = []
    for k, (row, derivative) in enumerate(zip(functional.p, flow, strict=True)):
        slope = [one.times(2 * a) for a, one in zip(row, z.w, strict=True)]
        slope += [
            power(z.w, lowered(m, k)).times(m[k] * c) for m, c in functional.v0.items() if m[k]
        ]
        parts.append(total(slope) * derivative)
    for values, sign in ((z.x, Fraction(1)), (z.y, Fraction(-1))):
        parts.append(square(functional.s, values).times(sign))
        parts += [power(values, m).times(sign * c) for m, c in functional.w.items()]
    parts.append(z.tau * square(functional.r, z.f))
    for k, rows in enumerate(z.g):
        parts.append(z.kappa * square(functional.r, rows).times(Fraction(-(2 * k + 1))))
    return total(parts).terms


def square(matrix: Matrix, values: list[Polynomial]) -> Polynomial:
    """The quadratic form of a matrix at some polynomials."""
    rows = [total([v.times(a) for a, v in zip(row, values, strict=True)]) for row in matrix]
    return total([a * b for a, b in zip(values, rows, strict=True)])


def power(values: list[Polynomial], monomial: Monomial) -> Polynomial:
    """A monomial in some variables."""
    result = constant(Fraction(1), len(next(iter(values[0].terms))))
    for value, exponent in zip(values, monomial, strict=True):
        for _ in range(exponent):
            result = result * value
    return result


def lowered(monomial: Monomial, k: int) -> Monomial:
    """One less of the k-th variable."""
    return (*monomial[:k], monomial[k] - 1, *monomial[k + 1 :])


def coefficients(form: Terms, breaks: list[Fraction]) -> Iterator[tuple[str, Terms]]:
    """The Bernstein coefficients of D in tau on every piece, with their names.

    Lemma: a polynomial of degree m in tau is on [s, t] a convex combination of its m + 1 Bernstein coefficients.
    kappa is linear there and at most 1/tau: the tangent at the middle, or 1/t if s = 0.
    """
    degree = max(1, *(m[-2] for m in form))
    for j, (s, t) in enumerate(pairwise(breaks)):
        c = (s + t) / 2
        first, last = (2 / c - s / c**2, 2 / c - t / c**2) if s > 0 else (1 / t, 1 / t)
        for e in range(degree + 1):
            kappa = first + (last - first) * Fraction(e, degree)
            taus = [bernstein(k, degree, e, s, t) for k in range(degree + 1)]
            terms = ((m[:-2], c * (kappa if m[-1] else taus[m[-2]])) for m, c in form.items())
            yield f"D{j}_{e}", collected(terms)


def bernstein(k: int, degree: int, e: int, s: Fraction, t: Fraction) -> Fraction:
    """The e-th coefficient of tau^k: the mean of the products of k out of (s [degree - e times], t [e times])."""
    parts = (comb(degree - e, k - j) * comb(e, j) * s ** (k - j) * t**j for j in range(k + 1))
    return sum(parts, Fraction(0)) / comb(degree, k)
