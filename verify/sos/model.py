"""A polynomial delay system as an engine sees it: its right-hand side, its box, its symmetries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from certdde.systems.delay_system import DelaySystem
from certdde.systems.expressions import Variable
from certdde.systems.structure import structure
from certdde.verify.sos.polynomial import Monomial, Polynomial, from_expression

Interval = tuple[Fraction, Fraction]
MOMENT = Fraction(3, 5)  # int |L_k| <= 1 / sqrt(2 k + 1) <= 3/5 for k >= 1


@dataclass(frozen=True, slots=True)
class Model:
    """x' = f in the variables (x, y, Omega_0, .., Omega_{N-1}), n (N + 2) of them.

    Attributes
    ----------
    order : int
        Number N of moments.
    f : tuple of Polynomial
        Exact, one a state.
    box : tuple of (Fraction, Fraction)
        One interval for each variable.
    nonlinear : tuple of int
        The variables in the nonlinear terms of f.
    flips : tuple of tuple of int
        Changes of signs of the states that leave the system and the domain alone.
    """

    order: int
    f: tuple[Polynomial, ...]
    box: tuple[Interval, ...]
    nonlinear: tuple[int, ...]
    flips: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, system: DelaySystem, order: int) -> Model | None:
        """Return the model; None if f is no polynomial with rational coefficients, or there is no domain."""
        f = right_hand_side(system, order)
        if f is None or system.domain is None:
            return None
        places, domain = _places(system), system.domain
        nonlinear = tuple(sorted(places[v] for v in structure(system).nonlinear))
        flips = symmetries(f, domain)
        return cls(order, f, _box(domain, order), nonlinear, flips)

    @property
    def dimension(self) -> int:
        """Number n of states."""
        return len(self.f)

    @property
    def variables(self) -> int:
        """Number of variables."""
        return self.dimension * (self.order + 2)

    @property
    def degree(self) -> int:
        """Degree of f."""
        return max(sum(m) for row in self.f for m in row)

    def delayed_states(self) -> list[int]:
        """Return the states whose delayed values occur in f."""
        n, terms = self.dimension, [m for row in self.f for m in row]
        return [i for i in range(n) if any(m[n + i] for m in terms)]

    def invariant(self, monomial: Monomial) -> bool:
        """Tell whether the symmetries leave a monomial in (x, y, Omega) alone."""
        return all(sign(monomial, flip) > 0 for flip in self.flips)


def right_hand_side(system: DelaySystem, order: int = 0) -> tuple[Polynomial, ...] | None:
    """Return f as exact polynomials in (x, y, Omega), or None."""
    count = system.dimension * (order + 2)
    places = _places(system)
    rows = tuple(from_expression(e, places, count) for e in system.rhs)
    return None if None in rows else rows  # type: ignore[return-value]


def _places(system: DelaySystem) -> dict[Variable, int]:
    delay, n = system.delay(), system.dimension
    present = {Variable(s): i for i, s in enumerate(system.states)}
    return present | {Variable(s, delay): n + i for i, s in enumerate(system.states)}


def _box(domain: Sequence[Interval], order: int) -> tuple[Interval, ...]:
    """Return the intervals of x, y and the moments: Omega_0 is a mean, the others see half the width."""
    higher = [MOMENT * (hi - lo) / 2 for lo, hi in domain]
    moments = [*domain] if order else []
    moments += [(-r, r) for r in higher] * (order - 1)
    return (*domain, *domain, *moments)


def symmetries(f: Sequence[Polynomial], domain: Sequence[Interval]) -> tuple[tuple[int, ...], ...]:
    """Return the changes of signs of states, beyond none, that leave x' = f and the domain alone."""
    found = []
    for flip in product((1, -1), repeat=len(f)):
        even = all(-lo == hi for (lo, hi), s in zip(domain, flip, strict=True) if s < 0)
        odd = all(sign(m, flip) == s for s, row in zip(flip, f, strict=True) for m in row)
        if min(flip) < 0 and even and odd:
            found.append(flip)
    return tuple(found)


def sign(monomial: Monomial, flip: Sequence[int]) -> int:
    """Return +1 or -1: what a change of signs does to a monomial in (x, y, Omega, ..)."""
    n = len(flip)
    odd = sum(power for k, power in enumerate(monomial) if flip[k % n] < 0) % 2
    return -1 if odd else 1
