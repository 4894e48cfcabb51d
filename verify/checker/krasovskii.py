"""Kind "krasovskii": a functional for each part of the delay range (spec 4)."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from .claim import sentence
from .document import Box, Document, NetworkSpec
from .leaves import Count
from .moments import MOMENTS
from .network_spec import NETWORK, described
from .part import check_part, read_part
from .radius import check_inside
from .refusal import require
from .rule import Proof, Rule
from .schema import PAIR, conform, integer
from .system import System

FUNCTIONAL = {
    "kind": {"quadratic", "neural"},
    "order": Fraction,
    "parts": [{"networks": {...: NETWORK}}],
}


def complete(document: Document) -> Document:
    """The order, the networks of each part, levels and radius."""
    value, states = document.raw, list(document.states)
    functional = value["functional"]
    several = len(functional["parts"]) > 1
    clash = several and "c" in document.names
    require(not clash, "system", "uses the name c, which means the levels")
    order = integer(functional["order"], 0, 20, "functional.order")
    most = 0 if document.measurable else min(order, MOMENTS)
    parts = tuple(_networks(part["networks"], states, most) for part in functional["parts"])
    quadratic = functional["kind"] == "quadratic"
    require(len(parts) > 0 and not (quadratic and any(parts)), "functional", "has wrong parts")
    alone = len(parts) == 1 or not document.measurable
    require(alone, "functional.parts", "must be one part for a delay that varies")
    level, radius = region(value["region"], document.domain, len(parts))
    return replace(document, order=order, parts=parts, level=level, radius=radius)


def _networks(networks: dict[str, Any], states: list[str], most: int) -> dict[str, NetworkSpec]:
    """The networks of a part; V0 may read the moments of an order below `most`."""
    where, found = "functional.parts", {}
    require(set(networks) <= {"V0", "W"}, where, "has networks other than V0 and W")
    for name, entry in networks.items():
        count = most if name == "V0" else 0
        known = states + [f"moment{k}({state})" for k in range(count) for state in states]
        found[name] = described(entry, known, where)
    return found


def region(
    region: dict[str, Any], domain: Box | None, count: int
) -> tuple[tuple[Fraction, ...], tuple[Fraction, Fraction] | None]:
    """Level (one number a part) and radius, all positive; both null exactly when the domain is."""
    level, radius = region["level"], region["radius"]
    if domain is None:
        require(level is None and radius is None, "region", "has a level or radius but no domain")
        return (), None
    conform(level, [Fraction], "region.level")
    conform(radius, {"rho": Fraction, "rho_rate": Fraction}, "region.radius")
    require(len(level) == count, "region.level", "must be one number a part")
    found = radius["rho"], radius["rho_rate"]
    require(all(number > 0 for number in [*level, *found]), "region", "must be positive")
    return tuple(level), found


def entries(document: Document) -> set[str]:
    """Arrays for each part, and weights where it has networks."""
    names = {f"part{i}.npz" for i in range(len(document.parts))}
    return names | {f"part{i}.safetensors" for i, part in enumerate(document.parts) if part}


def read(document: Document, system: System, found: dict[str, bytes]) -> Proof:
    """The parts, which cover the range; each has to pass check_part."""
    if system.domain is not None and document.radius is not None:
        check_inside(document.radius, tuple((low[1], high[0]) for low, high in system.ends))
    parts = [read_part(i, document, system, found) for i in range(len(document.parts))]
    check_cover([part.range for part in parts], document)

    def run(count: Count) -> None:
        for part, level in zip(parts, document.level or (None,) * len(parts), strict=True):
            check_part(part, document, system, level, count)

    return Proof(sum(part.leaves for part in parts), run)


def check_cover(ranges: list[tuple[Fraction, Fraction]], document: Document) -> None:
    """Lemma: the last part that begins at or before tau does not end before tau."""
    require(ranges[0][0] <= document.low, "delay.range", "begins before the first part")
    require(ranges[-1][1] >= document.high, "delay.range", "ends after the last part")
    for (_, end), (start, _) in pairwise(ranges):
        require(start <= end, "delay.range", "has a gap between two parts")


RULE = Rule(
    delay={"name": str, "class": {"constant", "measurable"}, "range": PAIR},
    functional=FUNCTIONAL,
    proof={},
    complete=complete,
    entries=entries,
    read=read,
    sentence=sentence,
    intervals=True,
)
