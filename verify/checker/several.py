"""Kind "several": several constant delays, a quadratic functional for each box of delays (spec, kind "several")."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from . import windows
from .bundle import read_npz
from .claim import about, joined, outcome, shown
from .document import Document
from .ellipsoid import check_level
from .forest import COLLAPSED, Codes, leaves, outward
from .krasovskii import region
from .leaves import Count
from .polytope import vertices
from .radius import check_inside
from .refusal import require
from .rule import Proof, Rule
from .schema import PAIR, integer
from .syntax import MAX_MULTIPLE
from .system import Linear, System
from .windows import Windows

MOST = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """A leaf of the tree: a box of delays, the ends exact."""

    low: list[Fraction]
    high: list[Fraction]


def complete(document: Document) -> Document:
    """The order; one to eight delays; with a domain a level for each part, and a radius."""
    functional = document.raw["functional"]
    require(1 <= len(document.delays) <= MOST, "delay.delays", f"must be 1 to {MOST}")
    parts = len(functional["parts"])
    require(parts > 0, "functional.parts", "must be at least one")
    order = integer(functional["order"], 0, 20, "functional.order")
    level, radius = region(document.raw["region"], document.domain, parts)
    clash = len(level) > 1 and "c" in document.names
    require(not clash, "system", "uses the name c, which means the levels")
    return replace(document, order=order, parts=({},) * parts, level=level, radius=radius)


def entries(document: Document) -> set[str]:
    """The tree, and arrays for each part."""
    return {"several.npz"} | {f"part{i}.npz" for i in range(len(document.parts))}


def read(document: Document, system: System, found: dict[str, bytes]) -> Proof:
    """The parts, each for a leaf of the tree that its breaks cover."""
    if system.domain is not None and document.radius is not None:
        check_inside(document.radius, system.domain)
    cells, count = _cells(document, found["several.npz"]), len(document.delays)
    parts = []
    for i, cell in enumerate(cells):
        where = f"part{i}"
        arrays = read_npz(found[f"{where}.npz"], where)
        part = windows.read(where, arrays, system, document.order, count)
        for j, ends in enumerate(part.breaks):
            covered = ends[0] <= cell.low[j] and cell.high[j] <= ends[-1]
            require(covered, f"{where}.breaks{j}", "do not cover the box of the part")
        parts.append(part)

    def run(count: Count) -> None:
        matrices = vertices(system)
        for i, part in enumerate(parts):
            _check(part, document, system, matrices, i)
            count(1)

    return Proof(len(parts), run)


def _check(
    part: Windows, document: Document, system: System, matrices: list[tuple[Linear, ...]], i: int
) -> None:
    """V > 0 and D < 0 for all slopes in the hull of the matrices; on a domain the level, and the radius below it.

    Theorem. While x and its delayed values are in the domain f = F v with F in the hull, so V falls; V <= c keeps x
    off the faces, where V > c: so x stays inside for ever, and tends to 0 since V falls by at least eps |x|^2.
    """
    lower = windows.positive(part, system.n)
    for rows in matrices:
        windows.decrease(part, rows, document.order)
    if system.domain is None or document.radius is None:
        return
    check_level(lower, document.level[i], system.domain, f"{part.where}.P")
    inside = windows.largest(part, document.radius, system.n) <= document.level[i]
    require(inside, "region.radius", f"does not follow: V of {part.where} may exceed the level")


def _cells(document: Document, content: bytes) -> list[Cell]:
    """The leaves in level order of a tree over the smallest binary64 box that holds the claim's.

    Lemma: the two halves of a box cover it, so the leaves cover the root. Constant delays do not leave
    their leaf, so each leaf may have a functional of its own.
    """
    arrays = read_npz(content, "several")
    require(set(arrays) == {"codes"}, "several", "must have exactly the array codes")
    array = arrays["codes"]
    right = array.dtype.str == "|u1" and array.ndim == 1
    require(right, "several.codes", "has a wrong type or shape")
    each = int((array == COLLAPSED).sum()) == len(document.parts)
    require(each, "several.codes", "must have a leaf a part")
    lo, hi = outward(document.ranges, "delay.range")
    codes, cells = Codes(array, "several.codes"), []
    for low, high, code in leaves(lo[:, None], hi[:, None], codes):
        require(bool(np.all(code == COLLAPSED)), "several.codes", "has an unknown code")
        for a, b in zip(low.T.tolist(), high.T.tolist(), strict=True):
            cells.append(Cell([Fraction(v) for v in a], [Fraction(v) for v in b]))
    codes.finish()
    return cells


def sentence(document: Document) -> str:
    """The claim of spec, kind "several"."""
    each = [
        f"{name} in [{shown(low)}, {shown(high)}]"
        for name, (low, high) in zip(document.delays, document.ranges, strict=True)
    ]
    kind = "every constant delay" if len(each) == 1 else "all constant delays"
    return f"For {kind} {joined(each)}, {about(document)} is {outcome(document)}."


RULE = Rule(
    delay={
        "class": {"several"},
        "delays": [{"name": str, "class": {"constant"}, "range": PAIR}],
    },
    functional={"kind": {"quadratic"}, "order": Fraction, "parts": [{"networks": {}}]},
    proof={},
    complete=complete,
    entries=entries,
    read=read,
    sentence=sentence,
    lags=MOST * (MAX_MULTIPLE + 1),
)
