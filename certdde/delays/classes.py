"""Delay classes: what tau may do. A class can be proved; a law can be sampled."""

from __future__ import annotations

import math
from dataclasses import dataclass

from certdde.errors import ProblemError


@dataclass(frozen=True, slots=True)
class Constant:
    """tau is constant, with an unknown value in [lower, upper] (time units of the system).

    Raises
    ------
    ProblemError
        If the range is reversed, negative, not finite, or only 0.
    """

    name: str
    lower: float
    upper: float

    @property
    def kind(self) -> str:
        """The name in a problem file."""
        return "constant"

    def __post_init__(self) -> None:
        _check_range(self.name, self.lower, self.upper)


@dataclass(frozen=True, slots=True)
class Measurable:
    """tau(t) is any measurable function with values in [lower, upper], however fast it varies.

    Raises
    ------
    ProblemError
        As for :class:`Constant`.
    """

    name: str
    lower: float
    upper: float

    @property
    def kind(self) -> str:
        """The name in a problem file."""
        return "measurable"

    def __post_init__(self) -> None:
        _check_range(self.name, self.lower, self.upper)


DelayClass = Constant | Measurable


def _check_range(name: str, lower: float, upper: float) -> None:
    where = f"delays.{name}.range"
    if not (math.isfinite(lower) and math.isfinite(upper)):
        raise ProblemError(
            f"[{lower}, {upper}] is not finite",
            where=where,
            wanted="two finite numbers",
        )
    if lower < 0 or upper <= 0:
        raise ProblemError(
            f"[{lower}, {upper}] has no positive delay or a negative one",
            where=where,
            wanted="0 <= lower <= upper, upper > 0",
        )
    if lower > upper:
        raise ProblemError(
            f"[{lower}, {upper}] is reversed",
            where=where,
            wanted=f"[{upper}, {lower}]",
        )
