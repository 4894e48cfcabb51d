"""Exact values of expressions: what is certainly rational, and sums split into linear terms and the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from certdde.systems.expressions import (
    ZERO,
    Add,
    Call,
    Divide,
    Expression,
    Multiply,
    NetworkOutput,
    Number,
    Power,
    Variable,
    children,
    scale,
    variables,
)

MAX_BITS = 100_000  # of an exact power: nested powers of constants would fill the memory


@dataclass(frozen=True, slots=True)
class LinearSplit:
    """expression = sum of coefficient * variable + remainder, with rational coefficients."""

    coefficients: dict[Variable, Fraction]
    remainder: Expression


def linear_split(expression: Expression) -> LinearSplit:
    """Split off the terms that are linear with a rational coefficient, by the syntax alone.

    Sums are walked, products with and quotients by constants are distributed; every other term goes to the
    remainder, whose variables are the nonlinear ones. The checker uses the same rule.
    """
    coefficients: dict[Variable, Fraction] = {}
    rest: list[Expression] = []
    _split(expression, Fraction(1), coefficients, rest)
    remainder: Expression = ZERO
    for term in rest:
        remainder = term if remainder == ZERO else Add(remainder, term)
    return LinearSplit({k: v for k, v in coefficients.items() if v}, remainder)


def _split(
    expression: Expression, factor: Fraction, out: dict[Variable, Fraction], rest: list[Expression]
) -> None:
    match expression:
        case Variable():
            out[expression] = out.get(expression, Fraction(0)) + factor
        case Add(a, b):
            _split(a, factor, out, rest)
            _split(b, factor, out, rest)
        case Multiply(a, b) if (constant := rational(a)) is not None:
            _split(b, factor * constant, out, rest)
        case Multiply(a, b) if (constant := rational(b)) is not None:
            _split(a, factor * constant, out, rest)
        case Divide(a, b) if (constant := rational(b)) is not None and constant != 0:
            _split(a, factor / constant, out, rest)
        case Number(value):
            if value:
                rest.append(Number(value * factor))
        case _:
            rest.append(scale(expression, factor))


_AT_ZERO: dict[str, Fraction] = {
    "sin": Fraction(0),
    "tan": Fraction(0),
    "tanh": Fraction(0),
    "atan": Fraction(0),
    "exp": Fraction(1),
    "cos": Fraction(1),
    "sigmoid": Fraction(1, 2),
}


def rational(
    expression: Expression, values: Mapping[Variable, Fraction] | None = None
) -> Fraction | None:
    """Return the exact value if it is rational by the rules of the certificate format, else None.

    The known function values are those at 0, log 1 = 0 and square roots of squares.
    """
    match expression:
        case Number(value):
            return value
        case Variable():
            return None if values is None else values.get(expression)
        case Call(f, a):
            return _rational_call(f, rational(a, values))
        case Power(a, k):
            base = rational(a, values)
            return None if base is None or (base == 0 and k < 0) or _huge(base, k) else base**k
        case NetworkOutput(network, index, arguments):
            return network.exact([rational(a, values) for a in arguments])[index]
    left, right = (rational(child, values) for child in children(expression))
    if left is None or right is None:
        return None
    match expression:
        case Add():
            return left + right
        case Multiply():
            return left * right
        case _:
            return None if right == 0 else left / right


def fold(expression: Expression) -> Expression:
    """Replace every part without a variable by its exact value, where it is rational."""
    if not variables(expression):
        value = rational(expression)
        return expression if value is None else Number(value)
    match expression:
        case Add(a, b):
            return Add(fold(a), fold(b))
        case Multiply(a, b):
            return Multiply(fold(a), fold(b))
        case Divide(a, b):
            return Divide(fold(a), fold(b))
        case Power(a, k):
            return Power(fold(a), k)
        case Call(f, a):
            return Call(f, fold(a))
        case NetworkOutput(network, index, arguments):
            return NetworkOutput(network, index, tuple(map(fold, arguments)))
        case _:
            return expression


def _huge(base: Fraction, exponent: int) -> bool:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    return bits * abs(exponent) > MAX_BITS


def _rational_call(function: str, argument: Fraction | None) -> Fraction | None:
    if argument is None:
        return None
    if function == "log":
        return Fraction(0) if argument == 1 else None
    if function == "sqrt":
        return _rational_root(argument)
    if function == "relu":
        return max(argument, Fraction(0))
    return _AT_ZERO[function] if argument == 0 else None


def _rational_root(value: Fraction) -> Fraction | None:
    if value < 0:
        return None
    root = Fraction(isqrt(value.numerator), isqrt(value.denominator))
    return root if root * root == value else None
