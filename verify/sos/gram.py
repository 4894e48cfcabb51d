"""Bases of Gram matrices: by degree, and split by symmetry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from certdde.verify.sos.model import Interval, sign
from certdde.verify.sos.polynomial import Monomial, Polynomial, monomials


@dataclass(frozen=True, slots=True)
class Form:
    """What an identity is made of: target = z^T G z + sum over l of g_l z_l^T G_l z_l.

    Attributes
    ----------
    basis : tuple of Monomial
        z.
    multipliers : mapping from variable to tuple of Monomial
        z_l for g_l = (x_l - lo_l)(hi_l - x_l).
    """

    basis: tuple[Monomial, ...]
    multipliers: dict[int, tuple[Monomial, ...]]

    @classmethod
    def of(
        cls, count: int, inner: Sequence[int], outer: Sequence[int], half: int, *, constant: bool
    ) -> Form:
        """Return the monomials of degree at most ``half`` in the variables ``inner``, and ``outer`` linearly.

        The multipliers of the inner variables have one degree less, so that sigma g has no more than z^T G z. With a
        constant, z holds 1; without, neither does any multiplier: both sides vanish at 0.
        """
        least = 0 if constant else 1
        linear = [m for k in outer for m in monomials([k], count, 1, 1)]
        basis = [*monomials(inner, count, least, half), *linear]
        lower = tuple(monomials(inner, count, least, half - 1))
        return cls(tuple(basis), dict.fromkeys(inner, lower) if lower else {})


def split(basis: Sequence[Monomial], flips: Sequence[Sequence[int]]) -> list[tuple[Monomial, ...]]:
    """Return the classes of monomials with the same signs under all flips: G is block diagonal."""
    classes: dict[tuple[int, ...], list[Monomial]] = {}
    for monomial in basis:
        classes.setdefault(tuple(sign(monomial, flip) for flip in flips), []).append(monomial)
    return [tuple(found) for found in classes.values()]


def wall(index: int, count: int, interval: Interval) -> Polynomial:
    """Return (x - lo)(hi - x) for one variable."""
    lo, hi = interval
    one = [0] * count
    square, linear = list(one), list(one)
    square[index], linear[index] = 2, 1
    terms: Polynomial = {tuple(square): -1, tuple(linear): lo + hi, tuple(one): -lo * hi}
    return {m: float(c) for m, c in terms.items() if c}


def bernstein(power: int, degree: int, index: int, ends: tuple[float, float]) -> float:
    """Return the coefficient with this index of tau^power as a polynomial of a degree on [s, t]."""
    s, t = ends
    terms = (
        comb(degree - index, power - j) * comb(index, j) * s ** (power - j) * t**j
        for j in range(max(0, power - degree + index), min(power, index) + 1)
    )
    return sum(terms) / comb(degree, power)
