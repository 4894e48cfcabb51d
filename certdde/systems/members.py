"""The members of a family of systems: its systems for values of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from certdde.systems.delay_system import DelaySystem
from certdde.systems.unknowns import corners


def member(system: DelaySystem, values: Mapping[str, Fraction]) -> DelaySystem:
    """Return the system for values of the parameters known in intervals; its equilibrium follows them.

    Raises
    ------
    ProblemError
        If a value lies outside its interval so far that no equilibrium is found where it should be.
    """
    if system.family is None:
        return system
    boxed = system.family.enclosure
    rests: list[Any] = [float(x) for x in system.equilibrium]
    if boxed is not None:
        rests = [(float(a), float(b)) for a, b in boxed.box]
    return DelaySystem.from_equations(
        system.equations,
        parameters={**system.parameters, **{k: float(v) for k, v in values.items()}},
        domain=user_domain(system),
        equilibrium=dict(zip(system.states, rests, strict=True)),
        delays=system.delays,
        networks=system.networks,
        name=system.name,
    )


def user_domain(system: DelaySystem) -> dict[str, tuple[float, float]] | None:
    """Return the domain in the user's coordinates."""
    if system.domain is None:
        return None
    named = zip(system.states, system.domain, system.equilibrium, strict=True)
    return {s: (float(lo + x), float(hi + x)) for s, (lo, hi), x in named}


def members(system: DelaySystem) -> list[tuple[dict[str, float], DelaySystem]]:
    """Return systems to try a family at, with the values of the parameters: the middle, and corners of their box."""
    if system.family is None or not system.family.parameters:
        return [({}, system)]
    found = corners(system.family.parameters)
    return [({k: float(v) for k, v in one.items()}, member(system, one)) for one in found]
