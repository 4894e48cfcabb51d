"""Trees of the right-hand sides, and their evaluation in any arithmetic (spec 3)."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any, TypeVar, cast

from .feedforward import Feedforward
from .network_values import through

FUNCTIONS = frozenset(
    ("sin", "cos", "tan", "tanh", "exp", "log", "sqrt", "sigmoid", "atan", "relu")
)
T = TypeVar("T")  # rationals, Taylor forms or slopes: +, *, - and apply(function, exponent)


@dataclass(frozen=True, slots=True)
class Node:
    """`op` is const, var, + (any number of terms), neg, *, pow, a function's name, or net: an output of `network`."""

    op: str
    args: tuple["Node", ...] = ()
    value: Fraction = Fraction(0)
    network: Feedforward | None = None


def evaluate(node: Node, variable: Callable[[int], T], constant: Callable[[Fraction], T]) -> T:
    """The value of a tree by structural recursion; the product of equal factors is a square."""
    if node.op == "const":
        return constant(node.value)
    if node.op == "var":
        return variable(int(node.value))
    parts: list[Any] = [evaluate(arg, variable, constant) for arg in node.args]
    if node.op == "+":
        return cast("T", reduce(add, parts))
    if node.op == "neg":
        return cast("T", -parts[0])
    if node.op == "*" and node.args[0] == node.args[1]:
        return cast("T", parts[0].apply("pow", 2))
    if node.op == "*":
        return cast("T", parts[0] * parts[1])
    if node.network is not None:
        return cast("T", through(node.network, parts, int(node.value)))
    return cast("T", parts[0].apply(node.op, int(node.value)))
