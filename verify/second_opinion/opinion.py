"""The comparison: a sample of boxes, or all, shown again; the answer is whether the checker was right."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flint import ctx

from certdde.verify.checker.refusal import Refused

from .fields import Disagreement, Ends, Field, read_fields
from .partition import Leaf
from .scope import objection

BITS = 128
PIECES = 4096  # into which a box is cut at most, where one enclosure does not show it

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What ball arithmetic says of a certificate that the checker has accepted.

    Attributes
    ----------
    boxes : int
        Boxes shown again.
    agree : bool
        Whether all of them, and the exact conditions, hold here as well.
    reason : str
        What does not, and where; empty if all does.
    of : int
        Boxes in all.
    cut : int
        How many of the boxes had to be cut into pieces, since one enclosure did not show them.
    seed : int
    seconds : float
    """

    boxes: int
    agree: bool
    reason: str
    of: int
    cut: int
    seed: int
    seconds: float


def compare(
    path: str | Path,
    *,
    sample: int | None = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Opinion:
    """Show a random sample of the boxes of a certificate again, in Arb balls of 128 bits.

    Parameters
    ----------
    path : str or Path
        A certificate that the checker has accepted.
    sample : int, optional
        How many boxes, drawn without replacement; None for all.
    seed : int
        Of the draw.
    progress : callable, optional
        Called with (boxes done, boxes to do).

    Returns
    -------
    Opinion
        ``agree`` is False if an exact condition fails, a box is not shown, the file cannot be read, or there is no
        second opinion on its kind (:func:`objection`).

    Soundness
    ---------
    Rigorous for what is shown again. It adds to the checker's verdict: the cover of the domain and of the
    delays, and the sentence, are the checker's alone.
    """
    began, state = time.perf_counter(), _State(progress)
    reason = ""
    try:
        with ctx.workprec(BITS):
            reason = _compare(Path(path), sample, seed, state)
    except (Disagreement, Refused) as error:
        reason = str(error)
    except Exception as error:  # default reject: no error may pass for agreement
        reason = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - began
    return Opinion(state.done, reason == "", reason, state.total, state.cut, seed, seconds)


@dataclass(slots=True)
class _State:
    progress: Progress | None
    done: int = 0
    cut: int = 0
    total: int = 0
    wanted: int = 0

    def count(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.wanted)


def _compare(path: Path, sample: int | None, seed: int, state: _State) -> str:
    """Return what does not hold; empty if everything does."""
    if why := objection(path):
        return f"no second opinion: {why}"
    fields = read_fields(path)
    state.total = sum(field.size for field in fields)
    state.wanted = state.total if sample is None else min(sample, state.total)
    numbers = sorted(random.Random(seed).sample(range(state.total), state.wanted))
    start = position = 0
    for field in fields:
        stop = position
        while stop < len(numbers) and numbers[stop] < start + field.size:
            stop += 1
        wanted = [number - start for number in numbers[position:stop]]
        start, position = start + field.size, stop
        if reason := _field(
            field, wanted, state
        ):  # also without a box: the codes are read to the end
            return reason
    return "" if state.done == state.wanted else "boxes are missing"


def _field(field: Field, wanted: Sequence[int], state: _State) -> str:
    for leaf in field.leaves(wanted):
        if not field.test(leaf.lower, leaf.upper, leaf.code):
            state.cut += 1
            if not _in_pieces(field, leaf):
                return f"{field.where}: {_place(field, leaf)}"
        state.count()
    return ""


def _in_pieces(field: Field, leaf: Leaf) -> bool:
    """Whether the claim is shown on pieces of the box that cover it, the widest axis cut first."""
    if not leaf.lower:
        return False
    whole = [b - a for a, b in zip(leaf.lower, leaf.upper, strict=True)]
    waiting: list[tuple[Ends, Ends]] = [(leaf.lower, leaf.upper)]
    for _ in range(PIECES):
        lower, upper = waiting.pop()
        widths = [(b - a) / w for a, b, w in zip(lower, upper, whole, strict=True)]
        axis = widths.index(max(widths))
        middle = (lower[axis] + upper[axis]) / 2
        if not lower[axis] < middle < upper[axis]:
            return False
        below = (*upper[:axis], middle, *upper[axis + 1 :])
        above = (*lower[:axis], middle, *lower[axis + 1 :])
        halves = [(lower, below), (above, upper)]
        waiting += [(a, b) for a, b in halves if not field.test(a, b, leaf.code)]
        if not waiting:
            return True
    return False


def _place(field: Field, leaf: Leaf) -> str:
    sides = zip(leaf.lower, leaf.upper, strict=True)
    box = " x ".join(f"[{a!r}, {b!r}]" for a, b in sides) or "the point"
    middle = [(a + b) / 2 for a, b in zip(leaf.lower, leaf.upper, strict=True)]
    verdict = "is false at the middle of" if field.refuted(middle, leaf.code) else "is not shown on"
    return f"the inequality {verdict} {box}"
