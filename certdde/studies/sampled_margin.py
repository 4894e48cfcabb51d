"""The largest step of sample and hold for which there is a quadratic function, by bisection; each answer is checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from certdde.certificates.sampled import sampled_certified
from certdde.errors import ProblemError
from certdde.learning.admission import check_sampled
from certdde.learning.outcome import checked
from certdde.learning.sample_and_hold import held_system, sampled_answer
from certdde.verify.sampled_data.growth import fastest_growth

if TYPE_CHECKING:
    from certdde.certificates.certificate import Certificate
    from certdde.delays.classes import Sampled
    from certdde.systems.delay_system import DelaySystem

RESOLUTION = 1e-6  # of the end of the search
NEAR = 1e-3  # of the margin: where an unstable step is looked for
Progress = Callable[[str, dict[str, Any]], None]


@dataclass(slots=True)
class SampledMargin:
    """A search for the largest b such that steps in [start, b] have a certificate.

    Attributes
    ----------
    system : DelaySystem
        Linear, with one delay.
    delay : Sampled
        Its name; its range is not used.
    start, stop : float
        0 <= start < stop.
    deadline : float
        On ``time.monotonic``.
    progress : callable, optional
    certificate : Certificate or None
        Of the largest range that was certified.
    """

    system: DelaySystem
    delay: Sampled
    start: float
    stop: float
    deadline: float = inf
    progress: Progress | None = None
    certificate: Certificate | None = None

    def search(self) -> float | None:
        """Return b, a short decimal; None if nothing was certified.

        Soundness
        ---------
        Rigorous: the checker accepted ``certificate``, which is about [start, b].
        """
        if self.accepted(self.stop):
            return self.stop
        low, high = self.start, self.stop
        while high - low > RESOLUTION * high and time.monotonic() < self.deadline:
            middle = float(f"{(low + high) / 2:.9g}")
            if not low < middle < high:
                break
            low, high = (middle, high) if self.accepted(middle) else (low, middle)
        return None if self.certificate is None else low

    def accepted(self, upper: float) -> bool:
        """Look for a certificate of [start, upper], and keep it if the checker accepts it."""
        if self.progress:
            self.progress("margin", {"from": self.start, "to": upper, "method": "lmi"})
        claim = replace(self.delay, lower=self.start, upper=upper)
        answer = sampled_answer(self.system, claim, deadline=self.deadline)
        if answer.P is None:
            return False
        found = sampled_certified(self.system, claim, answer.P, answer.breaks, engine="lmi")
        accepted, result = checked(found)
        self.certificate = accepted if result.valid else self.certificate
        return result.valid

    def unstable_beyond(self, last: float) -> float | None:
        """Return a step just beyond the margin that, repeated, makes solutions grow (float64), if there is one."""
        beyond = min(last * (1 + NEAR), self.stop)
        found = fastest_growth(held_system(self.system), self.start, beyond)
        return found.word[0] if found.grows and len(found.word) == 1 else None


def require_sampled(system: DelaySystem, delay: Sampled, method: str) -> None:
    """Refuse what the quadratic functions for sample and hold do not take.

    Raises
    ------
    ProblemError
        If the method is another one, or the system has multiples of the delay.
    """
    check_sampled(system, delay)
    if method not in ("auto", "lmi", "quadratic"):
        what = f"the method {method} takes no sample and hold"
        raise ProblemError(what, where="--method", wanted="auto or lmi")
