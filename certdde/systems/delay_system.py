"""Delay systems: what moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from certdde.errors import ProblemError
from certdde.systems.expressions import (
    FUNCTIONS,
    Add,
    Call,
    Divide,
    Expression,
    Multiply,
    Number,
    Power,
    Variable,
    children,
    evaluate,
    fold,
    linear_split,
    rational,
    scale,
    substitute,
    variables,
)
from certdde.systems.grammar import Names, left_hand_side, parse_equation

if TYPE_CHECKING:
    import torch

Interval = tuple[Fraction, Fraction]
RESERVED = frozenset({"t", *FUNCTIONS})


@dataclass(frozen=True, slots=True)
class DelaySystem:
    """x'(t) = f(x(t), x(t - tau_1), ..), stored in deviations from its equilibrium.

    Attributes
    ----------
    states, delays : tuple of str
        Names, in order.
    equations : tuple of str
        The text of each equation, for ``states`` in order.
    parameters : dict
        Parameter values, as floats whose decimal ``repr`` is meant.
    equilibrium : tuple of Fraction
        x*, exact.
    domain : tuple of (Fraction, Fraction), or None
        The box in deviations from the equilibrium; None makes every claim global.
    rhs : tuple of Expression
        f in deviations.
    """

    name: str
    states: tuple[str, ...]
    equations: tuple[str, ...]
    parameters: Mapping[str, float]
    delays: tuple[str, ...]
    equilibrium: tuple[Fraction, ...]
    domain: tuple[Interval, ...] | None
    rhs: tuple[Expression, ...] = field(repr=False)

    @classmethod
    def from_equations(
        cls,
        equations: Sequence[str],
        *,
        parameters: Mapping[str, Any] | None = None,
        domain: Mapping[str, Sequence[float]] | None = None,
        equilibrium: Mapping[str, float] | None = None,
        delays: Sequence[str] = ("tau",),
        networks: Mapping[str, str] | None = None,
        name: str = "system",
    ) -> DelaySystem:
        """Build a system from text.

        Parameters
        ----------
        equations : sequence of str
            One ``x' = ...`` a state; the order fixes the order of the states.
        parameters : mapping
            Values of the names that are not states.
        domain : mapping from state to (lo, hi), optional
            A box around the equilibrium, in the user's coordinates; needed if f is not linear.
        equilibrium : mapping from state to float, optional
            Default 0.
        delays : sequence of str
            The delay names that may occur.
        networks : mapping, optional
            Not supported yet.
        name : str
            Used in titles.

        Raises
        ------
        ProblemError
            If an equation cannot be read, a name is unknown or given twice, f(x*, x*) is not
            exactly 0, the domain does not hold
            the equilibrium inside, or f is not linear and there is no domain.

        Examples
        --------
        >>> system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1]})
        >>> system.states
        ('x',)
        """
        if networks:
            raise ProblemError(
                "networks in equations are not supported yet",
                where="system.networks",
                wanted="write the system without them",
            )
        states = _states(equations, parameters or {}, delays)
        names = Names(states, _parameters(parameters or {}), tuple(delays))
        parsed = dict(
            parse_equation(text, names, f"system.equations[{i}]")
            for i, text in enumerate(equations)
        )
        rest = _equilibrium(equilibrium or {}, states)
        shift = {
            v: Add(Number(rest[states.index(v.name)]), v)
            for e in parsed.values()
            for v in variables(e)
            if rest[states.index(v.name)]
        }
        rhs = tuple(fold(substitute(parsed[s], shift)) for s in states)
        _check_equilibrium(rhs, equations)
        box = None if domain is None else _domain(domain, states, rest)
        system = cls(
            name, states, tuple(equations), dict(parameters or {}), tuple(delays), rest, box, rhs
        )
        if box is None and any(variables(linear_split(e).remainder) for e in rhs):
            raise ProblemError(
                "the system is not linear and has no domain",
                where="system.domain",
                wanted="give a box, as in domain = { x = [-1.0, 1.0] }",
            )
        return system

    @property
    def dimension(self) -> int:
        """Number of states."""
        return len(self.states)

    def delay(self) -> str:
        """Return the name of the one delay that occurs.

        Raises
        ------
        ProblemError
            If more than one delay occurs in the equations.
        """
        used = sorted({v.delay for e in self.rhs for v in variables(e) if v.delay is not None})
        if len(used) > 1:
            raise ProblemError(
                f"the equations use {len(used)} delays ({', '.join(used)})",
                where="system.equations",
                wanted="this engine takes one delay",
            )
        return used[0] if used else self.delays[0]

    def deviation_function(self) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Return f(x, y) in deviations, on tensors with states in the last axis, for a system with one delay."""
        delay = self.delay()

        def function(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return _stack(self.rhs, self.states, x, {delay: y})

        return function

    def torch_function(self) -> Callable[[Any, torch.Tensor, Sequence[torch.Tensor]], torch.Tensor]:
        """Return ``f(t, x, delayed)`` in the user's coordinates, ``delayed`` in the order of ``delays``.

        This is the signature that :func:`certdde.solvers.ddeint` takes; shapes (..., n).
        """

        def function(_t: object, x: torch.Tensor, delayed: Sequence[torch.Tensor]) -> torch.Tensor:
            rest = x.new_tensor([float(value) for value in self.equilibrium])
            past = {name: value - rest for name, value in zip(self.delays, delayed, strict=True)}
            return _stack(self.rhs, self.states, x - rest, past)

        return function

    def jacobians(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return df/dx and df/dy at the equilibrium, each (n, n) in float64, for a system with one delay."""
        import torch

        zero = torch.zeros(self.dimension, dtype=torch.float64)
        jacobian = torch.autograd.functional.jacobian(self.deviation_function(), (zero, zero))
        return jacobian[0].detach(), jacobian[1].detach()

    def scaled(self, state: Sequence[Fraction], time: Fraction) -> DelaySystem:
        """Return the system in x = diag(state) z, t = time * s; exact when the factors are powers of two."""
        by_name = dict(zip(self.states, state, strict=True))
        values = {v: scale(v, by_name[v.name]) for e in self.rhs for v in variables(e)}
        rhs = tuple(
            scale(substitute(e, values), time / by_name[s])
            for s, e in zip(self.states, self.rhs, strict=True)
        )
        box = (
            None
            if self.domain is None
            else tuple((lo / k, hi / k) for (lo, hi), k in zip(self.domain, state, strict=True))
        )
        return replace(self, rhs=rhs, domain=box)


def _stack(
    rhs: Sequence[Expression],
    states: Sequence[str],
    x: torch.Tensor,
    past: Mapping[str, torch.Tensor],
) -> torch.Tensor:
    import torch

    from certdde.systems.torch_functions import apply_function

    values = {Variable(s): x[..., i] for i, s in enumerate(states)}
    values |= {Variable(s, d): y[..., i] for d, y in past.items() for i, s in enumerate(states)}
    rows = [evaluate(e, values, apply_function) for e in rhs]
    like = torch.broadcast_tensors(x[..., 0], *(y[..., 0] for y in past.values()))[0]
    return torch.stack(
        [
            row.expand_as(like) if isinstance(row, torch.Tensor) else torch.full_like(like, row)
            for row in rows
        ],
        dim=-1,
    )


def _states(
    equations: Sequence[str], parameters: Mapping[str, Any], delays: Sequence[str]
) -> tuple[str, ...]:
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
        if state in states[:i]:
            raise ProblemError(
                f"the state {state!r} has two equations",
                where=f"system.equations[{i}]",
                wanted="one equation a state",
            )
        if state in parameters or state in delays or state in RESERVED:
            raise ProblemError(
                f"the name {state!r} is also a parameter, a delay, a function or the time",
                where=f"system.equations[{i}]",
                wanted="another name",
            )
    for name in parameters:
        if name in delays or name in RESERVED:
            raise ProblemError(
                f"the name {name!r} is also a delay, a function or the time",
                where=f"system.parameters.{name}",
                wanted="another name",
            )
    if not delays:
        raise ProblemError(
            "there is no delay", where="delays", wanted="declare one, as in [delays.tau]"
        )
    return states


def _parameters(parameters: Mapping[str, Any]) -> dict[str, Fraction]:
    values = {}
    for name, value in parameters.items():
        if isinstance(value, (tuple, list)):
            raise ProblemError(
                "a parameter known only in an interval is not supported yet",
                where=f"system.parameters.{name}",
                wanted="one number",
            )
        values[name] = _decimal(value, f"system.parameters.{name}")
    return values


def _decimal(value: float, where: str) -> Fraction:
    try:
        return Fraction(repr(float(value)))
    except (ValueError, TypeError, OverflowError):
        raise ProblemError(
            f"{value!r} is not a finite number", where=where, wanted="a finite number"
        ) from None


def _equilibrium(equilibrium: Mapping[str, float], states: Sequence[str]) -> tuple[Fraction, ...]:
    for name in equilibrium:
        if name not in states:
            raise ProblemError(
                f"unknown state {name!r}",
                where="system.equilibrium",
                wanted=f"states: {', '.join(states)}",
            )
    return tuple(_decimal(equilibrium.get(s, 0.0), f"system.equilibrium.{s}") for s in states)


def _domain(
    domain: Mapping[str, Sequence[float]], states: Sequence[str], rest: Sequence[Fraction]
) -> tuple[Interval, ...]:
    missing, extra = [s for s in states if s not in domain], [s for s in domain if s not in states]
    if missing or extra:
        what = f"no interval for {missing[0]!r}" if missing else f"unknown state {extra[0]!r}"
        raise ProblemError(
            what, where="system.domain", wanted=f"one interval for each of {', '.join(states)}"
        )
    box = []
    for state, value in zip(states, rest, strict=True):
        lo, hi = (_decimal(end, f"system.domain.{state}") for end in domain[state])
        if not lo < value < hi:
            raise ProblemError(
                f"[{float(lo)}, {float(hi)}] does not hold the equilibrium {float(value)} inside",
                where=f"system.domain.{state}",
                wanted="lo < equilibrium < hi",
            )
        box.append((lo - value, hi - value))
    return tuple(box)


def _check_equilibrium(rhs: Sequence[Expression], equations: Sequence[str]) -> None:
    for i, expression in enumerate(rhs):
        zero = {v: Fraction(0) for v in variables(expression)}
        value = rational(expression, zero)
        where = f"system.equations[{i}]"
        _check_operations(expression, where)
        if value is None:
            raise ProblemError(
                f"cannot evaluate {equations[i]!r} exactly at the equilibrium",
                where=where,
                wanted="f(x*, x*) = 0 must hold in exact arithmetic",
            )
        if value != 0:
            raise ProblemError(
                f"{equations[i]!r} is {_shown(value)} at the equilibrium, not 0",
                where=where,
                wanted="set system.equilibrium to a point where f is 0",
            )
        for coefficient in linear_split(expression).coefficients.values():
            _check_number(coefficient, where)


def _check_operations(expression: Expression, where: str) -> None:
    if not isinstance(expression, (Number, Variable, Add, Multiply, Divide, Power, Call)):
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
