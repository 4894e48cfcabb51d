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
from certdde.systems.grammar import Names, parse_equation
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
        states = state_names(equations, parameters or {}, delays)
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
        check_equilibrium(rhs, equations)
        box = None if domain is None else domain_box(domain, states, rest)
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
