"""Attack: look for what refutes a certificate, or a problem, by its spectrum, simulation and ascent.

For a certificate (docs/math.md, section 5.3): histories on the boundary of the certified set and delays of
the class, moved by gradient ascent through the solver so that the solution leaves the domain or V rises.
For a problem: histories anywhere in the domain, so that the solution does not converge or leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from certdde.certificates.certificate import Certificate
from certdde.certificates.content import Content, Piece, read_content
from certdde.certificates.sampled import quadratic_form
from certdde.delays.classes import AnyDelay, DelayClass, Measurable, Sampled, Several
from certdde.delays.random import Random
from certdde.errors import CertificateError, ProblemError
from certdde.studies.adversary import Adversary
from certdde.studies.batches import Goal, Setting, Violation
from certdde.studies.instability import Rightmost, rightmost
from certdde.studies.random_draws import drawn_contents
from certdde.studies.sampled_attack import HeldAttack
from certdde.systems.delay_system import DelaySystem
from certdde.systems.members import members

DEFAULT_BUDGET = 30.0
MEMBERS = 5  # of a family: the middle of the parameters, and corners
SIMULATED = "attacks are for differential equations with one delay"
Progress = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class AttackResult:
    """What an attack has found.

    Attributes
    ----------
    violation : Violation or None
        None if nothing was found.
    tried : int
        Solutions simulated.
    worst : dict
        How close it came: ``excursion`` (relative to the domain; negative stays inside), ``rise`` of V from
        one moment to a later one relative to its start, ``abscissa`` of the linearisation.
    seconds : float
    """

    violation: Violation | None
    tried: int
    worst: Mapping[str, float]
    seconds: float

    @property
    def found(self) -> bool:
        """Whether there is a counterexample."""
        return self.violation is not None


def attack_certificate(
    certificate: Certificate,
    *,
    budget: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> AttackResult:
    """Look for a counterexample to a certificate.

    Parameters
    ----------
    certificate : Certificate
        Of status ``certified``; it is not checked before.
    budget : float, optional
        Seconds, default 30.
    seed : int
        Of delays and histories.
    progress : callable, optional
        ``progress(phase, info)``.

    Returns
    -------
    AttackResult

    Raises
    ------
    CertificateError
        If the certificate claims nothing or cannot be read, or is about a system that is not simulated: a scheme,
        several delays, multiples of a delay.

    Notes
    -----
    For the kinds whose V is not rebuilt, solutions from histories within the radius of the claim must stay in the
    domain and converge. Of a delay with a bounded rate only constant ones are tried. Of a random delay a few are drawn
    from the law restricted to the certified set.

    Soundness
    ---------
    float64. A violation is kept only if an integration with tighter tolerances shows it too; that
    nothing is found proves nothing.
    """
    random = certificate.data.get("kind") == "random"
    contents = drawn_contents(certificate, seed) if random else [read_content(certificate)]
    content = contents[0]
    if objection := _objection(content.system, content.delay):
        where = str(certificate.path or "certificate")
        raise CertificateError(objection, where=where, wanted=SIMULATED)
    if isinstance(content.delay, Sampled):
        return _held(content.system, content.delay, budget, seed, quadratic_form(certificate))
    systems = [one for _, one in members(content.system)][:MEMBERS]
    cases = [replace(one, system=s) for one in contents for s in systems]
    share = (budget or DEFAULT_BUDGET) / len(cases)
    results, end = [], time.monotonic() + (budget or DEFAULT_BUDGET)
    for case in cases:
        if not results or not random or time.monotonic() < end:
            results.append(_attacked(case, share, seed, progress))
    return _worst(results)


def _worst(results: list[AttackResult]) -> AttackResult:
    """Return what the attacks on the members of a family have found together."""
    shown = next((r for r in results if r.found), results[0])
    keys = dict.fromkeys(key for r in results for key in r.worst)
    worst = {key: max(r.worst[key] for r in results if key in r.worst) for key in keys}
    tried, seconds = sum(r.tried for r in results), sum(r.seconds for r in results)
    return AttackResult(shown.violation, tried, worst, seconds)


def _attacked(
    content: Content, budget: float | None, seed: int, progress: Progress | None
) -> AttackResult:
    run = _Run(_kept(content), content.delay, budget, seed, progress)
    run.spectrum()
    if not content.pieces:
        goals = _described(content)
        run.simulate(goals) if run.violation is None else run.exhibit(goals)
    elif run.violation is None:
        run.simulate([goal for piece in content.pieces for goal in _goals(content, piece)])
    else:
        run.exhibit(_goals(content, _nearest(content, run.violation.delay)))
    return run.result()


def _kept(content: Content) -> DelaySystem:
    """Return the system with the interval that solutions are claimed not to leave as its domain, if there is one."""
    if not content.radius or "box" not in content.radius:
        return content.system
    low, high = (Fraction(repr(float(end))) for end in content.radius["box"])
    rest = content.system.equilibrium[0]
    return replace(content.system, domain=((low - rest, high - rest),))


def _objection(system: DelaySystem, delay: AnyDelay) -> str:
    """Say why a system is not simulated here; "" if it is."""
    if system.time == "discrete":
        return "it is about a scheme"
    if delay.kind == "resampled":
        return "its delay is drawn at each step of a scheme"
    if isinstance(delay, Several) or not system.one_lag:
        return "it is about several delays, or multiples of a delay"
    return ""


def _described(content: Content) -> list[Goal]:
    """Return what to attack in a claim whose V is not rebuilt: its radius; any history if it is global."""
    delay, radius = content.delay, content.radius or {}
    if isinstance(delay, Several) or (content.system.domain is not None and "rho" not in radius):
        return []
    ends, rho, rate = (delay.lower, delay.upper), radius.get("rho"), radius.get("rho_rate")
    sizes = [None if v is None else float(v) for v in (rho, rate)]
    return [Goal(None, None, ends, _window(delay), *sizes)]


def attack_problem(
    system: DelaySystem,
    delay: DelayClass,
    *,
    budget: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> AttackResult:
    """Look for a delay and a history in the domain from which the solution does not converge, or leaves.

    Parameters
    ----------
    system : DelaySystem
    delay : Constant or Measurable
    budget, seed, progress
        As in :func:`attack_certificate`.

    Returns
    -------
    AttackResult
        A solution that leaves the domain says that not all of it is a region of attraction; it does
        not say that nothing can be certified.

    Raises
    ------
    ProblemError
        If the system is not simulated: a scheme, several delays, multiples of a delay; or the delay has a law.

    Soundness
    ---------
    As for :func:`attack_certificate`.
    """
    if objection := _objection(system, delay):
        raise ProblemError(objection, where="attack", wanted=SIMULATED)
    if isinstance(delay, Sampled):
        return _held(system, delay, budget, seed)
    if isinstance(delay, Random):
        what = "the delay is drawn from a law: no delay of it refutes a probability"
        wanted = "attack its certificate, or class = 'constant'"
        raise ProblemError(what, where="attack", wanted=wanted)
    run = _Run(system, delay, budget, seed, progress)
    run.spectrum()
    goal = Goal(None, None, (delay.lower, delay.upper), _window(delay))
    if run.violation is None:
        run.simulate([goal])
    else:
        run.exhibit([goal])
    return run.result()


def _held(
    system: DelaySystem,
    delay: Sampled,
    budget: float | None,
    seed: int,
    p: np.ndarray | None = None,
) -> AttackResult:
    """Attack a system under sample and hold, to which no constant delay belongs."""
    began = time.monotonic()
    run = HeldAttack(system, delay, began + (budget or DEFAULT_BUDGET), seed, p)
    run.run()
    return AttackResult(run.violation, run.tried, run.worst, time.monotonic() - began)


def _window(delay: DelayClass) -> float | None:
    return delay.upper if isinstance(delay, Measurable) else None


def _goals(content: Content, piece: Piece) -> list[Goal]:
    """Return what to attack in a part; nothing if its delays are not those of the claim."""
    low, high = piece.delays
    low, high = max(low, content.delay.lower), min(high, content.delay.upper)
    if content.kind == "spectral":
        # V is only about these delays; for the others of the claim there is the spectrum.
        low, high = piece.delays
    if low > high:
        return []
    return [Goal(piece.functional, piece.level, (low, high), piece.window)]


def _nearest(content: Content, delay: float) -> Piece:
    return min(content.pieces, key=lambda p: max(p.delays[0] - delay, delay - p.delays[1], 0.0))


@dataclass(slots=True)
class _Run:
    """The state of one attack."""

    system: DelaySystem
    delay: DelayClass
    budget: float | None
    seed: int
    progress: Progress | None
    began: float = field(default_factory=time.monotonic)
    violation: Violation | None = None
    found: Rightmost | None = None
    adversary: Adversary | None = None

    def spectrum(self) -> None:
        """Look at the linearisation over all constant delays of the range."""
        if self.progress:
            self.progress("spectrum", {})
        self.found = rightmost(self.system, self.delay.lower, self.delay.upper)
        if self.found.kind:
            self.violation = Violation.of_spectrum(self.found)
        self.adversary = Adversary(
            Setting.of(self.system, self.found.abscissa),
            torch.Generator().manual_seed(self.seed),
            self.began + (self.budget or DEFAULT_BUDGET),
        )

    def simulate(self, goals: list[Goal]) -> None:
        """Simulate and climb, goal after goal, until something is found or time is up."""
        if self.adversary is None:
            return
        for k, goal in enumerate(goals):
            if self.progress:
                self.progress("simulation", {"done": k, "total": len(goals)})
            self.violation = self.adversary.attack(goal, len(goals) - k)
            if self.violation is not None:
                return

    def exhibit(self, goals: list[Goal]) -> None:
        """Find a solution that shows what the spectrum says."""
        if self.adversary is not None and self.violation is not None:
            goal = goals[0] if goals else Goal(None, None, (0.0, 0.0), None)
            self.violation = self.adversary.exhibit(goal, self.violation)

    def result(self) -> AttackResult:
        """Put the answer together."""
        worst = dict(self.adversary.worst) if self.adversary else {}
        if self.found is not None:
            worst["abscissa"] = self.found.abscissa
        tried = self.adversary.tried if self.adversary else 0
        return AttackResult(self.violation, tried, worst, time.monotonic() - self.began)
