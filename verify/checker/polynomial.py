"""Polynomials with rational coefficients, and sums of squares on a box by exact Gram matrices (spec, kind "sos")."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .bundle import Arrays
from .document import Box
from .dominance import positive_definite
from .exact import Exact, Matrix
from .refusal import Refused, require

Monomial = tuple[int, ...]
Terms = dict[Monomial, Fraction]

MAX_DEGREE = 64
MAX_TERMS = 20_000
MAX_BASIS = 200


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A sum of monomials, by their exponents; no coefficient is zero. Made for `tree.evaluate`."""

    terms: Terms

    def __add__(self, other: "Polynomial") -> "Polynomial":
        return Polynomial(collected([*self.terms.items(), *other.terms.items()]))

    def __neg__(self) -> "Polynomial":
        return self.times(Fraction(-1))

    def __mul__(self, other: "Polynomial") -> "Polynomial":
        require(len(self.terms) * len(other.terms) <= MAX_TERMS, "a polynomial", "is too long")
        pairs = ((sums(a, b), p * q) for a, p in self.terms.items() for b, q in other.terms.items())
        result = Polynomial(collected(pairs))
        degree = max((sum(m) for m in result.terms), default=0)
        require(degree <= MAX_DEGREE, "a polynomial", "is of too high a degree")
        return result

    def times(self, factor: Fraction) -> "Polynomial":
        """A multiple."""
        return Polynomial({m: factor * c for m, c in self.terms.items() if factor != 0})

    def apply(self, name: str, exponent: int = 0) -> "Polynomial":
        """A power; a function, or a negative power, of a constant that is known exactly."""
        if name == "pow" and exponent > 0:
            result = self
            for _ in range(exponent - 1):
                result = result * self
            return result
        if len(self.terms) == 1 and not any(next(iter(self.terms))):
            [(one, value)] = self.terms.items()
            return Polynomial(collected([(one, Exact(value).apply(name, exponent).value)]))
        raise Refused("system.equations", "is not a polynomial")


def collected(terms: Iterable[tuple[Monomial, Fraction]]) -> Terms:
    """The sum of terms."""
    total: Terms = {}
    for monomial, value in terms:
        total[monomial] = total.get(monomial, Fraction(0)) + value
    return {monomial: value for monomial, value in total.items() if value != 0}


def sums(a: Monomial, b: Monomial) -> Monomial:
    """The exponents of a product."""
    return tuple(i + j for i, j in zip(a, b, strict=True))


def constant(value: Fraction, count: int) -> Polynomial:
    """A constant."""
    return Polynomial(collected([((0,) * count, value)]))


def variable(index: int, count: int) -> Polynomial:
    """One of `count` variables."""
    return Polynomial({tuple(int(k == index) for k in range(count)): Fraction(1)})


def exponents(array: np.ndarray | None, count: int, where: str) -> list[Monomial]:
    """Distinct monomials, one a row of an integer array."""
    if array is None or array.dtype.str != "<i8" or array.ndim != 2 or array.shape[1] != count:
        raise Refused(where, "has a wrong type or shape")
    rows = [tuple(row) for row in array.tolist()]
    require(all(0 <= k <= MAX_DEGREE for row in rows for k in row), where, "has a wild exponent")
    require(len(set(rows)) == len(rows), where, "has a monomial twice")
    return rows


@dataclass(frozen=True, slots=True)
class Block:
    """Monomials z and a symmetric matrix G."""

    basis: list[Monomial]
    gram: Matrix

    def square(self) -> Terms:
        """z^T G z."""
        pairs = (
            (sums(a, b), value)
            for a, row in zip(self.basis, self.gram, strict=True)
            for b, value in zip(self.basis, row, strict=True)
        )
        return collected(pairs)

    def projected(self, target: Terms, where: str) -> "Block":
        """The matrix G' with z^T G' z = target exactly: what is missing is spread over the entries of a monomial."""
        places: dict[Monomial, list[tuple[int, int]]] = {}
        for i, a in enumerate(self.basis):
            for j, b in enumerate(self.basis):
                places.setdefault(sums(a, b), []).append((i, j))
        require(set(target) <= set(places), where, "has a monomial that the basis does not produce")
        gram = [list(row) for row in self.gram]
        for monomial, entries in places.items():
            found = sum((gram[i][j] for i, j in entries), Fraction(0))
            part = (target.get(monomial, Fraction(0)) - found) / len(entries)
            for i, j in entries:
                gram[i][j] += part
        return Block(self.basis, gram)


def read_block(arrays: Arrays, name: str, suffix: str, count: int) -> Block:
    """Take `<name>.basis<suffix>` and `<name>.gram<suffix>` out of the arrays."""
    where = f"{name}.basis{suffix}"
    basis = exponents(arrays.pop(where, None), count, where)
    require(0 < len(basis) <= MAX_BASIS, where, "is empty or too long")
    where = f"{name}.gram{suffix}"
    gram = arrays.pop(where, None)
    if gram is None or gram.dtype.str != "<f8" or gram.shape != (len(basis),) * 2:
        raise Refused(where, "has a wrong type or shape")
    require(bool((gram == gram.T).all()), where, "is not symmetric")
    return Block(basis, [[Fraction(item) for item in row] for row in gram.tolist()])


def check_squares(target: Terms, arrays: Arrays, name: str, box: Box) -> list[Monomial]:
    """Target >= e |z|^2 on the box for some e > 0; returns z.

    Lemma: target = z^T G z + sum_l g_l z_l^T G_l z_l identically, where g_l = (v_l - lo_l)(hi_l - v_l) >= 0 on the
    box, all G_l and the projected G are positive definite. Nothing of the stored G is believed.
    """
    rest = [(m, c) for m, c in target.items()]
    for k, (lo, hi) in enumerate(box):
        if f"{name}.basis{k}" in arrays:
            block = read_block(arrays, name, str(k), len(box))
            require(positive_definite(block.gram), f"{name}.gram{k}", "is not positive definite")
            v = variable(k, len(box))
            wall = (v + constant(-lo, len(box))) * (constant(hi, len(box)) + -v)
            square = block.square()
            for shift, factor in wall.terms.items():
                rest += [(sums(m, shift), -factor * c) for m, c in square.items()]
    main = read_block(arrays, name, "", len(box))
    mended = main.projected(collected(rest), f"{name}.basis")
    require(positive_definite(mended.gram), f"{name}.gram", "is not positive definite")
    return main.basis
