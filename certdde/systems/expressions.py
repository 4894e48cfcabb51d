"""Expressions: the one source from which torch functions, enclosures, slopes and Jacobians are made.

An expression is a tree of frozen nodes. It is evaluated over any value that has ``+ - * /`` and integer powers
(floats, tensors, Taylor forms, slopes); what a named function does to such a value is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

FUNCTIONS = ("sin", "cos", "tan", "tanh", "exp", "log", "sqrt", "sigmoid", "atan")
MAX_EXPONENT = 64
MAX_MULTIPLE = 64
MAX_BITS = 100_000  # of an exact power: nested powers of constants would fill the memory


@dataclass(frozen=True, slots=True)
class Number:
    """A rational constant, exact."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Variable:
    """A state now (``delay`` is None) or at ``t - multiple * delay``, ``multiple`` from 1 to 64."""

    name: str
    delay: str | None = None
    multiple: int = 1

    def __str__(self) -> str:
        if self.delay is None:
            return self.name
        times = "" if self.multiple == 1 else f"{self.multiple}*"
        return f"{self.name}(t - {times}{self.delay})"


@dataclass(frozen=True, slots=True)
class Add:
    """left + right."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Multiply:
    """left * right."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Divide:
    """left / right."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Power:
    """base ** exponent with an integer exponent, at most 64 in absolute value."""

    base: Expression
    exponent: int


@dataclass(frozen=True, slots=True)
class Call:
    """One of ``FUNCTIONS`` applied to an argument."""

    function: str
    argument: Expression


Expression = Number | Variable | Add | Multiply | Divide | Power | Call
ZERO, ONE, MINUS_ONE = Number(Fraction(0)), Number(Fraction(1)), Number(Fraction(-1))


def negate(expression: Expression) -> Expression:
    """Return -expression."""
    return scale(expression, Fraction(-1))


def scale(expression: Expression, factor: Fraction) -> Expression:
    """Return factor * expression, folded where the expression is a number."""
    if factor == 1:
        return expression
    if isinstance(expression, Number):
        return Number(factor * expression.value)
    return Multiply(Number(factor), expression)


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the operands of a node."""
    match expression:
        case Add(a, b) | Multiply(a, b) | Divide(a, b):
            return (a, b)
        case Power(a, _) | Call(_, a):
            return (a,)
        case _:
            return ()


def variables(expression: Expression) -> frozenset[Variable]:
    """Return the variables that occur in an expression."""
    if isinstance(expression, Variable):
        return frozenset({expression})
    return frozenset().union(*(variables(child) for child in children(expression)))


def substitute(expression: Expression, values: Mapping[Variable, Expression]) -> Expression:
    """Replace variables by expressions."""
    match expression:
        case Variable():
            return values.get(expression, expression)
        case Add(a, b):
            return Add(substitute(a, values), substitute(b, values))
        case Multiply(a, b):
            return Multiply(substitute(a, values), substitute(b, values))
        case Divide(a, b):
            return Divide(substitute(a, values), substitute(b, values))
        case Power(a, k):
            return Power(substitute(a, values), k)
        case Call(f, a):
            return Call(f, substitute(a, values))
        case _:
            return expression


def evaluate(
    expression: Expression, values: Mapping[Variable, Any], call: Callable[[str, Any], Any]
) -> Any:
    """Evaluate over any algebra.

    Parameters
    ----------
    expression : Expression
        What to evaluate.
    values : mapping from Variable
        The value of each variable.
    call : callable
        ``call(name, value)`` applies one of ``FUNCTIONS``; on a plain float it must return a float.

    Returns
    -------
    A float if the expression holds no variable, else a value of the algebra.
    """
    match expression:
        case Number(value):
            return float(value)
        case Variable():
            return values[expression]
        case Add(a, b):
            return evaluate(a, values, call) + evaluate(b, values, call)
        case Multiply(a, b):
            if a == b and variables(a):
                return evaluate(a, values, call) ** 2
            return evaluate(a, values, call) * evaluate(b, values, call)
        case Divide(a, b):
            return evaluate(a, values, call) / evaluate(b, values, call)
        case Power(a, k):
            return evaluate(a, values, call) ** k
        case Call(f, a):
            return call(f, evaluate(a, values, call))
    raise TypeError(expression)


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
    return _AT_ZERO[function] if argument == 0 else None


def _rational_root(value: Fraction) -> Fraction | None:
    from math import isqrt

    if value < 0:
        return None
    root = Fraction(isqrt(value.numerator), isqrt(value.denominator))
    return root if root * root == value else None
