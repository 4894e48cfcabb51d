"""What a delay system is made of, checked: names, values, equilibrium and domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from certdde.errors import ProblemError
from certdde.systems.exact_values import linear_split, rational
from certdde.systems.expressions import (
    FUNCTIONS,
    Add,
    Call,
    Divide,
    Expression,
    Multiply,
    NetworkOutput,
    Number,
    Power,
    Variable,
    calls,
    children,
    evaluate,
    variables,
)
from certdde.systems.grammar import left_hand_side
from certdde.systems.grammar_hints import is_scheme
from certdde.systems.unknowns import Interval, IntervalParameter

# The time, the functions, and what a certificate's sentence calls the functional and its levels.
RESERVED = frozenset({"t", "V", "V_i", "c_i", "clip", *FUNCTIONS})


def state_names(
    equations: Sequence[str], parameters: Mapping[str, Any], delays: Sequence[str]
) -> tuple[str, ...]:
    """Return the states in the order of the equations, each once and none reserved."""
    if not equations:
        raise ProblemError(
            "there is no equation",
            where="system.equations",
            wanted='give at least one, as in ["x\' = -x(t - tau)"]',
        )
    states = tuple(
        left_hand_side(text, f"system.equations[{i}]") for i, text in enumerate(equations)
    )
    for i, state in enumerate(states):
        if is_scheme(equations[i]) != is_scheme(equations[0]):
            raise ProblemError(
                "some equations are differential and some are steps of a scheme",
                where=f"system.equations[{i}]",
                wanted="all as x' = ..., or all as x[t+1] = ...",
            )
        if state in states[:i]:
            raise ProblemError(
                f"the state {state!r} has two equations",
                where=f"system.equations[{i}]",
                wanted="one equation a state",
            )
        if state in parameters or state in delays or state in RESERVED:
            raise ProblemError(
                f"the name {state!r} is also a parameter, a delay, a function, the time or the functional",
                where=f"system.equations[{i}]",
                wanted="another name",
            )
    for name in parameters:
        if name in delays or name in RESERVED:
            raise ProblemError(
                f"the name {name!r} is also a delay, a function, the time or the functional",
                where=f"system.parameters.{name}",
                wanted="another name",
            )
    for name in delays:
        if name in RESERVED:
            raise ProblemError(
                f"the name {name!r} is also a function, the time or the functional",
                where=f"delays.{name}",
                wanted="another name",
            )
    if not delays:
        raise ProblemError(
            "there is no delay", where="delays", wanted="declare one, as in [delays.tau]"
        )
    return states


def parameter_values(
    parameters: Mapping[str, Any],
) -> tuple[dict[str, Fraction], tuple[IntervalParameter, ...]]:
    """Return the exact values of the parameters, and those known in intervals in order of name."""
    values, unknown = {}, []
    for name, value in sorted(parameters.items()):
        where = f"system.parameters.{name}"
        if not isinstance(value, (tuple, list)):
            values[name] = decimal(value, where)
            continue
        ends = [decimal(end, where) for end in value]
        if len(ends) != 2 or not ends[0] < ends[1]:
            wanted = "one number, or two with lower < upper"
            raise ProblemError(f"{list(value)} is no interval", where=where, wanted=wanted)
        unknown.append(IntervalParameter(name, *ends))
    return values, tuple(unknown)


def decimal(value: float, where: str) -> Fraction:
    """Return a number exactly as it is printed."""
    try:
        return Fraction(repr(float(value)))
    except (ValueError, TypeError, OverflowError):
        raise ProblemError(
            f"{value!r} is not a finite number", where=where, wanted="a finite number"
        ) from None


def equilibrium_point(
    equilibrium: Mapping[str, float], states: Sequence[str]
) -> tuple[Fraction, ...]:
    """Return x*, exact; 0 for a state that is not given."""
    for name in equilibrium:
        if name not in states:
            raise ProblemError(
                f"unknown state {name!r}",
                where="system.equilibrium",
                wanted=f"states: {', '.join(states)}",
            )
    return tuple(decimal(equilibrium.get(s, 0.0), f"system.equilibrium.{s}") for s in states)


def domain_box(
    domain: Mapping[str, Sequence[float]] | None, states: Sequence[str]
) -> tuple[Interval, ...] | None:
    """Return the domain, in the user's coordinates."""
    if domain is None:
        return None
    missing, extra = [s for s in states if s not in domain], [s for s in domain if s not in states]
    if missing or extra:
        what = f"no interval for {missing[0]!r}" if missing else f"unknown state {extra[0]!r}"
        raise ProblemError(
            what, where="system.domain", wanted=f"one interval for each of {', '.join(states)}"
        )
    box = []
    for state in states:
        lo, hi = (decimal(end, f"system.domain.{state}") for end in domain[state])
        box.append((lo, hi))
    return tuple(box)


