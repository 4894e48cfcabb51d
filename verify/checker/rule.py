"""What a kind of certificate adds to the common part of the format: its tables, its entries, its proof."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .document import Document
from .leaves import Count
from .system import System


@dataclass(frozen=True, slots=True)
class Proof:
    """What was read and remains to be shown: `run` refuses if it cannot; `leaves` is for progress only."""

    leaves: int
    run: Callable[[Count], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind. The tables are patterns of `schema.conform`; `proof` is what stands beside `nonlinear`.

    `complete` checks what a table cannot say and fills the fields of the Document that only this kind uses;
    `lags` is the largest multiple of the delay that the equations may hold (see `System`).
    `entries` are the names of all entries beside certificate.json; `read` takes the document, the system and
    the content of the entries; `sentence` is the claim. `intervals` says whether it takes what `unknowns` is about.
    """

    delay: Any
    functional: Any
    proof: Mapping[str, Any]
    complete: Callable[[Document], Document]
    entries: Callable[[Document], set[str]]
    read: Callable[[Document, System, dict[str, bytes]], Proof]
    sentence: Callable[[Document], str]
    lags: int = 1
    intervals: bool = False
