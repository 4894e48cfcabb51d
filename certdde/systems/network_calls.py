"""The networks that the equations of a system call: what they are read from, and their shift to the equilibrium."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from certdde.errors import ProblemError
from certdde.systems.exact_values import rational
from certdde.systems.expressions import (
    Expression,
    Variable,
    calls,
    children,
    replace_network,
)
from certdde.systems.feedforward import Feedforward
from certdde.systems.grammar import Names, parse_equation

WHERE = "system.networks"
_FORM = (
    'a file, as in "controller.onnx", or { file = "controller.onnx", shift = true, at_rest = 0.0 }'
)


@dataclass(frozen=True, slots=True)
class NetworkSource:
    """Where a network comes from, and whether it is shifted to be ``at_rest`` at the equilibrium."""

    network: Feedforward
    shift: bool = False
    at_rest: tuple[float, ...] = ()

    @classmethod
    def of(cls, name: str, given: Any) -> NetworkSource:
        """Read what stands for a network: a file, a module, a network, or a mapping with the key ``file``.

        Raises
        ------
        ProblemError
            If it cannot be read, or a key is unknown.
        """
        where = f"{WHERE}.{name}"
        if isinstance(given, Feedforward):
            return cls(replace(given, name=name))
        if not isinstance(given, Mapping):
            return cls(replace(_read(given, where), name=name))
        unknown = set(given) - {"file", "shift", "at_rest"}
        if unknown or "file" not in given:
            what = f"unknown key {min(unknown)!r}" if unknown else "no file"
            raise ProblemError(what, where=where, wanted=_FORM)
        network = replace(_read(given["file"], where), name=name)
        shift, rest = bool(given.get("shift", False)), given.get("at_rest")
        if rest is None:
            return cls(network, shift, (0.0,) * network.outputs)
        numbers = tuple(float(v) for v in (rest if isinstance(rest, (list, tuple)) else [rest]))
        if not shift or len(numbers) != network.outputs:
            what = (
                f"{len(numbers)} numbers for at_rest" if shift else "at_rest without shift = true"
            )
            wanted = f"shift = true and {network.outputs} numbers, one for each output"
            raise ProblemError(what, where=where, wanted=wanted)
        return cls(network, shift, numbers)


def _read(source: Any, where: str) -> Feedforward:
    from certdde.systems.network_files import read_network

    return source if isinstance(source, Feedforward) else read_network(source, where)


def read_networks(given: Mapping[str, Any], taken: Collection[str]) -> dict[str, NetworkSource]:
    """Read the networks of a system; none may have a name that means something else.

    Raises
    ------
    ProblemError
        If a name is taken, or a network cannot be read.
    """
    sources = {name: NetworkSource.of(name, value) for name, value in sorted(given.items())}
    calls: list[str] = []
    for name, source in sources.items():
        count = source.network.outputs
        calls += [name, *(f"{name}_{k + 1}" for k in range(count) if count > 1)]
    for call in calls:
        if call in taken or calls.count(call) > 1:
            raise ProblemError(
                f"the name {call!r} is also a state, a parameter, a delay, a function or a network",
                where=f"{WHERE}.{call}",
                wanted="another name",
            )
    return sources


def beside(networks: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the networks of a problem file with their files looked for in its folder."""
    return {
        name: {**given, "file": folder / given["file"]}
        if isinstance(given, Mapping)
        else folder / given
        for name, given in networks.items()
    }


def read_equations(
    equations: Sequence[str],
    names: Names,
    sources: Mapping[str, NetworkSource],
    equilibrium: Mapping[str, Any] | str,
) -> tuple[tuple[Expression, ...], dict[str, Feedforward]]:
    """Parse the equations, in the order of the states, with networks that are shifted where they are to be."""
    called = replace(names, networks={name: one.network for name, one in sources.items()})
    places = [f"system.equations[{i}]" for i in range(len(equations))]
    read = dict(parse_equation(e, called, w) for e, w in zip(equations, places, strict=True))
    return anchored([read[s] for s in names.states], sources, names.states, equilibrium)


def anchored(
    parsed: Sequence[Expression],
    sources: Mapping[str, NetworkSource],
    states: Sequence[str],
    equilibrium: Mapping[str, Any] | str,
) -> tuple[tuple[Expression, ...], dict[str, Feedforward]]:
    """Shift the networks that are to be at rest at the equilibrium; return the equations and all networks.

    Raises
    ------
    ProblemError
        If the equilibrium is not given in decimals, or the inputs of a network there are not known.
    """
    networks = {name: source.network for name, source in sources.items()}
    for name, source in sources.items():
        if not source.shift:
            continue
        origin = _origin(name, source.network, parsed, states, equilibrium)
        shifted = source.network.shifted(origin, source.at_rest)
        parsed = tuple(replace_network(e, source.network, shifted) for e in parsed)
        networks[name] = shifted
    return tuple(parsed), networks


def _origin(
    name: str,
    network: Feedforward,
    parsed: Sequence[Expression],
    states: Sequence[str],
    equilibrium: Mapping[str, Any] | str,
) -> list[float]:
    """Return the inputs of a network at the equilibrium."""
    where, wanted = f"{WHERE}.{name}.shift", "an equilibrium of decimals, as in { x = 0.0 }"
    if isinstance(equilibrium, str) or any(
        not isinstance(v, (int, float)) for v in equilibrium.values()
    ):
        raise ProblemError("the equilibrium is not given", where=where, wanted=wanted)
    at = {s: Fraction(repr(float(equilibrium.get(s, 0.0)))) for s in states}
    found = []
    for call in (c for e in parsed for c in calls(e) if c.network is network):
        inside = {v: at[v.name] for a in call.arguments for v in _states(a, at)}
        values = [rational(a, inside) for a in call.arguments]
        if values not in found:
            found.append(values)
    if len(found) != 1 or any(v is None for v in found[0]):
        what = "its inputs at the equilibrium are not known" if found else "it is not called"
        what = "it is called with several inputs at the equilibrium" if len(found) > 1 else what
        raise ProblemError(what, where=where, wanted="one call, of states and numbers")
    exact = [v for v in found[0] if v is not None]
    for value in exact:
        if Fraction(repr(float(value))) != value:
            what = f"its input at the equilibrium, about {float(value)!r}, is no short decimal"
            raise ProblemError(what, where=where, wanted="a decimal of at most 17 digits")
    return [float(v) for v in exact]


def _states(expression: Expression, names: Collection[str]) -> Iterator[Variable]:
    if isinstance(expression, Variable) and expression.name in names:
        yield expression
    for child in children(expression):
        yield from _states(child, names)
