"""The delays that polynomial functionals cover, one piece after the other; each piece is checked."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from certdde.certificates.sos import sos_certified
from certdde.delays.classes import AnyDelay, Constant
from certdde.errors import ProblemError
from certdde.learning.sos import nonlinear_states, objection, sos_part, stages
from certdde.systems.delay_system import DelaySystem
from certdde.verify.sos.search import Settings
from certdde.verify.spectral import spectral_abscissa

RESOLUTION = 5e-4  # of the whole range: the width below which a failure ends the march
Progress = Callable[[str, dict[str, Any]], None]


def require_polynomial(system: DelaySystem, delay: AnyDelay) -> None:
    """Refuse what sums of squares do not take.

    Raises
    ------
    ProblemError
        If the delay is not constant, or the system is linear, not polynomial or without a domain.
    """
    what = objection(system) or ("takes nonlinear equations only" if system.linear else "")
    if delay.kind != "constant":
        what = f"takes constant delays, not {delay.kind} ones"
    if what:
        raise ProblemError(f"the method sos {what}", where="--method", wanted="another method")


@dataclass(slots=True)
class SosMarch:
    """A march along constant delays, doubling the width on success and halving it on failure.

    Attributes
    ----------
    system : DelaySystem
        Polynomial, with one delay and a domain.
    order, degree, moments : int
        Moments of V, its degree, and how many moments p may see.
    start, stop : float
    deadline : float
        On ``time.monotonic``.
    progress : callable or None
    proved : list of (float, float)
        The pieces for which the checker accepted a certificate.
    """

    system: DelaySystem
    order: int
    degree: int
    moments: int
    start: float
    stop: float
    deadline: float
    progress: Progress | None = None
    proved: list[tuple[float, float]] = field(default_factory=list)

    def search(self) -> float | None:
        """March from the start; return the end of what is proved, or None."""
        place, width = self.start, self.stop - self.start
        least = RESOLUTION * width
        while width >= least and place < self.stop and time.monotonic() < self.deadline:
            end = min(self.stop, place + width)
            if self._stable(end) and self._accepted(place, end):
                self.proved.append((place, end))
                place, width = end, 2 * width
            else:
                width = (end - place) / 2
        return place if self.proved else None

    def _stable(self, delay: float) -> bool:
        """Tell whether an attempt is worth it: the linearisation is stable at the delay (float64)."""
        present, delayed = (m.numpy() for m in self.system.jacobians())
        return bool(spectral_abscissa(present, delayed, delay) < 0)

    def _accepted(self, lower: float, upper: float) -> bool:
        """Find a functional for a piece and have its certificate checked."""
        if self.progress:
            self.progress("margin", {"from": lower, "to": upper, "method": "sos"})
        claim = Constant(self.system.delay(), lower, upper)
        settings = Settings(self.degree, rounds=0, deadline=self.deadline)
        for moments in stages(self.system, self.order, self.degree, self.moments):
            part = sos_part(
                self.system,
                lower,
                upper,
                order=self.order,
                settings=replace(settings, moments=moments),
            )
            if part is not None:
                names = nonlinear_states(self.system)
                certificate = sos_certified(self.system, claim, [part], names, None)
                with tempfile.TemporaryDirectory() as folder:
                    saved = certificate.save(Path(folder) / "piece.certdde")
                    if saved.check().valid:
                        return True
        return False
