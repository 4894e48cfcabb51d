"""Certificates with one field changed after the other: what the tests of every kind do with them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from certdde.verify.checker import check_file

from . import writer

INFORMATION = {("rigor",), ("engine",), ("statistics",), ("versions",), ("seed",)}
NO_CLAIM = (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError)


def paths(value: Any, prefix: tuple = ()) -> Iterator[tuple]:
    yield prefix
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield from paths(item, (*prefix, key))


def replaced(value: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    copied = copy.copy(value)
    copied[path[0]] = replaced(value[path[0]], path[1:], new)
    return copied


def at(value: Any, path: tuple) -> Any:
    for key in path:
        value = value[key]
    return value


def variants(value: Any) -> list[Any]:
    found = [None, True, "x", 3, -1, 1e-300, [], {}, [value], {"a": value}, 10**500]
    if isinstance(value, str):
        found += [value + " ", value.upper(), "", value + "\u0000", value[::-1]]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        found += [value * 2, value + 1e-9, -value, str(value), value + 0.5]
    if isinstance(value, list):
        found += [value[:-1], value + value, value[::-1], [*value, 1]]
    if isinstance(value, dict):
        found += [
            value | {"extra": 1},
            *({k: v for k, v in value.items() if k != key} for key in value),
        ]
    plain = type(value) in (int, float)
    return [
        other
        for other in found
        if json.dumps(other) != json.dumps(value)
        and not (plain and type(other) in (int, float) and other == value)
    ]


def check_each_field(
    place: Path,
    base: dict[str, Any],
    entries: Mapping[str, bytes],
    claim: Callable[[dict[str, Any]], str],
    still_true: Callable[[tuple, Any, Any], bool],
    *,
    reclaim: bool,
    unseen: tuple[str, ...] = (),
) -> None:
    """Any change is refused, except of information, or where it comes with its claim and that is still true.

    ``unseen``: fields that the claim does not state.
    """
    base["digest"] = writer.digest(base, entries)
    for path in paths(base):
        if path[:1] in INFORMATION or path[:2] in {("region", "area"), ("system", "name")}:
            continue
        for new in variants(at(base, path)) if path else ():
            document = replaced(base, path, new)
            if path != ("claim",) and reclaim:
                try:
                    document = document | {"claim": claim(document)}
                except NO_CLAIM:
                    continue
            if not {"claim", "digest"} <= set(document):
                continue
            seal = path != ("digest",)
            result = check_file(writer.write(place, document, entries, seal=seal))
            assert result.where != "checker", (path, new, result)
            if result.valid:
                assert reclaim or path[-1] in unseen, (path, new)
                assert still_true(path, at(base, path), new), (path, new)
