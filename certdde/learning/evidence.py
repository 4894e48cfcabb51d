"""Simulated solutions that do not converge to the equilibrium: float64 evidence, kept in a few numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from certdde.learning.domain_box import Box
from certdde.systems.delay_system import DelaySystem

MOST_SAMPLES, MOST_NUMBERS = 400, 1600  # times of a record, and values of all states
GROWN = 100.0  # times the start: enough, where there is no domain to leave
SETTLED = 0.05  # of the domain: a solution that ends below may converge
# The last quarter, relative to the one before, of a solution that does not become smaller.
STEADY = 0.99

LEAVES, STAYS, GROWS, DECAYS = "leaves", "does not converge", "grows", "decays"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a solution ends.

    Attributes
    ----------
    kind : str
        ``leaves`` the domain, ``does not converge``, ``grows``, or ``decays``, which shows nothing.
    time : float
        When it leaves, or the last time.
    factor : float
        The size at that time, relative to that of the start.
    size : float
        The largest deviation of a state in the last quarter.
    """

    kind: str
    time: float
    factor: float
    size: float

    @property
    def shows(self) -> bool:
        """Whether the solution is evidence against convergence."""
        return self.kind != DECAYS

    def sentence(self, word: str = "t") -> str:
        """Say how it ends; ``word`` is the name of time."""
        if self.kind == LEAVES:
            return f"leaves the domain at {word} = {self.time:.4g}"
        if self.kind == STAYS:
            late = f"at {word} = {self.time:.4g} it still deviates by up to {self.size:.3g}"
            return f"does not converge in the time simulated: {late}"
        if self.kind == GROWS:
            return f"grows by a factor of {self.factor:.3g} until {word} = {self.time:.4g}"
        return f"becomes smaller until {word} = {self.time:.4g}"


def ending(times: Tensor, states: Tensor, box: Box) -> Ending:
    """Judge one solution, states (T, n) in deviations at the times (T,); NaN after it was given up."""
    given_up = ~torch.isfinite(states).all(-1)
    size = states.abs().amax(-1).nan_to_num(nan=math.inf)
    start = float(size[0].clamp(min=1e-300))
    beyond = given_up | ((box.excursion(states) > 0) if box.bounded else size > GROWN * start)
    if bool(beyond.any()):
        k = int(beyond.double().argmax())
        last = max(k - 1, 0) if bool(given_up[k]) else k
        factor = float(size[last]) / start
        return Ending(LEAVES if box.bounded else GROWS, float(times[k]), factor, float(size[last]))
    quarter = max(len(size) // 4, 1)
    late, before = float(size[-quarter:].max()), float(size[-2 * quarter : -quarter].max())
    relative = float(box.size(states[-quarter:]).max()) if box.bounded else 0.0
    kind = DECAYS
    if relative > SETTLED and late >= STEADY * before:
        kind = STAYS
    elif late > max(before, start):
        kind = GROWS
    return Ending(kind, float(times[-1]), late / start, late)


def record(
    system: DelaySystem,
    delays: Mapping[str, Any],
    times: Tensor,
    states: Tensor,
    end: Ending,
) -> dict[str, Any]:
    """Return a solution from a constant history as plain values, up to where it ends, in at most 400 samples.

    Parameters
    ----------
    system : DelaySystem
    delays : mapping
        The value of each delay; for a scheme the word that is repeated.
    times, states : (T,) and (T, n) Tensors
        In deviations from the equilibrium.
    end : Ending
    """
    last = int((times <= end.time).sum()) - 1
    while last > 0 and not bool(torch.isfinite(states[last]).all()):
        last -= 1
    most = max(40, min(MOST_SAMPLES, MOST_NUMBERS // system.dimension))
    chosen = _spread(last, most)
    word = "step" if system.time == "discrete" else "t"
    return {
        "delays": dict(delays),
        "history": dict(zip(system.states, states[0].tolist(), strict=True)),
        "outcome": end.sentence(word),
        "kind": end.kind,
        "until": _few(end.time),
        "times": [_few(t) for t in times[chosen].tolist()],
        "values": {
            name: [_few(x) for x in states[chosen, i].tolist()]
            for i, name in enumerate(system.states)
        },
    }


def constant_history(direction: Sequence[float], share: float, box: Box) -> list[float]:
    """Return a history in a direction, as large as a share of the domain, in numbers that a record holds exactly."""
    reach = torch.minimum(-box.low, box.high)
    along = torch.tensor([float(v) for v in direction], dtype=torch.float64)
    size = float((along.abs() / reach).max())
    if not (math.isfinite(size) and size > 0):
        return [float(f"{share * x:.4g}") for x in reach.tolist()]
    return [float(f"{share * x / size:.4g}") for x in along.tolist()]


def _spread(last: int, most: int) -> list[int]:
    if last + 1 <= most:
        return list(range(last + 1))
    return sorted({round(k * last / (most - 1)) for k in range(most)})


def _few(value: float) -> float:
    return float(f"{value:.6g}")
