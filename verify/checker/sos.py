"""Kind "sos": a polynomial functional for each part of the delay range, by sums of squares (spec, kind "sos")."""

from dataclasses import replace
from fractions import Fraction

from .claim import sentence
from .document import Document
from .krasovskii import check_cover, region
from .leaves import Count
from .radius import check_inside
from .refusal import Refused, require
from .rule import Proof, Rule
from .schema import PAIR, integer
from .sos_part import check_part, check_radius, read_part
from .system import System


def complete(document: Document) -> Document:
    """The order, levels and radius; a domain is needed, and even degrees from 2 to 20."""
    value = document.raw
    functional, count = value["functional"], len(value["functional"]["parts"])
    clash = count > 1 and "c" in document.names
    require(not clash, "system", "uses the name c, which means the levels")
    require(document.domain is not None, "system.domain", "is needed")
    require(count > 0, "functional.parts", "must be at least one")
    for part in functional["parts"]:
        degree = integer(part["degree"], 2, 20, "functional.parts.degree")
        require(degree % 2 == 0, "functional.parts.degree", "must be even")
    order = integer(functional["order"], 0, 20, "functional.order")
    level, radius = region(value["region"], document.domain, count)
    return replace(document, order=order, parts=({},) * count, level=level, radius=radius)


def read(document: Document, system: System, found: dict[str, bytes]) -> Proof:
    """The parts, which cover the range; each has to pass check_part."""
    if document.domain is None or system.domain is None or document.radius is None:
        raise Refused("system.domain", "is needed")
    domain, radius = system.domain, document.radius
    check_inside(radius, domain)
    parts = [read_part(i, document, found[f"part{i}.npz"]) for i in range(len(document.parts))]
    check_cover([(part.breaks[0], part.breaks[-1]) for part in parts], document)

    def run(count: Count) -> None:
        for part, level in zip(parts, document.level, strict=True):
            check_part(part, system, domain, level, count)
            check_radius(part, radius, level)

    return Proof(sum(sum(name.endswith(".gram") for name in part.arrays) for part in parts), run)


RULE = Rule(
    delay={"name": str, "class": {"constant"}, "range": PAIR},
    functional={"kind": {"polynomial"}, "order": Fraction, "parts": [{"degree": Fraction}]},
    proof={},
    complete=complete,
    entries=lambda document: {f"part{i}.npz" for i in range(len(document.parts))},
    read=read,
    sentence=sentence,
)
