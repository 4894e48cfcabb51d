"""What a search over a random delay has tried: kept on disk, so that an interrupted run goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certdde.certificates.random import RandomPiece
from certdde.errors import CertificateError

INDEX = "tried.json"
AGAIN = 1.2  # times the seconds of a failed attempt: with more, it is worth another


@dataclass(frozen=True, slots=True)
class Attempt:
    """Constant delays in [lower, upper], the certificate if there is one, and what was said.

    Attributes
    ----------
    lower, upper : float
    piece : RandomPiece or None
    said : mapping
        ``said``, ``seconds``, ``allowed``; ``delay`` and ``found`` of a solution or a root that speaks against it.
    """

    lower: float
    upper: float
    piece: RandomPiece | None
    said: Mapping[str, Any]


@dataclass(slots=True)
class Store:
    """Attempts of one question, in memory and, if there is a folder, in it.

    Attributes
    ----------
    folder : Path or None
    key : str
        Fingerprint of the question; what a folder holds of another is not read.
    """

    folder: Path | None
    key: str
    attempts: list[Attempt] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path | None, question: Mapping[str, Any]) -> Store:
        """Return the store of a question, with what the folder holds of it."""
        text = json.dumps(question, sort_keys=True, default=str)
        store = cls(folder, hashlib.sha256(text.encode()).hexdigest())
        if folder is not None and (folder / INDEX).exists():
            store._load(folder)
        return store

    def find(self, lower: float, upper: float, allowed: float) -> Attempt | None:
        """Return an attempt at the same delays, unless it failed in less time than is allowed now."""
        for one in self.attempts:
            same = (one.lower, one.upper) == (lower, upper)
            if same and (one.piece or allowed <= AGAIN * float(one.said.get("allowed", 0.0))):
                return one
        return None

    def add(self, attempt: Attempt) -> None:
        """Keep an attempt; the folder is written at once."""
        self.attempts.append(attempt)
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for k, one in enumerate(self.attempts):
            file = f"piece{k}.certdde" if one.piece else None
            if one.piece and file and one is attempt:
                (self.folder / file).write_bytes(one.piece.content)
            rows.append({"range": [one.lower, one.upper], "file": file, "said": dict(one.said)})
        temporary = self.folder / f"{INDEX}.tmp"
        temporary.write_text(json.dumps({"key": self.key, "tried": rows}), encoding="utf-8")
        temporary.replace(self.folder / INDEX)

    def _load(self, folder: Path) -> None:
        try:
            found = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            if found["key"] != self.key:
                return
            self.attempts = [_read(folder, row) for row in found["tried"]]
        except (OSError, ValueError, KeyError, TypeError, CertificateError):
            self.attempts = []


def _read(folder: Path, row: Mapping[str, Any]) -> Attempt:
    low, high = row["range"]
    piece = RandomPiece.read((folder / row["file"]).read_bytes()) if row["file"] else None
    return Attempt(float(low), float(high), piece, dict(row["said"]))
