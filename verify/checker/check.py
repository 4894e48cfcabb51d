"""The whole check: every obligation of the format, in order; anything unexpected refuses."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from .bundle import digest, read_entries
from .claim import sentence
from .document import Document, parse
from .part import check_part, read_part
from .radius import check_inside
from .refusal import Refused, require
from .schema import document as read_document
from .spectral import check_crossings, read_crossings
from .system import build

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer. `claim` is the theorem proved if valid; else `where` and `reason` say why not."""

    valid: bool
    rigor: str
    claim: str
    reason: str
    where: str
    boxes: int
    seconds: float


def check_file(path: str | Path, progress: Progress | None = None) -> CheckResult:
    """Check the certificate at `path`; never raises for anything that the file contains.

    Soundness: `valid` only if every obligation of the format was shown, in exact or outward
    rounded arithmetic. `where` is "file" if there is no archive to read.
    """
    start, boxes = time.perf_counter(), [0]
    claim, where, reason = "", "", ""
    try:
        with np.errstate(all="ignore"):
            claim = _check(Path(path), boxes, progress)
    except Refused as refusal:
        where, reason = refusal.where, refusal.reason
    except OverflowError:
        where, reason = "a number", "is beyond the range of binary64"
    except Exception as error:  # default reject: no error may pass for a proof
        where, reason = "checker", f"{type(error).__name__}: {error}"
    valid = claim != ""
    seconds = time.perf_counter() - start
    rigor = "rigorous" if valid else "none"
    return CheckResult(valid, rigor, claim, reason, where, boxes[0], seconds)


def _check(path: Path, boxes: list[int], progress: Progress | None) -> str:
    """The claim that the file proves; Refused otherwise."""
    entries = read_entries(path)
    require("certificate.json" in entries, "archive", "has no certificate.json")
    plain, exact = parse(entries["certificate.json"])
    document = read_document(exact)
    _check_entries(document, entries)
    require(digest(plain, entries) == document.digest, "digest", "does not match the content")
    claim = sentence(document)
    require(document.claim == claim, "claim", "is not the sentence that this file is about")
    system = build(document)
    if system.domain is not None and document.radius is not None:
        check_inside(document.radius, system.domain)
    parts = [read_part(i, document, system, entries) for i in range(len(document.parts))]
    spectral = None
    if document.kind == "spectral":
        spectral = read_crossings(document, system, entries["spectral.npz"])
    else:
        _check_cover([part.range for part in parts], document)
    total = sum(part.leaves for part in parts) + (spectral.leaves if spectral else 0)
    count = _counter(boxes, total, progress)
    for part, level in zip(parts, document.level or (None,) * len(parts), strict=True):
        check_part(part, document, system, level, count)
    if spectral is not None:
        check_crossings(spectral, system, parts[0].breaks, count)
    return claim


def _check_entries(document: Document, entries: dict[str, bytes]) -> None:
    """The archive holds exactly the entries that the document calls for."""
    wanted = {"certificate.json"} | ({"spectral.npz"} if document.kind == "spectral" else set())
    for i, networks in enumerate(document.parts):
        wanted |= {f"part{i}.npz", f"part{i}.safetensors"} if networks else {f"part{i}.npz"}
    require(set(entries) == wanted, "archive", "has a missing or an unknown entry")


def _check_cover(ranges: list[tuple[Fraction, Fraction]], document: Document) -> None:
    """Lemma: the last part that begins at or before tau does not end before tau."""
    require(ranges[0][0] <= document.low, "delay.range", "begins before the first part")
    require(ranges[-1][1] >= document.high, "delay.range", "ends after the last part")
    for (_, end), (start, _) in pairwise(ranges):
        require(start <= end, "delay.range", "has a gap between two parts")


def _counter(boxes: list[int], total: int, progress: Progress | None) -> Callable[[int], None]:
    def count(found: int) -> None:
        boxes[0] += found
        if progress is not None:
            progress(boxes[0], total)

    return count
