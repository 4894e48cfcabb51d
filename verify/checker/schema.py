"""From the parsed JSON to a Document: the table of spec 2, then what a table cannot say."""

import re
from fractions import Fraction
from typing import Any

from .document import Box, Document, NetworkSpec
from .refusal import require
from .syntax import FUNCTIONS

RESERVED = FUNCTIONS | {
    "t",
    "V",
    "V_i",
    "c_i",
}  # the sentence uses the last three, and c for several parts

PAIR = (Fraction, Fraction)
ANY = object
TABLE = {
    "schema": {"certdde-certificate-1"},
    "kind": {"krasovskii", "spectral"},
    "status": {"certified"},
    "rigor": {"rigorous", "float64"},
    "claim": str,
    "system": {
        "name": str,
        "states": [str],
        "equations": [str],
        "parameters": {...: Fraction},
        "equilibrium": {...: Fraction},
        "domain": ANY,
    },
    "delay": {"name": str, "class": {"constant", "measurable"}, "range": PAIR},
    "functional": {
        "kind": {"quadratic", "neural"},
        "order": Fraction,
        "parts": [
            {"networks": {...: {"inputs": [str], "activation": {"tanh"}, "layers": Fraction}}}
        ],
    },
    "proof": {"nonlinear": {"states": [str], "delayed": [str]}},
    "region": {"domain": ANY, "level": ANY, "radius": ANY, "area": ANY},
    "engine": {"lmi", "quadratic", "neural", "spectral"},
    "statistics": ANY,
    "versions": ANY,
    "seed": ANY,
    "counterexample": type(None),
    "digest": str,
}


def conform(value: Any, pattern: Any, where: str) -> None:
    """Refuse unless `value` fits.

    A pattern is a type; a set of strings; a tuple (a list of that length) or a list (of any
    length); a mapping with exactly these keys, or with any keys if its key is `...`.
    """
    if isinstance(pattern, type):
        require(isinstance(value, pattern), where, f"must be a {pattern.__name__}")
    elif isinstance(pattern, set):
        right = isinstance(value, str) and value in pattern
        require(right, where, f"must be one of {sorted(pattern)}")
    elif isinstance(pattern, dict):
        right = isinstance(value, dict) and (... in pattern or set(value) == set(pattern))
        require(right, where, f"must be an object with the keys {sorted(map(str, pattern))}")
        for key, item in value.items():
            conform(item, pattern[... if ... in pattern else key], f"{where}.{key}"[:200])
    else:
        right = isinstance(value, list) and (type(pattern) is list or len(value) == len(pattern))
        require(right, where, "must be a list of the right length")
        for item, wanted in zip(value, pattern * len(value), strict=False):
            conform(item, wanted, where)


def document(value: Any) -> Document:
    """The Document of a JSON object; anything missing, unknown or of a wrong type is refused."""
    conform(value, TABLE, "certificate.json")
    system, delay, functional = value["system"], value["delay"], value["functional"]
    states, resting, (low, high) = system["states"], system["equilibrium"], delay["range"]
    names = [*states, *system["parameters"], delay["name"]]
    _names(names)
    several = len(functional["parts"]) > 1
    require(not (several and "c" in names), "system", "uses the name c, which means the levels")
    require(len(system["equations"]) == len(states) > 0, "system", "must have an equation a state")
    require(set(resting) <= set(states), "system.equilibrium", "names an unknown state")
    require(0 <= low <= high and high > 0, "delay.range", "must have 0 <= a <= b, b > 0")
    parts = tuple(_networks(part["networks"], states) for part in functional["parts"])
    quadratic = functional["kind"] == "quadratic"
    require(len(parts) > 0 and not (quadratic and any(parts)), "functional", "has wrong parts")
    measurable = delay["class"] == "measurable"
    alone = value["kind"] == "krasovskii" and len(parts) == 1
    require(alone or not measurable, "delay.class", "needs a krasovskii certificate of one part")
    domain = _box(system["domain"], states, "system.domain")
    require(_box(value["region"]["domain"], states, "region.domain") == domain, "region", "differs")
    level, radius = _region(value["region"], domain, len(parts))
    nonlinear = value["proof"]["nonlinear"]
    return Document(
        kind=value["kind"],
        claim=value["claim"],
        digest=value["digest"],
        states=tuple(states),
        equations=tuple(system["equations"]),
        parameters=system["parameters"],
        equilibrium=tuple(resting.get(name, Fraction(0)) for name in states),
        domain=domain,
        delay=delay["name"],
        measurable=measurable,
        low=low,
        high=high,
        order=_integer(functional["order"], 0, 20, "functional.order"),
        parts=parts,
        present=frozenset(_indices(nonlinear["states"], states, "proof.nonlinear")),
        delayed=frozenset(_indices(nonlinear["delayed"], states, "proof.nonlinear")),
        level=level,
        radius=radius,
    )


def _names(names: list[str]) -> None:
    """States, parameters and the delay have distinct plain names, none reserved by the grammar."""
    plain = all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names)
    require(plain, "system", "has a name that is not a plain identifier")
    require(len(set(names)) == len(names), "system", "uses one name twice")
    require(not RESERVED & set(names), "system", "uses a reserved name")


def _integer(value: Fraction, least: int, most: int, where: str) -> int:
    whole = value.denominator == 1 and least <= value <= most
    require(whole, where, f"must be an integer from {least} to {most}")
    return int(value)


def _indices(names: list[str], states: list[str], where: str) -> tuple[int, ...]:
    """Positions of distinct states."""
    known = set(names) <= set(states) and len(set(names)) == len(names)
    require(known, where, "names an unknown state, or one twice")
    return tuple(states.index(name) for name in names)


def _networks(networks: dict[str, Any], states: list[str]) -> dict[str, NetworkSpec]:
    where, found = "functional.parts", {}
    require(set(networks) <= {"V0", "W"}, where, "has networks other than V0 and W")
    for name, entry in networks.items():
        inputs = _indices(entry["inputs"], states, where)
        require(len(inputs) > 0, where, "has a network without inputs")
        found[name] = NetworkSpec(inputs, _integer(entry["layers"], 2, 64, where))
    return found


def _box(value: Any, states: list[str], where: str) -> Box | None:
    """A domain: null, or an interval for each state."""
    if value is None:
        return None
    conform(value, dict.fromkeys(states, PAIR), where)
    return tuple((value[name][0], value[name][1]) for name in states)


def _region(
    region: dict[str, Any], domain: Box | None, count: int
) -> tuple[tuple[Fraction, ...], tuple[Fraction, Fraction] | None]:
    """Level (one number a part) and radius, all positive; both null exactly when the domain is."""
    level, radius, area = region["level"], region["radius"], region["area"]
    require(area is None or isinstance(area, dict), "region.area", "must be an object or null")
    if domain is None:
        require(level is None and radius is None, "region", "has a level or radius but no domain")
        return (), None
    conform(level, [Fraction], "region.level")
    conform(radius, {"rho": Fraction, "rho_rate": Fraction}, "region.radius")
    require(len(level) == count, "region.level", "must be one number a part")
    found = radius["rho"], radius["rho_rate"]
    require(all(number > 0 for number in [*level, *found]), "region", "must be positive")
    return tuple(level), found
