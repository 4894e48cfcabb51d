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

    def __post_init__(self) -> None:
        where = f"delays.{self.name}.range"
        if not (math.isfinite(self.lower) and math.isfinite(self.upper)):
            raise ProblemError(
                f"[{self.lower}, {self.upper}] is not finite",
                where=where,
                wanted="two finite numbers",
            )
        if self.lower < 0 or self.upper <= 0:
            raise ProblemError(
                f"[{self.lower}, {self.upper}] has no positive delay or a negative one",
                where=where,
                wanted="0 <= lower <= upper, upper > 0",
            )
        if self.lower > self.upper:
            raise ProblemError(
                f"[{self.lower}, {self.upper}] is reversed",
                where=where,
                wanted=f"[{self.upper}, {self.lower}]",
            )
