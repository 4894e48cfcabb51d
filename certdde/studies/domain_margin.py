"""The delay margin against the size of the domain: certified, of the linearisation, and found to destabilise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.errors import CertddeError, ProblemError
from certdde.studies.beside_margin import SECONDS, beside_margin
from certdde.studies.kept_answers import KeptAnswers, study_key
from certdde.studies.local_margin import local_margin, searched_to
from certdde.studies.margin import margin

if TYPE_CHECKING:
    from certdde.systems.problem import Problem

SCALES = (0.25, 0.5, 0.75, 1.0, 1.5)
METHODS = ("lmi", "quadratic")
BEYOND = 1.001  # of the local margin: no range from the first delay on goes beyond it
Progress = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class DomainStudy:
    """A study of one problem on its domain, made larger and smaller around the equilibrium.

    Attributes
    ----------
    problem : Problem
        One delay, with a domain.
    scales : tuple of float
        Factors of the domain, positive.
    methods : tuple of str
        As of :func:`certdde.studies.margin.margin`.
    start, stop : float
        0 <= start < stop: the delays that are searched.
    budget : float
        Seconds for each certified margin.
    attack : float
        Seconds for each search of a delay that destabilises.
    kept : Path or None
        The file that answers are kept in: an interrupted study goes on from there.
    progress : callable, optional
    """

    problem: Problem
    stop: float
    start: float = 0.0
    scales: tuple[float, ...] = SCALES
    methods: tuple[str, ...] = METHODS
    budget: float = 120.0
    attack: float = SECONDS
    kept: Path | None = None
    progress: Progress | None = None

    def run(self) -> dict[str, Any]:
        """Return ``rows``, one for each scale, the local margin, and what the study was told.

        Raises
        ------
        ProblemError
            If there is no domain, or the delay has no constant values.

        Soundness
        ---------
        ``certified`` rests on certificates (``rigor`` says which the checker accepted) and is about the region of each
        certificate; ``local`` and ``simulated`` are float64 evidence.
        """
        system, delay = self.problem.build(), self.problem.delay_class()
        if system.domain is None:
            what = "there is no domain to make larger and smaller"
            raise ProblemError(what, where="system.domain", wanted="a box, as in { x = [-1, 1] }")
        local = local_margin(system, delay, self.start, self.stop)
        if local is None:
            what = "the study is for a differential equation with one delay, without intervals"
            raise ProblemError(what, where="delays", wanted="one delay that may be constant")
        told = [self.start, self.stop, list(self.methods), self.budget, self.attack]
        store = KeptAnswers(self.kept, study_key(self.problem, told), self.progress)
        varies = delay.kind != "constant"
        stop = self.stop if varies else min(BEYOND * searched_to(local, self.stop), self.stop)
        rows = []
        for scale in sorted(self.scales):
            one = scaled_problem(self.problem, scale)
            answers = {
                method: store.ask(
                    f"{method} {scale:g}", lambda m=method, p=one: self._certified(p, m, stop)
                )
                for method in self.methods
            }
            simulated = store.ask(f"simulated {scale:g}", lambda p=one: self._simulated(p))
            rows.append({"scale": scale, "domain": one.system.domain, "certified": answers})
            rows[-1]["simulated"] = simulated["found"]
        keys = ("start", "stop", "methods", "budget", "attack")
        return {
            "name": self.problem.name,
            "class": delay.kind,
            "delay": system.delay(),
            **{key: getattr(self, key) for key in keys},
            "seconds": round(sum(one["cpu"] for one in store.answers.values()), 1),
            "local": {**asdict(local), "rigor": "float64"},
            "rows": rows,
        }

    def _certified(self, problem: Problem, method: str, stop: float) -> dict[str, Any]:
        """Return a margin, or why there is none."""
        spec = problem.certify
        options = {"order": spec.order, "seed": spec.seed, "budget": self.budget}
        ends = {"start": self.start, "stop": stop, "progress": self.progress}
        try:
            found = margin(problem, method=method, **options, **ends)
        except ProblemError as error:
            return {"margin": None, "why": error.what}
        answer = {"margin": found.delay_margin, "intervals": found.intervals}
        return {**answer, "method": found.method, "rigor": found.rigor, "seconds": found.seconds}

    def _simulated(self, problem: Problem) -> dict[str, Any]:
        """Return the smallest delay that simulation finds to destabilise."""
        try:
            system, delay = problem.build(), problem.delay_class()
            options = {"seconds": self.attack, "seed": problem.certify.seed}
            ends = (self.start, self.stop)
            found = beside_margin(system, delay, *ends, **options, progress=self.progress)
        except CertddeError as error:
            return {"found": None, "why": error.what}
        if not found.complete:
            raise KeyboardInterrupt
        return {"found": found.simulated and asdict(found.simulated)}


def scaled_problem(problem: Problem, scale: float) -> Problem:
    """Return the problem on its domain made larger or smaller around the equilibrium.

    Parameters
    ----------
    problem : Problem
        With a domain.
    scale : float
        Positive. The ends become decimals of twelve digits.
    """
    system = problem.build()
    domain = {}
    for state, rest, ends in zip(
        system.states, system.equilibrium, system.domain or (), strict=True
    ):
        low, high = (float(f"{float(rest) + scale * float(end):.12g}") for end in ends)
        domain[state] = (low, high)
    if scale == 1:
        domain = dict(problem.system.domain or {})
    spec = problem.system.model_copy(update={"domain": domain})
    return problem.model_copy(update={"system": spec})
