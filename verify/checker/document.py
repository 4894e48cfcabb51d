"""`certificate.json` as exact data: the parse with exact decimals, and what it is parsed into."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .bundle import MAX_JSON, unique
from .feedforward import Feedforward
from .refusal import Refused, require

Box = tuple[tuple[Fraction, Fraction], ...]
Groups = tuple[tuple[str, int], ...]  # activations of a layer: names and numbers of units


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """What the JSON says of a network: the indices of its inputs, its layers, their activations."""

    inputs: tuple[int, ...]
    layers: int
    activation: str | tuple[Groups, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The content of `certificate.json` that a proof depends on; all numbers exact.

    `raw` is the whole object, conforming to the tables of its kind; what a kind alone knows is read from there by
    its rule, which fills the five fields from `order` on if it uses them; `discrete` means x[t+1] = .. .
    `unknown` are the parameters known in intervals, `enclosure` a box that holds the equilibrium, if it is not known
    itself (then `equilibrium` is the middle). `networks` are those that the equations call (read in `opening`).
    """

    kind: str
    claim: str
    digest: str
    states: tuple[str, ...]
    equations: tuple[str, ...]
    parameters: Mapping[str, Fraction]
    equilibrium: tuple[Fraction, ...]
    domain: Box | None
    delays: tuple[str, ...]
    ranges: Box
    delay_class: str
    present: frozenset[int]
    delayed: frozenset[int]
    raw: Any
    order: int = 0
    parts: tuple[Mapping[str, NetworkSpec], ...] = ()
    level: tuple[Fraction, ...] = ()
    radius: tuple[Fraction, Fraction] | None = None
    discrete: bool = False
    unknown: Mapping[str, tuple[Fraction, Fraction]] = field(default_factory=dict)
    enclosure: Box | None = None
    networks: Mapping[str, Feedforward] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """All names of the system but those of single outputs of networks."""
        networks = self.raw["system"].get("networks", {})
        return {*self.states, *self.parameters, *self.unknown, *self.delays, *networks}

    @property
    def delay(self) -> str:
        """The name of the first delay: of the only one, but for kind "several"."""
        return self.delays[0]

    @property
    def low(self) -> Fraction:
        """The least value of the first delay."""
        return self.ranges[0][0]

    @property
    def high(self) -> Fraction:
        """The greatest value of the first delay."""
        return self.ranges[0][1]

    @property
    def measurable(self) -> bool:
        """Whether the delay may vary in any measurable way."""
        return self.delay_class == "measurable"


def parse(content: bytes) -> tuple[dict[str, Any], Any]:
    """The JSON object twice: with binary64 numbers for the digest, with exact ones for the proof."""
    require(len(content) <= MAX_JSON, "certificate.json", "is too large")
    try:
        text = content.decode("utf-8")
        plain = json.loads(
            text, parse_float=_finite, parse_constant=_finite, object_pairs_hook=unique
        )
        exact = json.loads(text, parse_float=decimal, parse_int=decimal, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise Refused("certificate.json", f"is not acceptable JSON ({error})") from error
    require(isinstance(plain, dict), "certificate.json", "is not an object")
    return plain, exact


def _finite(text: str) -> float:
    value = float(text)
    require(math.isfinite(value), "a number", "is not finite as a binary64")
    return value


def decimal(text: str) -> Fraction:
    """The decimal written in `text`, exactly; at most 400 characters, exponent at most 400."""
    exponent = re.split("[eE]", text)[1:] or ["0"]
    if len(text) > 400 or abs(int(exponent[0])) > 400:
        raise Refused("a number", "is too long")
    return Fraction(text)