def deviations(
    domain: Sequence[Interval] | None,
    states: Sequence[str],
    point: Sequence[Fraction],
    boxes: Sequence[Interval],
) -> tuple[Interval, ...] | None:
    """Return the domain in deviations from a point; the boxes that hold the equilibrium must lie inside."""
    for state, (lo, hi), (a, b) in zip(states, domain or (), boxes, strict=domain is not None):
        if not lo < a <= b < hi:
            shown = f"{float(a)}" if a == b else f"in [{float(a)}, {float(b)}]"
            raise ProblemError(
                f"[{float(lo)}, {float(hi)}] does not hold the equilibrium {shown} inside",
                where=f"system.domain.{state}",
                wanted="lo < equilibrium < hi",
            )
    if domain is None:
        return None
    return tuple((lo - x, hi - x) for (lo, hi), x in zip(domain, point, strict=True))


def check_equilibrium(rhs: Sequence[Expression], equations: Sequence[str]) -> None:
    """Refuse unless f(x*, x*) = 0 exactly and every number and operation can be used.

    For a scheme f is what is added to x*: g(x*, x*) - x*.
    """
    for i, expression in enumerate(rhs):
        zero = {v: Fraction(0) for v in variables(expression)}
        value = rational(expression, zero)
        where = f"system.equations[{i}]"
        check_numbers(expression, where)
        if value != 0 and any(True for _ in calls(expression)):
            raise _network_at_rest(expression, equations[i], where)
        if value is None:
            raise ProblemError(
                f"cannot evaluate {equations[i]!r} exactly at the equilibrium",
                where=where,
                wanted="f(x*, x*) = 0 must hold in exact arithmetic",
            )
        if value != 0:
            raise ProblemError(
                f"{equations[i]!r} is {_shown(value)} {_off(equations[i])}",
                where=where,
                wanted=f"set system.equilibrium to a point where {_still(equations[i])}"
                + ("" if is_scheme(equations[i]) else ", or to 'find'"),
            )


def _network_at_rest(expression: Expression, equation: str, where: str) -> ProblemError:
    """Return the error about an equation with networks that is not shown to be 0 at the equilibrium."""
    from certdde.systems.torch_functions import apply_function

    zero = dict.fromkeys(variables(expression), 0.0)
    shown = ", ".join(
        f"{call.network.name} = {float(evaluate(call, zero, apply_function)):.6g}"
        for call in calls(expression)
    )
    return ProblemError(
        f"{equation!r} is not 0, or not exactly, at the equilibrium, where {shown}",
        where=where,
        wanted="shift the network, as in u = { file = .., shift = true }, or set equilibrium = 'find'",
    )


def check_numbers(expression: Expression, where: str) -> None:
    """Refuse an operation or a number that cannot be used."""
    _check_operations(expression, where)
    for coefficient in linear_split(expression).coefficients.values():
        _check_number(coefficient, where)


def _off(equation: str) -> str:
    return "off the equilibrium" if is_scheme(equation) else "at the equilibrium, not 0"


def _still(equation: str) -> str:
    return "nothing changes" if is_scheme(equation) else "f is 0"


def _check_operations(expression: Expression, where: str) -> None:
    if not isinstance(
        expression, (Number, Variable, Add, Multiply, Divide, Power, Call, NetworkOutput)
    ):
        raise ProblemError(
            f"no engine can bound {type(expression).__name__}",
            where=where,
            wanted="see the list of functions",
        )
    if isinstance(expression, Number):
        _check_number(expression.value, where)
    for child in children(expression):
        _check_operations(child, where)


def _check_number(value: Fraction, where: str) -> None:
    """Refuse a constant that binary64 cannot hold: the engines compute in it."""
    if _shown(value) in ("inf", "-inf") or (value and not float(value)):
        raise ProblemError(
            "a constant is out of range", where=where, wanted="numbers that fit in binary64"
        )


def _shown(value: Fraction) -> str:
    try:
        return f"{float(value):.6g}"
    except OverflowError:
        return "inf" if value > 0 else "-inf"
