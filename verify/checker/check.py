"""The whole check: every obligation of the format, in order; anything unexpected refuses."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .bundle import read_entries
from .opening import opened
from .refusal import Refused
from .rules import RULES

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
    document, proof = opened(read_entries(path), RULES)
    proof.run(_counter(boxes, proof.leaves, progress))
    return document.claim


def _counter(boxes: list[int], total: int, progress: Progress | None) -> Callable[[int], None]:
    def count(found: int) -> None:
        boxes[0] += found
        if progress is not None:
            progress(boxes[0], total)

    return count
