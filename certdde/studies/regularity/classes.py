"""The classes of delays that the study compares, from the most regular to the least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certdde.errors import ProblemError

RATES = (0.1, 0.5, 2.0)


@dataclass(frozen=True, slots=True)
class Regularity:
    """What tau may do in [0, h].

    Attributes
    ----------
    kind : str
        ``constant``, ``lipschitz`` (|tau'| <= rate), ``slow`` (tau' <= rate, falling as it likes), ``sampled``
        (sample and hold with gaps up to h) or ``measurable``.
    rate : float or None
    """

    kind: str
    rate: float | None = None

    @property
    def key(self) -> str:
        """A name for files."""
        return self.kind if self.rate is None else f"{self.kind} {self.rate:g}"

    @property
    def title(self) -> str:
        """A name for people."""
        names = {
            "constant": "constant",
            "lipschitz": f"|tau'| <= {self.rate or 0:g}",
            "slow": f"tau' <= {self.rate or 0:g}",
            "sampled": "sample and hold",
            "measurable": "measurable",
        }
        return names[self.kind]

    def holds(self, other: Regularity) -> bool:
        """Whether every delay of the other class is in this one."""
        if self == other or self.kind == "measurable":
            return True
        if self.kind in ("lipschitz", "slow") and other.kind in ("constant", "lipschitz", "slow"):
            fits = other.kind != "slow" or self.kind == "slow"
            return fits and (other.rate or 0.0) <= (self.rate or 0.0)
        return False

    def spec(self, upper: float) -> dict[str, Any] | None:
        """Return the table of a problem file for delays in [0, upper]; None if there is no such class."""
        table: dict[str, Any] = {"class": self.kind, "range": (0.0, upper)}
        if self.kind in ("lipschitz", "slow"):
            rate = self.rate or 0.0
            if rate >= 1:
                return None
            return {
                **table,
                "class": "slow",
                "rate": (-rate, rate) if self.kind == "lipschitz" else rate,
            }
        return table


def regularities(rates: tuple[float, ...] = RATES) -> tuple[Regularity, ...]:
    """Return the classes for given bounds of the rate; one-sided ones for bounds below 1.

    Raises
    ------
    ProblemError
        If a rate is not a positive number.
    """
    for rate in rates:
        if not 0 < rate < 1e6:
            raise ProblemError(
                f"{rate} bounds no rate", where="--rate", wanted="positive numbers, as in 0.5"
            )
    ordered = sorted(set(rates))
    both = [Regularity("lipschitz", rate) for rate in ordered]
    one = [Regularity("slow", rate) for rate in ordered if rate < 1]
    ends = Regularity("sampled"), Regularity("measurable")
    return (Regularity("constant"), *both, *one, *ends)
