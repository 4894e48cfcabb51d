"""What a scheme is trained for besides the data: a decrease on sampled histories, or slopes that can be certified."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from certdde.models.schemes.fixed_scheme import FixedScheme
from certdde.models.schemes.gains import constant_gain, largest_gain
from certdde.models.schemes.rollouts import Increment, rollout
from certdde.models.schemes.secants import enclosed_secants, secants
from certdde.models.schemes.tasks import RandomHistory, SchemeTask

SHARE = 0.98  # of the bound that is aimed at: rounding and enclosures take a little
LEAST = 0.02  # of the bound: slopes stay above
INSIDE = 0.98  # what the hinge aims at, so that the limit is met
MOST = 64  # counterexamples in a step
NEAR = 0.05  # of the domain
NARROW = 0.85  # of the bound of a constant delay: what the inequality of the lifted state needs


@dataclass(frozen=True, slots=True)
class Decrease:
    """Lyapunov hinge on the envelope V(t) = max |x| over as many steps as the longest delay and one.

    mean of relu(V(3 (k + 1)) / V(0) - decay)^2 over random histories and delays: V has to have fallen three windows
    later.
    """

    task: SchemeTask
    delays: Sequence[int]
    decay: float = 1.0
    batch: int = 32

    def __call__(self, model: Increment, generator: torch.Generator) -> Tensor:
        """Return the hinge on histories drawn anew."""
        k = max(self.delays)
        pick = torch.randint(len(self.delays), (self.batch,), generator=generator)
        delays = torch.tensor(list(self.delays))[pick]
        times = self.task.step * torch.arange(-k, 1, dtype=torch.float64).reshape(-1, 1, 1)
        past = RandomHistory(self.task.start, self.batch, generator)(times)
        states = rollout(model, past, delays, 3 * (k + 1))
        before, after = (part.abs().amax(0) for part in (past, states[-(k + 1) :]))
        return torch.relu(after / before.clamp_min(1e-6) - self.decay).square().mean()


@dataclass(slots=True)
class CertifiedSlopes:
    """Counterexample-guided: slopes within what the certificate takes, on the pieces of the domain where they were not.

    :meth:`verify` encloses F(z) / z on the domain at each delay, and keeps the piece where the enclosure is worst if
    it leaves the limits. The hinge is on the enclosure itself, at the pieces kept: what counts is what is proved.

    Attributes
    ----------
    domain : (float, float)
    delays : sequence of int
        To be certified on the domain.
    bound : callable
        From a delay to the largest slope that is certified; default :func:`largest_gain`, for any sequence of delays.
    near : sequence of int
        Other delays, to be certified near 0 only, on the share ``NEAR`` of the domain. Nothing is added to the loss for
        them; :meth:`kept` makes F smaller if need be. Slopes in a narrow interval may come close to the bound of a
        constant delay; others keep to ``bound``.
    found : list of (int, float, float)
        Counterexamples: delay, ends of the piece; the newest ``MOST`` are used.
    """

    domain: tuple[float, float]
    delays: Sequence[int]
    bound: Callable[[int], float] = largest_gain
    near: Sequence[int] = ()
    found: list[tuple[int, float, float]] = field(default_factory=list)

    def limits(self, delay: int) -> tuple[float, float]:
        """Return the least and the largest slope aimed at."""
        most = self.bound(delay)
        return LEAST * most, SHARE * most

    def verify(self, model: Increment) -> int:
        """Add counterexamples; return at how many delays the slopes leave the limits."""
        failed = 0
        for delay in self.delays:
            seen, (least, most) = secants(model.at(delay), self.domain), self.limits(delay)
            places = [seen.at_high] * (seen.high > most) + [seen.at_low] * (seen.low < least)
            self.found += [(delay, *place) for place in places if (delay, *place) not in self.found]
            failed += bool(places)
        return failed

    def kept(self, scheme: FixedScheme, delay: int) -> FixedScheme:
        """Return the scheme at one delay, made smaller if its slopes exceed what is certified."""
        if delay in self.delays:
            seen, most = secants(scheme, self.domain), self.limits(delay)[1]
            return scheme.scaled(most / seen.high) if seen.high > most else scheme
        if delay in self.near:
            return self._kept_near(scheme, delay)
        return scheme

    def _kept_near(self, scheme: FixedScheme, delay: int) -> FixedScheme:
        low, high = self.domain
        seen = secants(scheme, (NEAR * low, NEAR * high))
        most = SHARE * constant_gain(delay)
        if seen.low * most < NARROW * constant_gain(delay) * max(seen.high, most):
            most = self.limits(delay)[1]
        return scheme.scaled(most / seen.high) if seen.high > most else scheme

    def __call__(self, model: Increment, _generator: torch.Generator) -> Tensor:
        """Return the hinge at the counterexamples; 0 if there is none."""
        kept = self.found[-MOST:]
        if not kept:
            return torch.zeros((), dtype=torch.float64)
        delays, low, high = (
            torch.tensor(part, dtype=torch.float64) for part in zip(*kept, strict=True)
        )
        limits = torch.tensor([self.limits(d) for d, _, _ in kept], dtype=torch.float64)
        linear, outer, inner, shifts = model.numbers(delays)
        least, most = enclosed_secants(linear[0], outer[:, 0], inner.T, shifts, low, high)
        above = torch.relu(most / limits[:, 1] - INSIDE)
        below = torch.relu((limits[:, 0] / INSIDE - least) / limits[:, 1])
        return (above.square() + below.square()).mean()


Objective = Decrease | CertifiedSlopes
