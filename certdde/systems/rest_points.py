"""The equilibrium of a system: exact as given, or a box that holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from certdde.errors import ProblemError
from certdde.systems.equilibria import Field, candidates, enclosed, unique
from certdde.systems.expressions import Add, Expression, Number
from certdde.systems.system_parts import check_equilibrium, decimal, equilibrium_point
from certdde.systems.unknowns import (
    EnclosedEquilibrium,
    Interval,
    IntervalParameter,
    corners,
    inserted,
    shifted,
)

SHORT = 10  # digits of a decimal that is tried as an equilibrium
NEAR = 0.01  # of the domain: how far the equilibrium may be from decimals that are meant for it
WHERE = "system.equilibrium"


@dataclass(frozen=True, slots=True)
class RestPoint:
    """The equilibrium: exact, or about (for the middle of the parameters) and in a box."""

    point: tuple[Fraction, ...]
    enclosure: EnclosedEquilibrium | None = None

    @property
    def boxes(self) -> tuple[Interval, ...]:
        """Where the equilibrium is, a state each."""
        return self.enclosure.box if self.enclosure else tuple((x, x) for x in self.point)


@dataclass(frozen=True, slots=True)
class Balance:
    """What the equilibrium is looked for in.

    Attributes
    ----------
    parsed : tuple of Expression
        f in the user's coordinates.
    equations, states : tuple of str
    parameters : tuple of IntervalParameter
    domain : tuple of (Fraction, Fraction), or None
        In the user's coordinates.
    discrete : bool
        Whether f is the next value: then nothing is looked for.
    """

    parsed: tuple[Expression, ...]
    equations: tuple[str, ...]
    states: tuple[str, ...]
    parameters: tuple[IntervalParameter, ...]
    domain: tuple[Interval, ...] | None
    discrete: bool

    def rest_point(self, given: Mapping[str, Any] | str) -> RestPoint:
        """Return the equilibrium that is meant.

        Parameters
        ----------
        given : mapping or str
            Decimals, exact or about; an interval for each state; or ``"find"``. A state that is missing is 0.

        Raises
        ------
        ProblemError
            If there is none, or more than one is found.
        """
        boxed = not isinstance(given, str) and any(
            isinstance(value, (tuple, list)) for value in given.values()
        )
        if self.discrete and (self.parameters or boxed or isinstance(given, str)):
            wanted = "numbers for the parameters and for the equilibrium"
            raise ProblemError("a scheme takes no intervals", where="system", wanted=wanted)
        if isinstance(given, str):
            return self._find(given)
        if boxed:
            return self._boxed(given)
        point = equilibrium_point(given, self.states)
        try:
            self._check(point)
        except ProblemError:
            near = self._near(point) if given and not self.discrete else None
            if near is None:
                raise
            return near
        return RestPoint(point)

    def _check(self, point: tuple[Fraction, ...]) -> None:
        """Refuse a point that is not exactly an equilibrium, at some values of the parameters."""
        for values in corners(self.parameters):
            rows = shifted([inserted(e, values) for e in self.parsed], self.states, point)
            check_equilibrium(self.changes(rows, point), self.equations)

    def changes(
        self, rows: Sequence[Expression], point: Sequence[Fraction]
    ) -> tuple[Expression, ...]:
        """Return what must be 0 at rest: of a scheme the next value less the point."""
        if not self.discrete:
            return tuple(rows)
        pairs = zip(rows, point, strict=True)
        return tuple(Add(e, Number(-x)) if x else e for e, x in pairs)

    def _enclosed(self, start: Sequence[float]) -> RestPoint | None:
        field = Field(self.parsed, self.states)
        found = enclosed(field, self.parameters, start, self._scales(), corners(self.parameters))
        return None if found is None else RestPoint(*found)

    def _scales(self) -> list[float]:
        if self.domain is None:
            return [1.0] * len(self.states)
        return [float(b - a) for a, b in self.domain]

    def _near(self, point: Sequence[Fraction]) -> RestPoint | None:
        """Take decimals as about; None if the equilibrium is elsewhere."""
        found = self._enclosed([float(x) for x in point])
        if found is None:
            return None
        distances = zip(found.point, point, self._scales(), strict=True)
        return found if all(abs(a - b) <= NEAR * size for a, b, size in distances) else None

    def _find(self, word: str) -> RestPoint:
        if word != "find":
            wanted = "'find', or a table of numbers, as in { x = 1.0 }"
            raise ProblemError(f"{word!r} is no equilibrium", where=WHERE, wanted=wanted)
        middle = {p.name: p.middle for p in self.parameters}
        starts = candidates(Field(self.parsed, self.states), self.domain, middle)
        if not starts:
            raise ProblemError(
                "no equilibrium was found in the domain", where=WHERE, wanted="another domain"
            )
        if len(starts) > 1:
            shown = [", ".join(self._shown(point)) for point in starts[:4]]
            raise ProblemError(
                f"there are {len(starts)} equilibria in the domain: {'; '.join(shown)}",
                where=WHERE,
                wanted=f"the one that is meant, as in {{ {shown[0]} }}",
            )
        short = tuple(Fraction(f"{value:.{SHORT}g}") for value in starts[0])
        try:  # it may be a decimal after all
            self._check(short)
        except ProblemError:
            found = self._enclosed(starts[0])
        else:
            return RestPoint(short)
        if found is None:
            raise ProblemError(
                f"the equilibrium near {', '.join(self._shown(starts[0]))} could not be enclosed",
                where=WHERE,
                wanted="a regular equilibrium; shorter intervals of the parameters, if there are any",
            )
        return found

    def _shown(self, point: Sequence[float]) -> list[str]:
        return [f"{s} = {v:.8g}" for s, v in zip(self.states, point, strict=True)]

    def _boxed(self, given: Mapping[str, Any]) -> RestPoint:
        """Take a box that is given, if it holds exactly one equilibrium."""
        missing = [s for s in self.states if not isinstance(given.get(s), (tuple, list))]
        if missing or len(given) > len(self.states):
            raise ProblemError(
                "an equilibrium in a box needs an interval for each state",
                where=WHERE,
                wanted=f"intervals for {', '.join(self.states)}",
            )
        ends = [[decimal(end, f"{WHERE}.{s}") for end in given[s]] for s in self.states]
        middle = [float(sum(pair) / 2) for pair in ends]
        box = EnclosedEquilibrium(tuple(a for a, _ in ends), tuple(b for _, b in ends))
        found = self._enclosed(middle) if all(a < b for a, b in ends) else None
        field = Field(self.parsed, self.states)
        inside = found is not None and all(
            a < x < b for x, (a, b) in zip(found.point, box.box, strict=True)
        )
        if found is None or not inside or not unique(field, box, self.parameters):
            raise ProblemError(
                "the box is not shown to hold exactly one equilibrium",
                where=WHERE,
                wanted="'find', or a box around one, for all parameters",
            )
        return RestPoint(found.point, box)
