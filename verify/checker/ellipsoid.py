"""Levels and sizes of quadratic bounds of a functional, all exact (spec, "Nonlinear systems")."""

from collections.abc import Sequence
from fractions import Fraction

from .document import Box
from .dominance import positive_definite
from .exact import Matrix
from .refusal import require


def check_level(form: Matrix, level: Fraction, domain: Box, where: str) -> None:
    """w^T M w > c wherever a state is at or beyond an end of its interval; w begins with the states.

    Lemma: with r the nearer end of the interval of x_i, r^2 M - c e_i e_i^T > 0 and |x_i| >= r imply
    r^2 w^T M w > c x_i^2 >= c r^2.
    """
    for i, (low, high) in enumerate(domain):
        r = min(-low, high)
        require(r > 0, where, f"has a level set, but 0 is not inside the domain in state {i}")
        square = [[r * r * value for value in row] for row in form]
        square[i][i] -= level
        inside = positive_definite(square)
        require(inside, where, f"has a level set that leaves the domain in state {i}")


def size(matrix: Matrix, bounds: Sequence[Fraction]) -> Fraction:
    """Lemma: |w_i| <= m_i implies w^T M w <= sum |M_ij| m_i m_j."""
    rows = zip(matrix, bounds, strict=True)
    terms = (abs(a) * u * v for row, u in rows for a, v in zip(row, bounds, strict=True))
    return sum(terms, Fraction(0))
