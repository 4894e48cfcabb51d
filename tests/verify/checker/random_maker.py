"""Certificates of kind "random" made by hand: pieces, of x' = -x(t - tau) or others, a law, a probability."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from . import maker, writer

PARETO = {"law": "pareto", "args": {"b": 1.5, "scale": 0.1}}
HALVES = {"law": "uniform", "args": {"scale": 2.0}}  # exact: (b - a) / 2


@cache
def _scalar() -> maker.Draft:
    return maker.linear_scalar(1)


def piece(low: float, high: float, **system: Any) -> bytes:
    """A certificate of x' = -x(t - tau) for delays in [low, high], within [0, 1.1]; fields of the system replaced."""
    draft = copy.deepcopy(_scalar())
    draft.document["delay"]["range"] = [low, high]
    draft.document["system"] |= system
    document = draft.document | {"claim": writer.claim(draft.document)}
    entries = draft.entries()
    document["digest"] = writer.digest(document, entries)
    return _archive(document, entries)


def _archive(document: dict[str, Any], entries: dict[str, bytes]) -> bytes:
    return writer.archive({"certificate.json": json.dumps(document).encode(), **entries})


def content(data: bytes) -> dict[str, Any]:
    """The object of a piece."""
    return json.loads(writer.entries_of(data)["certificate.json"])


def tampered(data: bytes, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> bytes:
    """A piece with its object and its other entries changed in place."""
    entries = writer.entries_of(data)
    document = json.loads(entries.pop("certificate.json"))
    change(document, entries)
    return _archive(document, entries)


def said(law: dict[str, Any]) -> str:
    """A law in the sentence, written out a second time."""
    if law["law"] == "mixture":
        parts = zip(law["weights"], law["laws"], strict=True)
        text = "mixture(" + ", ".join(f"{float(w)!r}: {said(one)}" for w, one in parts) + ")"
    else:
        args = sorted(law["args"].items())
        text = f"{law['law']}({', '.join(f'{k} = {float(v)!r}' for k, v in args)})"
    if "range" in law:
        low, high = (repr(float(end)) for end in law["range"])
        text += f" conditioned on [{low}, {high}]"
    return text


def claim(document: dict[str, Any]) -> str:
    """The sentence of the kind: its head as in section 6, up to what is said of the level."""
    delay, region = document["delay"], document["region"]
    places = " or ".join(f"[{float(a)!r}, {float(b)!r}]" for a, b in delay["set"])
    one = {"name": delay["name"], "range": [0, 1]}
    some = {"level": [1.0], "radius": {"rho": 1.0, "rho_rate": 1.0}}
    plain = writer.claim(document | {"delay": one, "region": region | some})
    head, stable, _ = plain.partition(" asymptotically stable")
    text = head.replace("[0.0, 1.0]", places, 1) + stable + "."
    if delay["probability"] is not None:
        text += (
            f" A delay {delay['name']} that is drawn from the law {said(delay['law'])}, with names"
        )
        text += " and arguments as in scipy.stats, lies there with probability at least"
        text += f" {float(delay['probability'])!r}."
    return f"{text} Proved piece by piece: {' '.join(document['proof']['claims'])}"


@dataclass
class Draft:
    """The object and the pieces."""

    document: dict[str, Any]
    pieces: list[bytes]

    def entries(self) -> dict[str, bytes]:
        return {f"piece{i}.certdde": one for i, one in enumerate(self.pieces)}

    def save(self, path: Path) -> Path:
        self.document["proof"]["claims"] = [content(one)["claim"] for one in self.pieces]
        self.document["claim"] = claim(self.document)
        return writer.write(path, self.document, self.entries())

    def changed(self, **delay: Any) -> Draft:
        """A copy with fields of the delay replaced."""
        document = copy.deepcopy(self.document)
        document["delay"] |= delay
        return replace(self, document=document)


def draft(
    ranges: list[tuple[float, float]],
    law: dict[str, Any],
    probability: float | None,
    united: list[list[float]] | None = None,
) -> Draft:
    """A certificate of pieces for these ranges; `united` is their union, if it is another list."""
    document = copy.deepcopy(_scalar().document)
    found = [list(one) for one in ranges] if united is None else united
    document |= {
        "kind": "random",
        "delay": {
            "name": "tau",
            "class": "random",
            "range": [found[0][0], found[-1][1]],
            "law": law,
            "set": found,
            "probability": probability,
        },
        "functional": {"kind": "pieces"},
        "proof": {"nonlinear": {"states": [], "delayed": []}, "claims": []},
    }
    return Draft(document, [piece(*one) for one in ranges])


def of(pieces: list[bytes], united: list[list[float]], law: dict[str, Any], p: float) -> Draft:
    """A certificate of any pieces; the system is that of the first."""
    first, found = content(pieces[0]), draft([], law, p, united)
    for key in ("system", "region"):
        found.document[key] = copy.deepcopy(first[key])
    found.document["region"] |= {"level": None, "radius": None}
    nonlinear = first["proof"]["nonlinear"]
    found.document["proof"] = {"nonlinear": nonlinear, "claims": []}
    found.document["delay"]["name"] = first["delay"].get("delays", [first["delay"]])[0]["name"]
    return replace(found, pieces=pieces)
