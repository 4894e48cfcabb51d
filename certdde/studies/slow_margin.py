"""The largest delay of bounded rate for which there is a functional, by bisection; each answer is checked."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import floor, inf, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.errors import ProblemError
from certdde.learning.slow import slow_answer, slow_certificate

if TYPE_CHECKING:
    from certdde.certificates.certificate import Certificate
    from certdde.delays.classes import Slow
    from certdde.systems.delay_system import DelaySystem

RESOLUTION = 1e-3  # of the end of the search, rounded down to a power of ten
Progress = Callable[[str, dict[str, Any]], None]


@dataclass(slots=True)
class SlowMargin:
    """A search for the largest b such that the delays of [start, b] have a certificate.

    Attributes
    ----------
    system : DelaySystem
        With one delay; linear, or with a domain.
    delay : Slow
        Its name and rates; its range is not used.
    order : int
    start, stop : float
        0 <= start < stop.
    deadline : float
        On ``time.monotonic``.
    progress : callable, optional
    certificate : Certificate or None
        Of the largest range that was certified.
    """

    system: DelaySystem
    delay: Slow
    order: int
    start: float
    stop: float
    deadline: float = inf
    progress: Progress | None = None
    certificate: Certificate | None = None
    points: tuple[float, ...] = field(default=())

    def search(self) -> float | None:
        """Return b, a short decimal; None if nothing was certified.

        Soundness
        ---------
        Rigorous: the checker accepted ``certificate``, which is about [start, b].
        """
        if self.accepted(self.stop):
            return self.stop
        digits = -floor(log10(RESOLUTION * self.stop))
        step, low, high = 10.0**-digits, self.start, self.stop
        while high - low > 1.5 * step and time.monotonic() < self.deadline:
            middle = round((low + high) / 2, max(digits, 0))
            if not low < middle < high:
                break
            if self.accepted(middle):
                low = middle
            else:
                high = middle
        return None if self.certificate is None else low

    def accepted(self, upper: float) -> bool:
        """Look for a certificate of [start, upper], and keep it if the checker accepts it."""
        if self.progress:
            self.progress("margin", {"from": self.start, "to": upper, "method": "lmi"})
        claim = replace(self.delay, lower=self.start, upper=upper)
        answer = slow_answer(
            self.system, claim, self.order, points=self.points, deadline=self.deadline
        )
        self.points = answer.points
        if answer.functional is None:
            return False
        found = slow_certificate(self.system, claim, answer, engine="lmi")
        if found is None:
            return False
        with tempfile.TemporaryDirectory() as folder:
            valid = found.save(Path(folder) / "certificate.certdde").check().valid
        self.certificate = found if valid else self.certificate
        return valid


def require_slow(system: DelaySystem, method: str) -> None:
    """Refuse what the LMI for slow delays does not take.

    Raises
    ------
    ProblemError
        If the method is another one, or the system has multiples of the delay.
    """
    if method not in ("auto", "lmi", "quadratic"):
        what = f"the method {method} takes no slow delays"
        raise ProblemError(what, where="--method", wanted="auto or lmi")
    if not system.one_lag:
        raise ProblemError(
            "the margin of a slow delay is for equations without multiples of the delay",
            where="system.equations",
            wanted="equations as in x' = -x(t - tau)",
        )
