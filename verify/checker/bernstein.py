"""Forms that are polynomials on pieces of [0, 1], with 1/alpha and 1/(1 - alpha): positive, shown exactly."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import comb, lcm

import numpy as np

from .dominance import Whole, definite
from .exact import Matrix
from .leaves import Count
from .measurable import tangent, to_bernstein
from .refusal import require


@dataclass(frozen=True, slots=True)
class Family:
    """A form on [0, 1]: sum_j B_j(alpha) fixed[j] + near / alpha + far / (1 - alpha), integers over one denominator."""

    fixed: Whole
    near: Whole
    far: Whole


def nodes(degree: int) -> list[Fraction]:
    """0, 1/d, .., 1."""
    return [Fraction(i, degree) for i in range(degree + 1)]


def family(values: list[Matrix], near: Matrix, far: Matrix, sign: int) -> Family:
    """The form that must be positive: sign * values + near / alpha + far / (1 - alpha)."""
    change, span = to_bernstein(len(values) - 1), range(len(near))
    fixed = [
        [
            [
                sign * sum((c * m[i][j] for c, m in zip(row, values, strict=True)), Fraction(0))
                for j in span
            ]
            for i in span
        ]
        for row in change
    ]
    everything = [*fixed, near, far]
    common = lcm(*(value.denominator for m in everything for row in m for value in row))
    whole = np.array(
        [[[int(a * common) for a in row] for row in m] for m in everything], dtype=object
    )
    return Family(whole[:-2], whole[-2], whole[-1])


def check(form: Family, breaks: list[Fraction], what: str, count: Count) -> None:
    """Every Bernstein coefficient on every piece is positive definite.

    Lemma: the weights 1/alpha, 1/(1 - alpha) are replaced by tangents, which are not above them; then the form is
    a polynomial on the piece, a convex combination of its Bernstein coefficients there.
    """
    degree = len(form.fixed) - 1
    for a, b in pairwise(breaks):
        near, far = tangent(a, b), tangent(1 - b, 1 - a)[::-1]
        for row, t in zip(restriction(degree, a, b), nodes(degree), strict=True):
            weights = [*row, near[0] + (near[1] - near[0]) * t, far[0] + (far[1] - far[0]) * t]
            common = lcm(*(weight.denominator for weight in weights))
            *inner, one, two = (int(weight * common) for weight in weights)
            total = sum((w * m for w, m in zip(inner, form.fixed, strict=True)), one * form.near)
            shown_piece = f"alpha in [{float(a)!r}, {float(b)!r}]"
            right = definite(total + two * form.far)
            require(right, f"slow, {shown_piece}", f"{what} has the wrong sign")
        count(1)


def restriction(d: int, a: Fraction, b: Fraction) -> Matrix:
    """Rows that give the Bernstein coefficients on [a, b] from those on [0, 1].

    Lemma (polar form): the i-th is the value of the symmetric multi-affine form at a, d - i times, and b, i times;
    of the j-th Bernstein polynomial that is the coefficient of X^j in (1 - a + a X)^(d - i) (1 - b + b X)^i.
    """
    found = []
    for i in range(d + 1):
        row = [Fraction(0)] * (d + 1)
        for p in range(d - i + 1):
            for q in range(i + 1):
                left = comb(d - i, p) * a**p * (1 - a) ** (d - i - p)
                row[p + q] += left * comb(i, q) * b**q * (1 - b) ** (i - q)
        found.append(row)
    return found
