"""Polynomials as mappings from exponents to coefficients, floats or rationals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

from certdde.systems.exact_values import rational
from certdde.systems.expressions import (
    Add,
    Divide,
    Expression,
    Multiply,
    Power,
    Variable,
)

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, Any]

MAX_TERMS = 5000


def variable(index: int, count: int) -> Polynomial:
    """Return the polynomial of one of ``count`` variables."""
    return {tuple(int(k == index) for k in range(count)): 1}


def combine(parts: Iterable[tuple[Any, Polynomial]]) -> Polynomial:
    """Return the sum of factor * polynomial, without terms that vanish."""
    total: Polynomial = {}
    for factor, polynomial in parts:
        for monomial, value in polynomial.items():
            total[monomial] = total.get(monomial, 0) + factor * value
    return {monomial: value for monomial, value in total.items() if value != 0}


def multiply(left: Polynomial, right: Polynomial) -> Polynomial:
    """Return the product."""
    total: Polynomial = {}
    for a, p in left.items():
        for b, q in right.items():
            key = tuple(map(sum, zip(a, b, strict=True)))
            total[key] = total.get(key, 0) + p * q
    return {monomial: value for monomial, value in total.items() if value != 0}


def derivative(polynomial: Polynomial, index: int) -> Polynomial:
    """Return the derivative by one variable."""
    result: Polynomial = {}
    for monomial, value in polynomial.items():
        if monomial[index]:
            lower = (*monomial[:index], monomial[index] - 1, *monomial[index + 1 :])
            result[lower] = monomial[index] * value
    return result


def degree(polynomial: Mapping[Monomial, Any]) -> int:
    """Return the total degree; 0 for the zero polynomial."""
    return max((sum(monomial) for monomial in polynomial), default=0)


def monomials(places: Sequence[int], count: int, least: int, most: int) -> Iterator[Monomial]:
    """Yield the monomials of total degree ``least`` .. ``most`` in the variables ``places`` of ``count``."""
    for total in range(least, most + 1):
        for chosen in combinations_with_replacement(places, total):
            yield tuple(chosen.count(k) for k in range(count))


def from_expression(
    expression: Expression, places: Mapping[Variable, int], count: int
) -> Polynomial | None:
    """Return an expression as a polynomial with rational coefficients, or None if it is not one."""
    value = rational(expression)
    if value is not None:
        return {(0,) * count: value} if value else {}
    match expression:
        case Variable():
            return {m: Fraction(c) for m, c in variable(places[expression], count).items()}
        case Add(a, b):
            parts = [from_expression(child, places, count) for child in (a, b)]
            return None if None in parts else combine((1, part) for part in parts if part)
        case Multiply(a, b):
            return _product(*(from_expression(child, places, count) for child in (a, b)))
        case Divide(a, b):
            below, above = rational(b), from_expression(a, places, count)
            return None if not below or above is None else combine([(1 / below, above)])
        case Power(a, k) if k >= 0:
            return _power(from_expression(a, places, count), k, count)
    return None


def _product(left: Polynomial | None, right: Polynomial | None) -> Polynomial | None:
    if left is None or right is None or len(left) * len(right) > MAX_TERMS:
        return None
    return multiply(left, right)


def _power(base: Polynomial | None, exponent: int, count: int) -> Polynomial | None:
    result: Polynomial | None = {(0,) * count: Fraction(1)}
    for _ in range(exponent):
        result = _product(result, base)
    return result
