"""Delay systems: what moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from certdde.errors import ProblemError
from certdde.systems.expressions import (
    Add,
    Expression,
    Number,
    Variable,
    evaluate,
    fold,
    linear_split,
    scale,
    substitute,
    variables,
)
from certdde.systems.grammar import Names, is_scheme, parse_equation
from certdde.systems.system_parts import (
    Interval,
    check_equilibrium,
    domain_box,
    equilibrium_point,
    parameter_values,
    state_names,
)

if TYPE_CHECKING:
    import torch

Lag = tuple[str, int]


@dataclass(frozen=True, slots=True)
class DelaySystem:
    """x'(t) = f(x(t), x(t - k_1 tau_1), ..), whole k_i, stored in deviations from its equilibrium.

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
        f in deviations; for a scheme the next deviation, g(x* + x, x* + y) - x*.
    time : str
        ``continuous``, or ``discrete`` for a scheme x[t+1] = g(x[t], x[t-tau_1], ..).
    """

    name: str
    states: tuple[str, ...]
    equations: tuple[str, ...]
    parameters: Mapping[str, float]
    delays: tuple[str, ...]
    equilibrium: tuple[Fraction, ...]
    domain: tuple[Interval, ...] | None
    rhs: tuple[Expression, ...] = field(repr=False)
    time: str = "continuous"

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
            One ``x' = ...`` a state; the order fixes the order of the states. For a scheme one
            ``x[t+1] = ...`` a state, with ``x[t]`` and ``x[t-tau]``.
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
        states = state_names(equations, parameters or {}, delays)
        discrete = is_scheme(equations[0])
        names = Names(states, parameter_values(parameters or {}), tuple(delays))
        parsed = dict(
            parse_equation(text, names, f"system.equations[{i}]")
            for i, text in enumerate(equations)
        )
        rest = equilibrium_point(equilibrium or {}, states)
        shift = {
            v: Add(Number(rest[states.index(v.name)]), v)
            for e in parsed.values()
            for v in variables(e)
            if rest[states.index(v.name)]
        }
        rhs = tuple(fold(substitute(parsed[s], shift)) for s in states)
        if discrete:
            rhs = tuple(Add(e, Number(-x)) if x else e for e, x in zip(rhs, rest, strict=True))
        check_equilibrium(rhs, equations)
        box = None if domain is None else domain_box(domain, states, rest)
        time = "discrete" if discrete else "continuous"
        values, known = dict(parameters or {}), tuple(delays)
        system = cls(name, states, tuple(equations), values, known, rest, box, rhs, time)
        if box is None and not system.linear:
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

    def single_delay(self) -> str:
        """Return the name of the one delay that occurs, without multiples.

        Raises
        ------
        ProblemError
            If more than one delay occurs in the equations, or a multiple of it.
        """
        name = self.delay()
        if any(multiple > 1 for _, multiple in self.lags):
            raise ProblemError(
                f"the equations use multiples of the delay {name}",
                where="system.equations",
                wanted="this engine takes one delay",
            )
        return name

    @property
    def lags(self) -> tuple[Lag, ...]:
        """What is subtracted from t, as (delay, multiple): in the order of ``delays``, then of multiples.

        A delay that does not occur counts with the multiple 1.
        """
        used = {(v.delay, v.multiple) for e in self.rhs for v in variables(e)}
        return tuple(
            (name, multiple)
            for name in self.delays
            for multiple in sorted(k for d, k in used if d == name) or [1]
        )

    @property
    def one_lag(self) -> bool:
        """Whether one delay occurs at most, without multiples."""
        used = {
            (v.delay, v.multiple) for e in self.rhs for v in variables(e) if v.delay is not None
        }
        return len(used) <= 1 and all(multiple == 1 for _, multiple in used)

    @property
    def linear(self) -> bool:
        """Whether f is linear by its syntax, with rational coefficients."""
        return not any(variables(linear_split(e).remainder) for e in self.rhs)

    def deviation_function(self) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Return f(x, y) in deviations, on tensors with states in the last axis, for a system with one delay."""
        delay = self.single_delay()

        def function(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return _stack(self.rhs, self.states, x, {(delay, 1): y})

        return function

    def torch_function(self) -> Callable[[Any, torch.Tensor, Sequence[torch.Tensor]], torch.Tensor]:
        """Return ``f(t, x, delayed)`` in the user's coordinates, ``delayed`` in the order of ``lags``.

        This is the signature that :func:`certdde.solvers.ddeint` takes; shapes (..., n). Without multiples
        ``lags`` are the ``delays``.
        """
        lags = self.lags

        def function(_t: object, x: torch.Tensor, delayed: Sequence[torch.Tensor]) -> torch.Tensor:
            rest = x.new_tensor([float(value) for value in self.equilibrium])
            past = {lag: value - rest for lag, value in zip(lags, delayed, strict=True)}
            value = _stack(self.rhs, self.states, x - rest, past)
            return value + rest if self.time == "discrete" else value

        return function

    def jacobians(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return df/dx and df/dy at the equilibrium, each (n, n) in float64, for a system with one delay."""
        self.single_delay()
        present, [(_, delayed)] = self.linearisation()
        return present, delayed

    def linearisation(self) -> tuple[torch.Tensor, list[tuple[Lag, torch.Tensor]]]:
        """Return df/dx, and df/dy for each of the lags that occur, at the equilibrium, (n, n) in float64."""
        import torch

        used = {v.delay for e in self.rhs for v in variables(e)}
        lags = [lag for lag in self.lags if lag[0] in used] or [self.lags[0]]

        def function(x: torch.Tensor, *past: torch.Tensor) -> torch.Tensor:
            return _stack(self.rhs, self.states, x, dict(zip(lags, past, strict=True)))

        zero = torch.zeros(self.dimension, dtype=torch.float64)
        arguments = (zero,) * (1 + len(lags))
        present, *delayed = torch.autograd.functional.jacobian(function, arguments)
        return present.detach(), [(k, d.detach()) for k, d in zip(lags, delayed, strict=True)]

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
    past: Mapping[Lag, torch.Tensor],
) -> torch.Tensor:
    import torch

    from certdde.systems.torch_functions import apply_function

    values = {Variable(s): x[..., i] for i, s in enumerate(states)}
    values |= {Variable(s, *k): y[..., i] for k, y in past.items() for i, s in enumerate(states)}
    rows = [evaluate(e, values, apply_function) for e in rhs]
    like = torch.broadcast_tensors(x[..., 0], *(y[..., 0] for y in past.values()))[0]
    return torch.stack(
        [
            row.expand_as(like) if isinstance(row, torch.Tensor) else torch.full_like(like, row)
            for row in rows
        ],
        dim=-1,
    )
