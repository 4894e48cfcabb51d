"""The spectral method: one stable delay, and no root on the imaginary axis for any delay of the range."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import inf, nextafter

from certdde.certificates.part import Part
from certdde.certificates.spectral import spectral_certified
from certdde.certificates.windows import WindowsPart
from certdde.learning.boxes import windows_part
from certdde.learning.outcome import Outcome, extra
from certdde.learning.task import Task
from certdde.verify.bound_propagation.branch import Settings
from certdde.verify.lmi.windows import LaggedSystem
from certdde.verify.spectral.anchor import anchor_at_zero, undelayed
from certdde.verify.spectral.crossing import NoCrossing, PossibleCrossing, prove_no_crossing
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import abscissa

ORDERS = (1, 2, 3, 4, 6, 8, 10, 12)  # a window at many periods of the root needs a high one


@dataclass(frozen=True, slots=True)
class SpectralProof:
    """A functional for one delay of ``crossing``'s range, and the proof that no root crosses there."""

    anchor: Part | WindowsPart
    crossing: NoCrossing

    @property
    def order(self) -> int:
        """Number of moments of the anchor."""
        part = self.anchor
        return part.order if isinstance(part, WindowsPart) else part.functional.order


def find_spectral(task: Task) -> tuple[SpectralProof | None, str]:
    """Return a spectral proof for the task's range of delays, or None and why."""
    system = LinearDelaySystem.required(task.system)
    lower, upper = covering(task.delay.lower, task.delay.upper)
    deadline, began = task.settings.deadline, time.monotonic()
    found = task.timed(
        "spectral", lambda: prove_no_crossing(system, lower, upper, deadline=deadline)
    )
    proof, why = None, "no delay of the range was shown to be stable"
    if isinstance(found, PossibleCrossing):
        why = f"{found.why} at the delay {found.delay:.9g}, frequency {found.frequency:.6g}"
    else:
        proof = task.timed("anchor", lambda: _anchored(task, system, found))
    task.baselines.append(
        {
            "method": "spectral",
            "order": proof.order if proof else task.settings.order,
            "status": "proved" if proof else "not proved",
            "boxes": proof.crossing.leaves if proof else 0,
            "area": None,
            "seconds": round(time.monotonic() - began, 3),
        }
    )
    return proof, why


def by_spectrum(task: Task) -> Outcome:
    """Look for a certificate of kind ``spectral``."""
    proof, why = find_spectral(task)
    if proof is None:
        return Outcome(None, why)
    crossing, about = proof.crossing, extra(task, "spectral", _counts(proof.crossing))
    delays = (crossing.lower, crossing.upper)
    return Outcome(
        spectral_certified(task.system, task.delay, proof.anchor, delays, crossing.codes, **about)
    )


def covering(lower: float, upper: float) -> tuple[float, float]:
    """Return binary64 numbers around the decimals of a range, the first below the second."""
    a = nextafter(lower, -inf) if Fraction(lower) > Fraction(repr(float(lower))) else lower
    b = nextafter(upper, inf) if Fraction(upper) < Fraction(repr(float(upper))) else upper
    return float(a), float(b if a < b else nextafter(b, inf))


def _anchored(task: Task, system: LinearDelaySystem, found: NoCrossing) -> SpectralProof | None:
    """Prove stability for one delay: 0 if it belongs to the range or the proof extends to it, else an LMI."""
    near = _near_zero(system)
    if near is not None:
        whole = found
        if found.lower > 0:
            extended = prove_no_crossing(system, 0.0, found.upper, max_boxes=40_000)
            whole = extended if isinstance(extended, NoCrossing) else found
        if whole.lower == 0:
            return SpectralProof(near, whole)
    for delay, order in _trials(task, system, found):
        shown = _by_lmi(task, system, delay, order)
        if shown is not None:
            return SpectralProof(shown, found)
        if task.late():
            break
    return None


def _near_zero(system: LinearDelaySystem) -> Part | WindowsPart | None:
    """Return a proof for the delay 0, or those next to it, without a program."""
    if _plain(system):
        near = anchor_at_zero(system)
        return near and Part(near[0], near[1], near[1], {}, level=None, radius=None)
    p = undelayed(system)
    return None if p is None else WindowsPart.undelayed(p)


def _plain(system: LinearDelaySystem) -> bool:
    """Tell whether the delay occurs without multiples: then its certificates are those of one window."""
    return all(k == 1 for k in system.multiples)


def _trials(
    task: Task, system: LinearDelaySystem, found: NoCrossing
) -> Iterator[tuple[float, int]]:
    """Yield delays that look most stable, with the task's order first and then higher ones."""
    width = found.upper - found.lower
    delays = [found.lower + width * k / 16 for k in range(17)]
    likely = sorted((abscissa(system, tau), tau) for tau in delays if tau > 0)
    stable = [tau for value, tau in likely if value < 0][:2]
    for order in (task.settings.order, *(k for k in ORDERS if k > task.settings.order)):
        for tau in stable:
            yield tau, order


def _by_lmi(
    task: Task, system: LinearDelaySystem, delay: float, order: int
) -> Part | WindowsPart | None:
    from certdde.learning.proposals import attempt

    if not _plain(system):
        lags = tuple((0, k) for k in system.multiples)
        present, delayed = system.arrays[0], system.arrays[list(system.multiples)]
        lagged = LaggedSystem(present, lags, tuple(delayed))
        ends = covering(delay, delay)
        return windows_part(lagged, order, [[*ends]])
    settings = Settings(deadline=task.settings.deadline)
    found = attempt(
        "lmi", task.system, delay, delay, order=order, seed=task.settings.seed, settings=settings
    )
    return found.part


def _counts(found: NoCrossing) -> dict[str, int]:
    return {"leaves": found.leaves, "star": 0, "face": 0}
