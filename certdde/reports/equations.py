"""The equations of a system as formulas: from the syntax tree back to print, with the names of the parameters kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from certdde.reports.dialect import Dialect, Equation, Line
from certdde.reports.plain import Plain
from certdde.systems.delay_system import DelaySystem
from certdde.systems.expressions import (
    Add,
    Call,
    Divide,
    Expression,
    Multiply,
    NetworkOutput,
    Number,
    Power,
    Variable,
)
from certdde.systems.grammar import Names, parse_equation

WIDE = 66
SUM, PRODUCT, ATOM = 0, 1, 2
_PLAIN = Plain()


@dataclass(frozen=True, slots=True)
class Term:
    """A signed term of a sum, as printed, and about how many characters wide."""

    negative: bool
    text: str
    width: int


@dataclass(frozen=True, slots=True)
class EquationWriter:
    """Writes expressions in a dialect; names among ``parameters`` do not depend on time."""

    dialect: Dialect
    parameters: frozenset[str]

    def terms(self, expression: Expression) -> list[Term]:
        """Return the terms of a sum; an expression that is no sum is one term."""
        if isinstance(expression, Add):
            return self.terms(expression.left) + self.terms(expression.right)
        negative, factors = signed_factors(expression)
        plain = EquationWriter(_PLAIN, self.parameters)
        return [Term(negative, self._product(factors), len(plain._product(factors)))]

    def write(self, expression: Expression, level: int = SUM) -> str:
        """Return an expression, in brackets if it binds less than ``level`` asks for."""
        d = self.dialect
        match expression:
            case Variable():
                return self._variable(expression)
            case Call("sqrt", argument):
                return d.root(self.write(argument))
            case Call(function, argument):
                return d.call(d.operator(function), self.write(argument))
            case NetworkOutput(network, index, arguments):
                name = d.name(network.name)
                name = name if network.outputs == 1 else d.sub(name, d.number(str(index + 1)))
                return d.call(name, d.join([self.write(a) for a in arguments]))
            case Power(base, exponent):
                return d.sup(self._base(base), d.number(str(exponent)))
            case Number(value) if value >= 0 and (value.denominator == 1 or level < ATOM):
                return write_number(d, value)
        inner, loosest = self._compound(expression)
        return d.fence(inner) if loosest < level else inner

    def _compound(self, expression: Expression) -> tuple[str, int]:
        terms = self.terms(expression)
        if len(terms) > 1 or terms[0].negative:
            return write_sum(self.dialect, terms), SUM
        return terms[0].text, PRODUCT

    def _product(self, factors: Sequence[Expression]) -> str:
        d = self.dialect
        if len(factors) == 1:
            return self._factor(factors[0], SUM if isinstance(factors[0], Divide) else PRODUCT)
        parts = [self._factor(factors[0], PRODUCT)]
        for factor in factors[1:]:
            digits = isinstance(factor, Number) or isinstance(getattr(factor, "base", None), Number)
            parts += [d.symbol("cdot" if digits else "times"), self._factor(factor, PRODUCT)]
        return d.row(*parts)

    def _factor(self, factor: Expression, level: int) -> str:
        if isinstance(factor, Divide):
            return self.dialect.fraction(self.write(factor.left), self.write(factor.right))
        return self.write(factor, level)

    def _base(self, base: Expression) -> str:
        if isinstance(base, (Call, Power)):
            return self.dialect.fence(self.write(base))
        return self.write(base, ATOM)

    def _variable(self, variable: Variable) -> str:
        d = self.dialect
        if variable.name in self.parameters:
            return d.name(variable.name)
        time = d.word("t")
        if variable.delay is not None:
            lag = d.name(variable.delay)
            if variable.multiple > 1:
                lag = d.row(d.number(str(variable.multiple)), d.symbol("times"), lag)
            time = d.row(time, d.symbol("minus"), lag)
        return d.call(d.name(variable.name), time)


def signed_factors(expression: Expression) -> tuple[bool, list[Expression]]:
    """Return whether a product is negative, and its factors without signs and ones; at least one factor."""
    match expression:
        case Multiply(a, b):
            (first, left), (second, right) = signed_factors(a), signed_factors(b)
            factors = [f for f in left + right if f != Number(Fraction(1))]
            return first != second, factors or [Number(Fraction(1))]
        case Number(value) if value < 0:
            return True, [Number(-value)]
        case Divide(a, b):
            negative, factors = signed_factors(a)
            product = factors[0]
            for factor in factors[1:]:
                product = Multiply(product, factor)
            return negative, [Divide(product, b)]
    return False, [expression]


def write_number(dialect: Dialect, value: Fraction) -> str:
    """Return a rational as a decimal if it has a short one, else as a fraction."""
    decimal = Decimal(value.numerator) / Decimal(value.denominator)
    if Fraction(decimal) != value:
        return dialect.fraction(str(value.numerator), str(value.denominator))
    text = f"{decimal:f}"
    if len(text) > 12:
        text = f"{decimal.normalize():E}".replace("E", "e").replace("e+", "e")
    return dialect.number(text)


def write_sum(dialect: Dialect, terms: Sequence[Term], *, leading: bool = True) -> str:
    """Return signed terms one after the other; ``leading``: a plus in front of the first is left out."""
    parts = []
    for i, term in enumerate(terms):
        first = leading and i == 0
        if term.negative or not first:
            sign = ("negative" if first else "minus") if term.negative else "plus"
            parts.append(dialect.symbol(sign))
        parts.append(term.text)
    return dialect.row(*parts)


def pack(
    dialect: Dialect, relation: str, terms: Sequence[Term], room: int = WIDE
) -> tuple[Line, ...]:
    """Break a sum into lines of at most ``room`` characters where its terms allow."""
    groups: list[list[Term]] = [[]]
    for term in terms:
        if groups[-1] and sum(t.width + 3 for t in groups[-1]) + term.width > room:
            groups.append([])
        groups[-1].append(term)
    lines = []
    for i, group in enumerate(groups):
        text = write_sum(dialect, group, leading=i == 0)
        text = dialect.row(dialect.symbol(relation), text) if i == 0 else text
        lines.append(Line(text, sum(t.width + 3 for t in group)))
    return tuple(lines)


def system_equations(dialect: Dialect, system: DelaySystem) -> list[Equation]:
    """Return the equations of a system in the user's coordinates."""
    if not dialect.typesets:
        return [Equation("", (Line(text, len(text)),)) for text in system.equations]
    parameters = frozenset(system.parameters)
    writer = EquationWriter(dialect, parameters)
    discrete = system.time == "discrete"
    names = Names((*system.states, *parameters), {}, system.delays, system.networks)
    now = dialect.word("t")
    when = dialect.row(now, dialect.symbol("plus"), dialect.number("1")) if discrete else now
    equations = []
    for text in system.equations:
        state, right = parse_equation(text, names)
        left = dialect.call(dialect.name(state, dotted=not discrete), when)
        equations.append(Equation(left, pack(dialect, "equal", writer.terms(right))))
    return equations
