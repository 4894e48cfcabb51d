"""The log of the neural search, as tables and figures take it; a log without the newer keys is one with less in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from certdde.reports.style import delayed_label, label
from certdde.systems.delay_system import DelaySystem

WORDS = {
    "Proved": "proved",
    "Refuted": "fails",
    "Unknown": "open",
    "GaveUp": "given up",
    "NoStart": "no start",
}
_DELAYED = re.compile(r"(\w+)\(t - (?:\d+\*)?(\w+)\)")
_MOMENT = re.compile(r"moment(\d+)\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Failures:
    """Places where proofs failed, over one or two variables, in the user's coordinates.

    Attributes
    ----------
    names : tuple of str
        Labels of the variables.
    limits : tuple of (float, float)
        Their ranges.
    rounds : dict
        From the number of a round, counted over all searches, to its places (k, 1 or 2).
    """

    names: tuple[str, ...]
    limits: tuple[tuple[float, float], ...]
    rounds: Mapping[int, np.ndarray]


def rounds(log: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the lines of rounds that were run."""
    return [line for line in log if line.get("round", 0)]


def searches(lines: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return for each line the number of its search, from 1 on: one range, and what V0 reads."""
    found: list[tuple[object, ...]] = []
    numbers = []
    for line in lines:
        key = (*line.get("range", ()), line.get("moments", 0))
        if not found or found[-1] != key:
            found.append(key)
        numbers.append(len(found))
    return numbers


def curve(line: Mapping[str, Any], key: str) -> np.ndarray:
    """Return a column of a training curve; NaN where a value was not finite."""
    values = line.get("curve", {}).get(key, [])
    return np.array([math.nan if v is None else float(v) for v in values])


def failures(system: DelaySystem, lines: Sequence[Mapping[str, Any]]) -> Failures | None:
    """Return the places of all rounds in the two variables in which they spread most; None if there are none."""
    told = {k: line["failures"] for k, line in enumerate(lines, 1) if line.get("failures")}
    told = {k: one for k, one in told.items() if one["points"]}
    if not told:
        return None
    first = next(iter(told.values()))["names"]
    shared = [name for name in first if all(name in one["names"] for one in told.values())]
    if not shared:
        return None
    places = {k: _columns(one, shared) for k, one in told.items()}
    ranges = [_range(system, name) for name in shared]
    pooled = np.concatenate(list(places.values()))
    spread = pooled.std(0) / np.array([high - low for low, high in ranges])
    chosen = sorted(np.argsort(-spread)[:2].tolist())
    rest = np.array([_rest(system, shared[i]) for i in chosen])
    return Failures(
        tuple(_label(shared[i]) for i in chosen),
        tuple((ranges[i][0] + x, ranges[i][1] + x) for i, x in zip(chosen, rest, strict=True)),
        {k: points[:, chosen] + rest for k, points in places.items()},
    )


def _columns(told: Mapping[str, Any], names: Sequence[str]) -> np.ndarray:
    index = [told["names"].index(name) for name in names]
    return np.array(told["points"], dtype=float)[:, index]


def _state(name: str) -> str:
    match = _DELAYED.fullmatch(name)
    if match:
        return match[1]
    match = _MOMENT.fullmatch(name)
    return match[2] if match else name


def _label(name: str) -> str:
    if match := _DELAYED.fullmatch(name):
        return delayed_label(match[1], match[2])
    if match := _MOMENT.fullmatch(name):
        return f"moment {match[1]} of {label(match[2])}"
    return label(name)


def _rest(system: DelaySystem, name: str) -> float:
    """Return the equilibrium of a variable; that of a moment but the first is 0."""
    match = _MOMENT.fullmatch(name)
    if match and int(match[1]):
        return 0.0
    return float(system.equilibrium[system.states.index(_state(name))])


def _range(system: DelaySystem, name: str) -> tuple[float, float]:
    """Return the range of a variable in deviations."""
    if system.domain is None:
        return -1.0, 1.0
    low, high = system.domain[system.states.index(_state(name))]
    return float(low), float(high)
