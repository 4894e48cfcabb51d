"""Expressions: the one source from which torch functions, enclosures, slopes and Jacobians are made.

An expression is a tree of frozen nodes. It is evaluated over any value that has ``+ - * /`` and integer powers
(floats, tensors, Taylor forms, slopes); what a named function does to such a value is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from certdde.systems.feedforward import Feedforward

FUNCTIONS = ("sin", "cos", "tan", "tanh", "exp", "log", "sqrt", "sigmoid", "atan", "relu")
MAX_EXPONENT = 64
MAX_MULTIPLE = 64


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


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """One output of a network, applied to arguments."""

    network: Feedforward
    index: int
    arguments: tuple[Expression, ...]


Expression = Number | Variable | Add | Multiply | Divide | Power | Call | NetworkOutput
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
        case NetworkOutput(_, _, arguments):
            return arguments
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
        case NetworkOutput(network, index, arguments):
            return NetworkOutput(network, index, tuple(substitute(a, values) for a in arguments))
        case _:
            return expression


def replace_network(expression: Expression, old: Feedforward, new: Feedforward) -> Expression:
    """Put another network in the place of one, which is that object itself."""
    match expression:
        case NetworkOutput(network, index, arguments):
            inside = tuple(replace_network(a, old, new) for a in arguments)
            return NetworkOutput(new if network is old else network, index, inside)
        case Add(a, b) | Multiply(a, b) | Divide(a, b):
            return type(expression)(replace_network(a, old, new), replace_network(b, old, new))
        case Power(a, k):
            return Power(replace_network(a, old, new), k)
        case Call(f, a):
            return Call(f, replace_network(a, old, new))
        case _:
            return expression


def calls(expression: Expression) -> Iterator[NetworkOutput]:
    """Yield the calls of networks in an expression."""
    if isinstance(expression, NetworkOutput):
        yield expression
    for child in children(expression):
        yield from calls(child)


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
        case NetworkOutput(network, index, arguments):
            from certdde.systems.feedforward_values import network_values

            taken = [evaluate(a, values, call) for a in arguments]
            return network_values(network, taken, call)[index]
    raise TypeError(expression)
