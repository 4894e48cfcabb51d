"""The grammar of equations: text to expression, never ``eval``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from math import inf

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from certdde.errors import ProblemError
from certdde.systems.exact_values import rational
from certdde.systems.expressions import (
    FUNCTIONS,
    MAX_EXPONENT,
    MAX_MULTIPLE,
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
    negate,
)
from certdde.systems.feedforward import Feedforward
from certdde.systems.grammar_hints import hint, is_scheme, syntax_error, unknown

MAX_LENGTH, MAX_DEPTH = 10_000, 200


@dataclass(frozen=True, slots=True)
class Names:
    """What the names of an equation may mean; a parameter without a value stays one.

    A network with one output is called by its name, one with several as ``u_1(...)``, ``u_2(...)``, ..
    """

    states: tuple[str, ...]
    parameters: Mapping[str, Fraction | None]
    delays: tuple[str, ...]
    networks: Mapping[str, Feedforward] = field(default_factory=dict)

    @property
    def calls(self) -> dict[str, tuple[Feedforward, int]]:
        """The names by which outputs of networks are called."""
        found = {}
        for name, network in self.networks.items():
            for k in range(network.outputs):
                found[name if network.outputs == 1 else f"{name}_{k + 1}"] = (network, k)
        return found


def parse_equation(text: str, names: Names, where: str = "equation") -> tuple[str, Expression]:
    """Parse ``name' = expression``, or ``name[t+1] = expression``.

    Parameters
    ----------
    text : str
        One equation.
    names : Names
        The states, parameters (replaced by their exact values) and delays that may occur.
    where : str
        The place that an error names.

    Returns
    -------
    (str, Expression)
        The state on the left and the right-hand side.

    Raises
    ------
    ProblemError
        If the text does not follow the grammar or uses a name that is not declared.
    """
    if len(text) > MAX_LENGTH:
        raise ProblemError(
            f"the equation has {len(text)} characters", where=where, wanted=f"at most {MAX_LENGTH}"
        )
    try:
        if _depth(text) > MAX_DEPTH:
            raise ProblemError(
                "the parentheses are nested too deeply",
                where=where,
                wanted=f"at most {MAX_DEPTH} levels",
            )
        return _read(text, names, where)
    except UnexpectedInput as error:
        raise ProblemError(*syntax_error(text, error), where=where, wanted=hint(text)) from None
    except VisitError as error:
        if isinstance(error.orig_exc, ProblemError):
            raise error.orig_exc from None
        raise
    except RecursionError:
        raise ProblemError(
            "the expression is nested too deeply", where=where, wanted="a shorter expression"
        ) from None


def _read(text: str, names: Names, where: str) -> tuple[str, Expression]:
    builder = _Builder(names, where, discrete=is_scheme(text))
    equation: tuple[str, Expression] = builder.transform(_parser().parse(text))
    if _levels(equation[1]) > MAX_DEPTH:
        raise RecursionError
    return equation


def left_hand_side(text: str, where: str) -> str:
    """Return the name before ``'`` or ``[t+1]`` so that states are known before right-hand sides are read."""
    head = text.partition("=")[0].strip()
    name = head.partition("[")[0].strip() if is_scheme(text) else head[:-1].strip()
    if not (is_scheme(text) or head.endswith("'")) or not name.isidentifier():
        raise ProblemError(
            f"cannot read the left-hand side of {text!r}",
            where=where,
            wanted="it must be a state with a prime, as in x' = ..., or a next step, as in x[t+1] = ...",
        )
    return name


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _levels(expression: Expression) -> int:
    """Return the depth of the tree, whatever the interpreter's limit: later steps walk it recursively."""
    level, depth = [expression], 0
    while level:
        level, depth = [child for node in level for child in children(node)], depth + 1
    return depth


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = files("certdde.systems").joinpath("equations.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="earley", ambiguity="resolve")


@v_args(inline=True)
class _Builder(Transformer):  # type: ignore[type-arg]
    """From the parse tree to an expression."""

    def __init__(self, names: Names, where: str, *, discrete: bool) -> None:
        super().__init__()
        self._names, self._where, self._discrete = names, where, discrete

    def start(self, equation: tuple[str, Expression]) -> tuple[str, Expression]:
        return equation

    def equation(self, name: Token, expression: Expression) -> tuple[str, Expression]:
        return str(name), expression

    def expression(self, inner: Expression) -> Expression:
        return inner

    def add(self, a: Expression, b: Expression) -> Expression:
        return Add(a, b)

    def sub(self, a: Expression, b: Expression) -> Expression:
        return Add(a, negate(b))

    def mul(self, a: Expression, b: Expression) -> Expression:
        return Multiply(a, b)

    def div(self, a: Expression, b: Expression) -> Expression:
        return Divide(a, b)

    def neg(self, a: Expression) -> Expression:
        return negate(a)

    def pos(self, a: Expression) -> Expression:
        return a

    def intexp(self, token: Token) -> int:
        value = int(token[:8])
        if len(token) > 8 or value > MAX_EXPONENT:
            raise ProblemError(
                f"the exponent {token} is too large",
                where=self._where,
                wanted=f"an integer of at most {MAX_EXPONENT}",
            )
        return value

    def negexp(self, value: int) -> int:
        return -value

    def posexp(self, value: int) -> int:
        return value

    def power(self, a: Expression, k: int) -> Expression:
        return Power(a, k)

    def number(self, token: Token) -> Expression:
        mantissa, _, _ = token.lower().partition("e")
        nearest = float(token)
        vanishes = not mantissa.strip("0.")
        if len(mantissa) > 400 or nearest == inf or (nearest == 0) != vanishes:
            raise ProblemError(
                f"the number {token[:20]} is out of range",
                where=self._where,
                wanted="a binary64 number",
            )
        return Number(Fraction(0) if vanishes else Fraction(str(token)))

    def name(self, token: Token) -> Expression:
        name = str(token)
        if name in self._names.states:
            return Variable(name)
        if name in self._names.parameters:
            value = self._names.parameters[name]
            return Variable(name) if value is None else Number(value)
        raise unknown(name, "name", [*self._names.states, *self._names.parameters], self._where)

    def this_step(self, token: Token) -> Expression:
        self._brackets(f"{token}[t]", discrete=True)
        return self._present(token)

    def earlier_step(self, token: Token, delay: Token) -> Expression:
        self._brackets(f"{token}[t-{delay}]", discrete=True)
        return self._delayed(token, delay)

    def _brackets(self, text: str, *, discrete: bool) -> None:
        if discrete != self._discrete:
            kind = "scheme" if self._discrete else "differential equation"
            wanted = "x[t] and x[t-tau]" if self._discrete else "x(t) and x(t - tau)"
            raise ProblemError(f"{text} in a {kind}", where=self._where, wanted=f"write {wanted}")

    def present(self, token: Token) -> Expression:
        self._brackets(f"{token}(t)", discrete=False)
        return self._present(token)

    def _present(self, token: Token) -> Expression:
        if str(token) not in self._names.states:
            raise unknown(str(token), "state", self._names.states, self._where)
        return Variable(str(token))

    def delayed(self, token: Token, delay: Token) -> Expression:
        self._brackets(f"{token}(t - {delay})", discrete=False)
        return self._delayed(token, delay)

    def _delayed(self, token: Token, delay: Token) -> Expression:
        if str(token) not in self._names.states:
            raise unknown(str(token), "state", self._names.states, self._where)
        if str(delay) not in self._names.delays:
            raise unknown(str(delay), "delay", self._names.delays, self._where)
        return Variable(str(token), str(delay))

    def multiple(self, token: Token, times: Token, delay: Token) -> Expression:
        if len(times) > 8 or not 1 <= int(times) <= MAX_MULTIPLE:
            raise ProblemError(
                f"the delay is taken {times[:20]} times",
                where=self._where,
                wanted=f"a whole number from 1 to {MAX_MULTIPLE}, as in x(t - 2*tau)",
            )
        self.delayed(token, delay)  # knows the names
        return Variable(str(token), str(delay), int(times))

    def call(self, token: Token, *arguments: Expression) -> Expression:
        name, calls = str(token), self._names.calls
        if name in calls:
            return self._network(name, *calls[name], arguments)
        if name == "clip":
            return clipped(arguments, self._where)
        if name not in FUNCTIONS:
            known = [*FUNCTIONS, "clip", *calls]
            raise unknown(name, "function", known, self._where)
        if len(arguments) != 1:
            raise ProblemError(
                f"{token} takes one argument", where=self._where, wanted=f"{token}(z)"
            )
        return Call(name, arguments[0])

    def _network(
        self, name: str, network: Feedforward, index: int, arguments: tuple[Expression, ...]
    ) -> Expression:
        if len(arguments) != network.inputs:
            raise ProblemError(
                f"{name} is given {len(arguments)} arguments, and its network has inputs: {network.inputs}",
                where=self._where,
                wanted="one argument for each input of the network",
            )
        return NetworkOutput(network, index, arguments)


def clipped(arguments: tuple[Expression, ...], where: str) -> Expression:
    """Return clip(z, lo, hi) = hi - relu(hi - lo - relu(z - lo)), lo < hi."""
    ends = [rational(a) for a in arguments[1:]]
    if len(arguments) != 3 or ends[0] is None or ends[1] is None or not ends[0] < ends[1]:
        wanted = "clip(z, lo, hi) with numbers lo < hi"
        raise ProblemError("clip is given something else", where=where, wanted=wanted)
    z, (low, high) = arguments[0], arguments[1:]
    above = Call("relu", Add(z, negate(low)))
    left = Call("relu", Add(Add(high, negate(low)), negate(above)))
    return Add(high, negate(left))
