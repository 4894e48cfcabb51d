"""The smallest constant delay found to destabilise: by the linearisation, or from a constant history in the domain."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from certdde.delays.classes import Sampled
from certdde.errors import CertddeError
from certdde.learning.domain_box import Box
from certdde.learning.evidence import SETTLED
from certdde.learning.sample_and_hold import held_solutions, inner_steps
from certdde.learning.simulation import rate, solutions
from certdde.studies.local_margin import LocalMargin, searched_to
from certdde.verify.spectral import spectral_abscissa

if TYPE_CHECKING:
    from certdde.delays.classes import DelayClass
    from certdde.systems.delay_system import DelaySystem

SPECTRUM, DIVERGES, STAYS = (
    "unstable linearisation",
    "diverges",
    "does not converge",
)
HISTORIES, CORNERS = 64, 16
FAR = 30.0  # times the domain: a solution beyond it is given up
NEAR = 0.98  # of the local margin: up to there small solutions decay fast enough to be told from others
ROUNDS = 6  # of the bisection
TURNS, STEP, MOST_STEPS = 40.0, 0.2, 3000
STEADY = 0.97  # of the last quarter to the one before: what decays less does not converge
SMALL = (
    0.02  # a delay relative to the fastest time that makes no difference to the coarse simulation
)
Progress = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Destabilising:
    """A constant delay at which not every solution from the domain converges.

    Attributes
    ----------
    delay : float
        The delay, or the step of sample and hold.
    how : str
        ``unstable linearisation``; or of a solution from a constant history in the domain: ``diverges`` (beyond thirty
        times the domain) or ``does not converge``.
    history : dict, or None
        The value of each state until time 0, in the user's coordinates.
    """

    delay: float
    how: str
    history: Mapping[str, float] | None = None


def destabilising(
    local: LocalMargin | None, simulated: Destabilising | None
) -> Destabilising | None:
    """Return the smaller of a delay beyond the local margin and one found by simulation; None if there is none."""
    spectral = None
    if local is not None and local.unstable is not None:
        spectral = Destabilising(local.unstable, SPECTRUM)
    found = [one for one in (simulated, spectral) if one is not None]
    return min(found, key=lambda one: one.delay, default=None)


@dataclass(slots=True)
class Hunt:
    """A search for the smallest delay at which some constant history in the domain gives no convergent solution.

    Attributes
    ----------
    system : DelaySystem
        With one delay and a domain.
    delay : DelayClass
        Its class and name.
    local : LocalMargin or None
        Beyond it nothing is simulated.
    start, stop : float
        0 <= start < stop.
    seed : int
        Of the histories: corners of the domain, points of its faces, and inside.
    deadline : float
        On ``time.monotonic``.
    progress : callable, optional
    found : Destabilising or None
        What the search has found so far.
    """

    system: DelaySystem
    delay: DelayClass
    local: LocalMargin | None
    start: float
    stop: float
    seed: int = 0
    deadline: float = math.inf
    progress: Progress | None = None
    found: Destabilising | None = None
    box: Box = field(init=False)
    histories: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.box = Box.of(self.system.domain, self.system.dimension)
        self.histories = constant_histories(self.box, self.seed)

    def run(self) -> Destabilising | None:
        """Try the longest delay, the first one and some in between, then bisect below what fails.

        Soundness
        ---------
        float64 evidence: each solution found fails with tight tolerances and over twice the time too. A smaller delay
        may fail between two that do not; that nothing is found proves nothing. A certificate is about the histories
        with V within its level, not about all of the domain: a delay found here may be certified.
        """
        edge = searched_to(self.local, math.inf)
        top = min(self.stop, NEAR * edge)
        first = max(self.start, top / 50) if isinstance(self.delay, Sampled) else self.start
        if self.system.linear or self.system.domain is None or top <= first:
            return None
        passed: list[float] = []
        for share in (1.0, 0.0, 0.5, 0.75):
            tau = first + share * (top - first)
            if self._out_of_time() or (self.found and tau >= self.found.delay):
                continue
            if not self._fails(tau):
                passed.append(tau)
        for _ in range(ROUNDS):
            below = [tau for tau in passed if self.found and tau < self.found.delay]
            if self.found is None or not below or self._out_of_time():
                break
            middle = (max(below) + self.found.delay) / 2
            if not self._fails(middle):
                passed.append(middle)
        return self.found

    def _out_of_time(self) -> bool:
        return time.monotonic() > self.deadline

    def _fails(self, tau: float) -> bool:
        """Simulate all histories at a delay, and the two worst again, more accurately; keep what fails."""
        tau = float(f"{tau:.6g}")
        if self.progress:
            self.progress("simulation", {"delay": tau})
        try:
            ends = self._measured(self.histories, tau, exact=False)
            for k in ends.argsort(descending=True)[:2].tolist():
                if ends[k] == 0:
                    return False
                end = self._measured(self.histories[k : k + 1], tau, exact=True)
                if end[0] > 0:
                    self._keep(tau, k, diverges=bool(end[0].isinf()))
                    return True
        except (CertddeError, ArithmeticError, RuntimeError, ValueError):
            pass  # information only: what cannot be simulated is not shown
        return False

    def _keep(self, tau: float, k: int, *, diverges: bool) -> None:
        rest = [float(x) for x in self.system.equilibrium]
        values = [a + b for a, b in zip(rest, self.histories[k].tolist(), strict=True)]
        history = dict(zip(self.system.states, values, strict=True))
        self.found = Destabilising(tau, DIVERGES if diverges else STAYS, history)

    def _measured(self, starts: Tensor, tau: float, *, exact: bool) -> Tensor:
        """Return the size at the end, relative to the domain, of solutions that do not become smaller; else 0."""
        fastest = 1 / rate(self.system)
        span = min(TURNS * max(fastest, tau), MOST_STEPS * STEP * fastest) * (2 if exact else 1)
        times, states = self._solved(starts, tau, span, exact)
        size = self.box.size(states).nan_to_num(nan=math.inf)
        quarter = len(size) // 4
        late, before = size[-quarter:].amax(0), size[-2 * quarter : -quarter].amax(0)
        slowest = math.exp(min(0.3 * self._abscissa(tau) * float(times[-1]) / 4, 0.0))
        stays = (late > SETTLED) & (late >= max(slowest, STEADY) * before)
        return torch.where(stays | late.isinf(), late, torch.zeros_like(late))

    def _solved(
        self, starts: Tensor, tau: float, span: float, exact: bool
    ) -> tuple[Tensor, Tensor]:
        bound = FAR * float(torch.maximum(-self.box.low, self.box.high).max())
        if isinstance(self.delay, Sampled):
            count = max(math.ceil(span / tau), 8)
            if count * inner_steps(self.system, tau) > 4 * MOST_STEPS:
                raise CertddeError("too many steps", where="simulation", wanted="a longer step")
            return held_solutions(self.system, starts, [tau] * count, bound=bound)
        times = torch.linspace(0.0, span, 401, dtype=torch.float64)
        fastest = 1 / rate(self.system)
        small = tau if exact or tau > SMALL * fastest else 0.0
        delays = {self.delay.name: small}
        step = None if exact else STEP * fastest
        return times, solutions(self.system, starts, delays, times, bound=bound, step=step)

    def _abscissa(self, tau: float) -> float:
        """Return the rate at which small solutions decay, by the linearisation; 0 if there is none or it grows."""
        if self.local is None or self.local.delay is None or isinstance(self.delay, Sampled):
            return 0.0
        present, delayed = (m.numpy() for m in self.system.jacobians())
        return min(spectral_abscissa(present, delayed, tau), 0.0)


def constant_histories(box: Box, seed: int) -> Tensor:
    """Return corners, points of the faces and points inside of a box, (64, n): short numbers, in deviations."""
    n = len(box.low)
    signs = list(itertools.islice(itertools.product((0.0, 1.0), repeat=n), CORNERS))
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(HISTORIES - len(signs), n, generator=generator, dtype=torch.float64)
    faces = torch.arange(len(unit) // 2)
    unit[faces, faces % n] = unit[faces, faces % n].round()
    unit = torch.cat([torch.tensor(signs, dtype=torch.float64), unit])
    points = (box.low + unit * (box.high - box.low)).tolist()
    inside = [[float(f"{(1 - 1e-3) * x:.4g}") for x in row] for row in points]
    return torch.tensor(inside, dtype=torch.float64)
