"""Delay systems: what moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from certdde.errors import ProblemError
from certdde.systems.exact_values import linear_split
from certdde.systems.expressions import (
    Expression,
    variables,
)
from certdde.systems.feedforward import Feedforward
from certdde.systems.grammar import Names
from certdde.systems.grammar_hints import is_scheme
from certdde.systems.network_calls import read_equations, read_networks
from certdde.systems.rest_points import Balance
from certdde.systems.system_parts import (
    RESERVED,
    check_numbers,
    deviations,
    domain_box,
    parameter_values,
    state_names,
)
from certdde.systems.unknowns import Family, Interval, at_rest, inserted, scaled, shifted

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
        Parameter values, as floats whose decimal ``repr`` is meant, or pairs of them: intervals.
    equilibrium : tuple of Fraction
        x*, exact; about, if ``family`` has an enclosure.
    domain : tuple of (Fraction, Fraction), or None
        The box in deviations from the equilibrium; None makes every claim global.
    rhs : tuple of Expression
        f in deviations; for a scheme the next deviation, g(x* + x, x* + y) - x*.
    time : str
        ``continuous``, or ``discrete`` for a scheme x[t+1] = g(x[t], x[t-tau_1], ..).
    networks : mapping from str to Feedforward
        Those that the equations call.
    family : Family, or None
        What is known in intervals only. ``rhs`` is then that for the middle of the parameters and ``equilibrium``,
        less its value there; what is proved is proved for the family.
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
    family: Family | None = field(default=None, repr=False)
    networks: Mapping[str, Feedforward] = field(default_factory=dict, repr=False)

    @classmethod
    def from_equations(
        cls,
        equations: Sequence[str],
        *,
        parameters: Mapping[str, Any] | None = None,
        domain: Mapping[str, Sequence[float]] | None = None,
        equilibrium: Mapping[str, Any] | str | None = None,
        delays: Sequence[str] = ("tau",),
        networks: Mapping[str, Any] | None = None,
        name: str = "system",
    ) -> DelaySystem:
        """Build a system from text.

        Parameters
        ----------
        equations : sequence of str
            One ``x' = ...`` a state; the order fixes the order of the states. For a scheme one
            ``x[t+1] = ...`` a state, with ``x[t]`` and ``x[t-tau]``.
        parameters : mapping
            Values of the names that are not states; a pair is an interval that holds a constant.
        domain : mapping from state to (lo, hi), optional
            A box around the equilibrium; needed if f is not linear.
        equilibrium : mapping from state to float or pair, or ``"find"``, optional
            Default 0. Decimals may be about; pairs, for each state, are a box that holds the equilibrium.
        delays : sequence of str
            The delay names that may occur.
        networks : mapping, optional
            What the equations call by name: a file (ONNX, safetensors), a torch module, a
            :class:`~certdde.systems.feedforward.Feedforward`, or ``{"file": .., "shift": True, "at_rest": 0.0}``
            for a network less its value at the equilibrium. With several outputs ``u`` is called as ``u_1(..)``, ..
        name : str
            Used in titles.

        Raises
        ------
        ProblemError
            If an equation cannot be read, a name is unknown or given twice, no equilibrium is where it is
            said to be, the domain does not hold it inside, or f is not linear and there is no domain.

        Examples
        --------
        >>> system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1]})
        >>> system.states
        ('x',)
        """
        states = state_names(equations, parameters or {}, delays)
        discrete = is_scheme(equations[0])
        values, unknown = parameter_values(parameters or {})
        known = {**values, **dict.fromkeys(one.name for one in unknown)}
        sources = read_networks(networks or {}, {*states, *known, *delays, *RESERVED})
        names = Names(states, known, tuple(delays))
        parsed, called = read_equations(equations, names, sources, equilibrium or {})
        box = domain_box(domain, states)
        balance = Balance(parsed, tuple(equations), states, unknown, box, discrete)
        rest = balance.rest_point(equilibrium or {})
        middle = [inserted(e, {one.name: one.middle for one in unknown}) for e in parsed]
        rhs = shifted(middle, states, rest.point)
        if discrete:
            rhs = balance.changes(rhs, rest.point)
        elif rest.enclosure:
            rhs = tuple(at_rest(e, states) for e in rhs)
        for i, expression in enumerate(rhs):
            check_numbers(expression, f"system.equations[{i}]")
        families = (parsed, states, unknown, rest.point, rest.enclosure)
        family = Family.of(*families) if unknown or rest.enclosure else None
        system = cls(
            name,
            states,
            tuple(equations),
            dict(parameters or {}),
            tuple(delays),
            rest.point,
            deviations(box, states, rest.point, rest.boxes),
            rhs,
            "discrete" if discrete else "continuous",
            family,
            called,
        )
        if box is None and not system.linear:
            wanted = "give a box, as in domain = { x = [-1.0, 1.0] }"
            what = "the system is not linear and has no domain"
            raise ProblemError(what, where="system.domain", wanted=wanted)
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
        rhs = self.rhs if self.family is None else self.family.rhs
        return not any(variables(linear_split(e).remainder) for e in rhs)

    def deviation_function(self) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Return f(x, y) in deviations, on tensors with states in the last axis, for a system with one delay."""
        from certdde.systems.torch_functions import stack_rows

        delay = self.single_delay()

        def function(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return stack_rows(self.rhs, self.states, x, {(delay, 1): y})

        return function

    def torch_function(self) -> Callable[[Any, torch.Tensor, Sequence[torch.Tensor]], torch.Tensor]:
        """Return ``f(t, x, delayed)`` in the user's coordinates, ``delayed`` in the order of ``lags``.

        This is the signature that :func:`certdde.solvers.ddeint` takes; shapes (..., n). Without multiples
        ``lags`` are the ``delays``.
        """
        from certdde.systems.torch_functions import stack_rows

        lags = self.lags

        def function(_t: object, x: torch.Tensor, delayed: Sequence[torch.Tensor]) -> torch.Tensor:
            rest = x.new_tensor([float(value) for value in self.equilibrium])
            past = {lag: value - rest for lag, value in zip(lags, delayed, strict=True)}
            value = stack_rows(self.rhs, self.states, x - rest, past)
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

        from certdde.systems.torch_functions import stack_rows

        used = {v.delay for e in self.rhs for v in variables(e)}
        lags = [lag for lag in self.lags if lag[0] in used] or [self.lags[0]]

        def function(x: torch.Tensor, *past: torch.Tensor) -> torch.Tensor:
            return stack_rows(self.rhs, self.states, x, dict(zip(lags, past, strict=True)))

        zero = torch.zeros(self.dimension, dtype=torch.float64)
        arguments = (zero,) * (1 + len(lags))
        present, *delayed = torch.autograd.functional.jacobian(function, arguments)
        return present.detach(), [(k, d.detach()) for k, d in zip(lags, delayed, strict=True)]

    def scaled(self, state: Sequence[Fraction], time: Fraction) -> DelaySystem:
        """Return the system in x = diag(state) z, t = time * s; exact when the factors are powers of two."""
        box = (
            None
            if self.domain is None
            else tuple((lo / k, hi / k) for (lo, hi), k in zip(self.domain, state, strict=True))
        )
        rhs = scaled(self.rhs, self.states, state, time)
        family = self.family and self.family.scaled(state, time)
        return replace(self, rhs=rhs, domain=box, family=family)

    @property
    def ends(self) -> tuple[tuple[Interval, Interval], ...] | None:
        """The two ends of the domain for each state, in deviations: each in an interval."""
        if self.domain is None:
            return None
        zero = (Fraction(0), Fraction(0))
        drift = self.family.drift if self.family else (zero,) * self.dimension
        return tuple(
            ((lo + down, lo + up), (hi + down, hi + up))
            for (lo, hi), (down, up) in zip(self.domain, drift, strict=True)
        )

    @property
    def whole(self) -> tuple[Interval, ...] | None:
        """The domain in deviations from the equilibrium, wherever in its box that is."""
        ends = self.ends
        return None if ends is None else tuple((low[0], high[1]) for low, high in ends)
