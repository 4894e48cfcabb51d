"""Kind "spectral": stability at one delay, and no root on the imaginary axis for any (spec 8)."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from . import krasovskii, windows
from .bundle import Arrays, read_npz
from .claim import sentence
from .document import Box, Document
from .forest import COLLAPSED, Codes, forest
from .leaves import Count, prove
from .part import check_part, read_part
from .refusal import require
from .regular import pencil, regular
from .rounding import LIMIT
from .rule import Proof, Rule
from .schema import PAIR
from .syntax import MAX_MULTIPLE
from .system import System

SHAPES = {"delays": ("<f8", 2), "grid": ("<i8", 2), "blocks": ("<i8", None), "codes": ("|u1", None)}


@dataclass(frozen=True, slots=True)
class Crossings:
    """The arrays of the proof, and the delays [first, last] that it is about."""

    arrays: Arrays
    first: Fraction
    last: Fraction

    @property
    def leaves(self) -> int:
        """How many leaves there are to test."""
        return int((self.arrays["codes"] == COLLAPSED).sum())


def read_crossings(document: Document, system: System, content: bytes) -> Crossings:
    """Exactly the arrays of spec 8, for a linear system without a domain, one part, delays that cover the range."""
    linear = not system.xi and system.domain is None and all(r is None for r in system.rest)
    require(linear, "kind", "is for a linear system and a global claim")
    require(len(document.parts) == 1, "functional.parts", "must be one part")
    arrays = read_npz(content, "spectral")
    require(set(arrays) == set(SHAPES), "spectral", f"must have exactly {sorted(SHAPES)}")
    for name, (dtype, size) in SHAPES.items():
        right = arrays[name].dtype.str == dtype and arrays[name].ndim == 1
        right = right and size in (None, arrays[name].size)
        require(right, f"spectral.{name}", "has a wrong type or shape")
    first, last = (Fraction(t) for t in arrays["delays"].tolist())
    require(0 <= first < last < LIMIT, "spectral.delays", "must increase from at least 0")
    require(first <= document.low, "delay.range", "begins before the proof")
    require(last >= document.high, "delay.range", "ends after the proof")
    return Crossings(arrays, first, last)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Delays [first, last] for which `run` shows stability; `leaves` is for progress."""

    first: Fraction
    last: Fraction
    leaves: int
    run: Callable[[Count], None]


def read_anchor(document: Document, system: System, found: dict[str, bytes]) -> Anchor:
    """The part: as in spec 4; with multiples of the delay as for kind "several", or P alone for the delay 0."""
    if all(lag.multiple == 1 for lag in windows.lags(system)):
        part = read_part(0, document, system, found)
        ends = part.breaks[0], part.breaks[-1]
        return Anchor(
            *ends, part.leaves, lambda count: check_part(part, document, system, None, count)
        )
    require(not any(document.parts), "functional.parts", "must have no networks")
    arrays = read_npz(found["part0.npz"], "part0")
    if set(arrays) == {"P"}:
        zero = Fraction(0)
        return Anchor(
            zero, zero, 0, lambda _: windows.check_undelayed("part0", arrays["P"], system)
        )
    one = windows.read("part0", arrays, system, document.order, 1)
    ends = one.breaks[0][0], one.breaks[0][-1]
    return Anchor(*ends, 0, lambda _: windows.check(one, system, document.order))


def check_crossings(found: Crossings, system: System, anchor: Anchor, count: Count) -> None:
    """Lemma: no root i w for any tau of [first, last], stability for one of them: stability for all.

    Roots with real part >= 0 satisfy |s| <= frequency(system); none is on the boundary of that half
    disc, so their number (the argument principle) is a continuous integer function of tau: zero.
    """
    meets = anchor.first <= found.last and found.first <= anchor.last
    require(meets, "part0.breaks", "lie outside the delays of the proof")
    box: Box = ((Fraction(0), frequency(system)), (found.first, found.last))
    grid, blocks = found.arrays["grid"].tolist(), found.arrays["blocks"].tolist()
    codes, data = Codes(found.arrays["codes"], "spectral.codes"), pencil(system)
    leaves = forest(box, grid, blocks, codes)
    prove(leaves, {COLLAPSED: lambda lo, hi: regular(data, lo, hi)}, codes.where, count)


def frequency(system: System) -> Fraction:
    """A bound W of |s| for every root s with Re s >= 0.

    Lemma: s v = (A + sum_k A_k e^(-k s tau)) v with |e^(-k s tau)| <= 1, so |s| is at most the largest
    row sum, and the largest column sum, of |A| + sum_k |A_k|.
    """
    n = system.n
    rows, columns = [Fraction(0)] * n, [Fraction(0)] * n
    for i, row in enumerate(system.linear):
        for j, value in row.items():
            rows[i] += abs(value)
            columns[j % n] += abs(value)
    return min(max(rows), max(columns))


def read(document: Document, system: System, found: dict[str, bytes]) -> Proof:
    """The anchor's part, and the partition."""
    crossings = read_crossings(document, system, found["spectral.npz"])
    anchor = read_anchor(document, system, found)

    def run(count: Count) -> None:
        anchor.run(count)
        check_crossings(crossings, system, anchor, count)

    return Proof(anchor.leaves + crossings.leaves, run)


RULE = Rule(
    delay={"name": str, "class": {"constant"}, "range": PAIR},
    functional=krasovskii.FUNCTIONAL,
    proof={},
    complete=krasovskii.complete,
    entries=lambda document: krasovskii.entries(document) | {"spectral.npz"},
    read=read,
    sentence=sentence,
    lags=MAX_MULTIPLE,
)
