"""From the parsed JSON to a Document: the table of spec 2, then what a table cannot say."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .document import Box, Document
from .feedforward import NETWORK
from .refusal import require
from .rule import Rule
from .tree import FUNCTIONS

RESERVED = FUNCTIONS | {
    "clip",
    "t",
    "V",
    "V_i",
    "c_i",
}  # the sentence uses the last three, and c for several parts

PAIR = (Fraction, Fraction)
ANY = object
NONLINEAR = {"states": [str], "delayed": [str]}
SYSTEM = {
    "name": str,
    "states": [str],
    "equations": [str],
    "parameters": {...: ANY},
    "equilibrium": {...: ANY},
    "domain": ANY,
}
TABLE = {
    "schema": {"certdde-certificate-1"},
    "kind": str,
    "status": {"certified"},
    "rigor": {"rigorous", "float64"},
    "claim": str,
    "system": SYSTEM,
    "delay": ANY,  # these three by the tables of the kind
    "functional": ANY,
    "proof": ANY,
    "region": {"domain": ANY, "level": ANY, "radius": ANY, "area": ANY},
    "engine": str,
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


def document(value: Any, rules: Mapping[str, Rule]) -> Document:
    """The Document of a JSON object; anything missing, unknown or of a wrong type is refused."""
    conform(value, _table(value), "certificate.json")
    require(value["kind"] in rules, "kind", f"must be one of {sorted(rules)}")
    rule = rules[value["kind"]]
    for key, table in (("delay", rule.delay), ("functional", rule.functional)):
        conform(value[key], table, f"certificate.json.{key}")
    conform(value["proof"], {"nonlinear": NONLINEAR, **rule.proof}, "certificate.json.proof")
    system, delay = value["system"], value["delay"]
    states = system["states"]
    known, unknown = _numbers(system["parameters"], "system.parameters")
    resting, boxes = _numbers(system["equilibrium"], "system.equilibrium")
    exact = not unknown and not boxes
    require(exact or rule.intervals, "system", "has an interval, unknown to this kind")
    require(not boxes or set(boxes) == set(states), "system.equilibrium", "needs all intervals")
    delays, networks = _delays(delay), system.get("networks", {})
    _names([*states, *system["parameters"], *(one["name"] for one in delays), *networks])
    require(len(system["equations"]) == len(states) > 0, "system", "must have an equation a state")
    require(set(resting) <= set(states), "system.equilibrium", "names an unknown state")
    domain = _box(system["domain"], states, "system.domain")
    require(_box(value["region"]["domain"], states, "region.domain") == domain, "region", "differs")
    area = value["region"]["area"]
    require(area is None or isinstance(area, dict), "region.area", "must be an object or null")
    nonlinear = value["proof"]["nonlinear"]
    common = Document(
        kind=value["kind"],
        claim=value["claim"],
        digest=value["digest"],
        states=tuple(states),
        equations=tuple(system["equations"]),
        parameters=known,
        equilibrium=tuple(
            sum(boxes[name], Fraction(0)) / 2 if boxes else resting.get(name, Fraction(0))
            for name in states
        ),
        domain=domain,
        delays=tuple(one["name"] for one in delays),
        ranges=tuple((one["range"][0], one["range"][1]) for one in delays),
        delay_class=delay["class"],
        present=frozenset(indices(nonlinear["states"], states, "proof.nonlinear")),
        delayed=frozenset(indices(nonlinear["delayed"], states, "proof.nonlinear")),
        raw=value,
        unknown=unknown,
        enclosure=tuple(boxes[name] for name in states) if boxes else None,
    )
    return rule.complete(common)


def _table(value: Any) -> dict[str, Any]:
    """The table of spec 2; `system` may have networks."""
    system = value.get("system") if isinstance(value, dict) else None
    more = isinstance(system, dict) and "networks" in system
    return {**TABLE, "system": {**SYSTEM, "networks": {...: NETWORK}} if more else SYSTEM}


def _delays(delay: dict[str, Any]) -> list[dict[str, Any]]:
    """Several, or the one."""
    found = list(delay.get("delays", [delay]))
    require(len(found) > 0, "delay.delays", "must be at least one")
    for low, high in (one["range"] for one in found):
        require(0 <= low <= high and high > 0, "delay.range", "must have 0 <= a <= b, b > 0")
    return found


def _numbers(
    values: Any, where: str
) -> tuple[dict[str, Fraction], dict[str, tuple[Fraction, Fraction]]]:
    """The numbers, and the intervals [lo, hi] with lo < hi."""
    boxes = {name: item for name, item in values.items() if isinstance(item, list)}
    known = {name: item for name, item in values.items() if name not in boxes}
    conform(known, {...: Fraction}, where)
    conform(boxes, {...: PAIR}, where)
    require(
        all(low < high for low, high in boxes.values()), where, "has an interval without inside"
    )
    return known, {name: (low, high) for name, (low, high) in boxes.items()}


def _names(names: list[str]) -> None:
    """States, parameters and the delay have distinct plain names, none reserved by the grammar."""
    plain = all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names)
    require(plain, "system", "has a name that is not a plain identifier")
    require(len(set(names)) == len(names), "system", "uses one name twice")
    require(not RESERVED & set(names), "system", "uses a reserved name")


def integer(value: Fraction, least: int, most: int, where: str) -> int:
    """A whole number from `least` to `most`."""
    whole = value.denominator == 1 and least <= value <= most
    require(whole, where, f"must be an integer from {least} to {most}")
    return int(value)


def indices(names: list[str], states: list[str], where: str) -> tuple[int, ...]:
    """Positions of distinct states."""
    known = set(names) <= set(states) and len(set(names)) == len(names)
    require(known, where, "names an unknown state, or one twice")
    return tuple(states.index(name) for name in names)


def _box(value: Any, states: list[str], where: str) -> Box | None:
    """A domain: null, or an interval for each state."""
    if value is None:
        return None
    conform(value, dict.fromkeys(states, PAIR), where)
    return tuple((value[name][0], value[name][1]) for name in states)
