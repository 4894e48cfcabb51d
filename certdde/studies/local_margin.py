"""Up to which delay the linearisation at the equilibrium is stable: float64, beside a certified margin."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf, pi
from typing import TYPE_CHECKING

import numpy as np
import torch

from certdde.delays.classes import AnyDelay, Constant, Measurable, Sampled, Slow
from certdde.learning.sample_and_hold import held_system
from certdde.verify.sampled_data.growth import GROWS, radius_of
from certdde.verify.sampled_data.held import HeldSystem
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import abscissa, crossings

if TYPE_CHECKING:
    from certdde.systems.delay_system import DelaySystem

CROSSING, UNSTABLE, EVERY, FAR, KINK = (
    "a root crosses",
    "unstable at the first delay",
    "stable for every delay",
    "stable as far as was looked",
    "f has a kink at the equilibrium",
)
GAPS = (1e-6, 1e-5, 1e-4, 1e-3)  # beyond the margin, relative
SEEN = 1e-9  # an abscissa that counts as positive
NEAR, SMOOTH = (
    1e-7,
    1e-4,
)  # of the domain; how much of the slopes may change from one side to the other
DIRECTIONS, STEPS, FARTHEST = 32, 400, 64.0


@dataclass(frozen=True, slots=True)
class LocalMargin:
    """What the linearisation at the equilibrium says.

    Attributes
    ----------
    kind : str
        ``a root crosses``, ``unstable at the first delay``, ``stable for every delay``, ``stable as far as was looked``
        (steps of sample and hold) or ``f has a kink at the equilibrium``: then there is no linearisation.
    delay : float or None
        Where the root crosses: the linearisation is stable for all constant delays from the first one to here. Of
        sample and hold, the constant step.
    frequency : float or None
        Of the root there, in radians a unit of time.
    unstable : float or None
        A delay just beyond at which a root has a positive real part.
    """

    kind: str
    delay: float | None = None
    frequency: float | None = None
    unstable: float | None = None


def linearised(system: DelaySystem) -> LinearDelaySystem | None:
    """Return the linearisation at the equilibrium in binary64; None if f has a kink there, or several lags.

    Parameters
    ----------
    system : DelaySystem
        In continuous time. Of a family the middle is taken.
    """
    if system.time == "discrete" or not system.one_lag or not smooth_at_rest(system):
        return None
    terms = [m.tolist() for m in system.jacobians()]
    return LinearDelaySystem(
        tuple(tuple(tuple(map(Fraction, row)) for row in term) for term in terms)
    )


def smooth_at_rest(system: DelaySystem) -> bool:
    """Tell whether f has the same slope on both sides of the equilibrium, in directions drawn at random (float64)."""
    present, delayed = system.jacobians()
    if not bool(torch.isfinite(present).all() and torch.isfinite(delayed).all()):
        return False
    if system.linear:
        return True
    half = [float(min(-lo, hi)) for lo, hi in system.domain or ()]
    generator = torch.Generator().manual_seed(0)
    draws = torch.randn(DIRECTIONS, 2, len(half), generator=generator, dtype=torch.float64)
    x, y = (NEAR * torch.tensor(half, dtype=torch.float64) * draws).unbind(1)
    f = system.deviation_function()
    sides = (f(x, y) + f(-x, -y)).abs()
    slopes = x.abs() @ present.abs().T + y.abs() @ delayed.abs().T
    return bool((sides <= SMOOTH * slopes + 1e-13).all())


def local_margin(
    system: DelaySystem, delay: AnyDelay, start: float, stop: float
) -> LocalMargin | None:
    """Return up to which constant delay from ``start`` on the linearisation is stable.

    Parameters
    ----------
    system : DelaySystem
    delay : DelayClass
        Its class: under sample and hold the delay is the step, the same from one instant to the next.
    start, stop : float
        0 <= start < stop. A longer delay than ``stop`` may be returned.

    Returns
    -------
    LocalMargin or None
        None if the class has no constant delays, or the system is a scheme, a family or has several lags.

    Soundness
    ---------
    float64 estimates of roots, without error bounds: no proof, neither of stability nor of instability.
    """
    classes = (Constant, Measurable, Sampled, Slow)
    one = system.time == "continuous" and system.one_lag and system.family is None
    if not one or not isinstance(delay, classes):
        return None
    linear = linearised(system)
    if linear is None:
        return LocalMargin(KINK)
    if isinstance(delay, Sampled):
        return _held(held_system(system), start, stop)
    return _constant(linear, start, stop)


def _constant(linear: LinearDelaySystem, start: float, stop: float) -> LocalMargin:
    first = [(_after(start, w, theta), w) for w, theta in crossings(linear)]
    last, frequency = min(first, default=(stop, None))
    if not abscissa(linear, (start + last) / 2) < 0:
        return LocalMargin(UNSTABLE, unstable=start)
    if frequency is None:
        return LocalMargin(EVERY)
    return LocalMargin(CROSSING, last, frequency, unstable_beyond(linear, last))


def _after(start: float, w: float, theta: float) -> float:
    """Return the first delay after ``start`` at which the root i w is there."""
    turns = max(0, int(np.ceil((w * start - theta) / (2 * pi))))
    tau = (theta + 2 * pi * turns) / w
    return float(tau if tau > start else tau + 2 * pi / w)


def unstable_beyond(linear: LinearDelaySystem, last: float) -> float | None:
    """Return a delay just beyond ``last`` at which the float64 spectrum is unstable, or None."""
    beyond = (last * (1 + gap) for gap in GAPS)
    return next((tau for tau in beyond if abscissa(linear, tau) > SEEN), None)


def _held(held: HeldSystem, start: float, stop: float) -> LocalMargin:
    """Return the same for steps of sample and hold: a grid, then bisection where the radius passes 1."""
    first, end = max(start, 1e-3 * stop), stop
    while end <= FARTHEST * stop:
        steps = np.linspace(first, end, STEPS)
        unstable = np.abs(np.linalg.eigvals(held.maps(steps))).max(-1) > 1 + GROWS
        if unstable[0]:
            return LocalMargin(UNSTABLE, unstable=first)
        if unstable.any():
            k = int(unstable.argmax())
            return _refined(held, float(steps[k - 1]), float(steps[k]))
        end *= 4
    return LocalMargin(FAR)


def _refined(held: HeldSystem, low: float, high: float) -> LocalMargin:
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if radius_of(held, [middle]) < 1 else (low, middle)
    beyond = (low * (1 + gap) for gap in GAPS)
    grows = (step for step in beyond if radius_of(held, [step]) > 1 + GROWS)
    return LocalMargin(CROSSING, low, unstable=next(grows, None))


def searched_to(local: LocalMargin | None, stop: float) -> float:
    """Return where to stop looking for stable delays: at the local margin, if that is less than ``stop``."""
    last = inf if local is None or local.delay is None else local.delay
    return min(stop, last)
