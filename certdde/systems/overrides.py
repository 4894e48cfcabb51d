"""Overrides of a problem file: ``key=value``, as given to ``--set``."""

import re
import tomllib
from collections.abc import Sequence
from typing import Any

from certdde.errors import ProblemError

KeyPath = tuple[str | int, ...]

_EXAMPLE = "write --set key=value, as in --set delays.tau.range=[0,0.3]"
_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def apply_overrides(data: dict[str, Any], overrides: Sequence[str]) -> dict[KeyPath, str]:
    """Change ``data`` in place.

    Parameters
    ----------
    data : dict
        A parsed problem file.
    overrides : sequence of str
        Each ``key=value``: a dotted key (a number is an index into a list, counted from 0), and a
        value in TOML; what is not TOML is taken as text.

    Returns
    -------
    dict from key path to str
        The paths that were set and how the user wrote them, so that a later error can name the option.

    Raises
    ------
    ProblemError
        If an override has no ``=``, its key cannot be read, or the key leads through a value that is no table.
    """
    written = {}
    for override in overrides:
        key, equals, text = override.partition("=")
        key = key.strip()
        if not equals or not _KEY.fullmatch(key):
            raise ProblemError(f"cannot read {override!r}", where="--set", wanted=_EXAMPLE)
        written[_assign(data, key, _value(text.strip()))] = f"--set {key}"
    return written


def _value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if set(parsed) == {"value"} else text


def _assign(data: dict[str, Any], key: str, value: Any) -> KeyPath:
    *parents, last = key.split(".")
    place: Any = data
    path: list[str | int] = []
    for part in parents:
        index = _index(place, part, key, [*path, part])
        if isinstance(place, dict):
            place.setdefault(index, {})
        place = place[index]
        path.append(index)
    index = _index(place, last, key, [*path, last])
    place[index] = value
    return (*path, index)


def _index(place: object, part: str, key: str, path: list[str | int]) -> str | int:
    """Return ``part`` as an index into ``place``."""
    where = f"--set {key}"
    if isinstance(place, dict):
        return part
    above = ".".join(map(str, path[:-1]))
    if not isinstance(place, list):
        raise ProblemError(f"{above} holds a value, not a table", where=where, wanted=_EXAMPLE)
    if not part.isdigit() or len(part) > 6 or int(part) >= len(place):
        wanted = f"give an index from 0 to {len(place) - 1}" if place else f"set {above} as a whole"
        raise ProblemError(f"{part!r} is no place in the list {above}", where=where, wanted=wanted)
    return int(part)
