"""The study of regularity: for each class of delays what is certified, and what was found to destabilise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.errors import ProblemError
from certdde.studies.kept_answers import KeptAnswers, study_key
from certdde.studies.regularity.certified import certified
from certdde.studies.regularity.classes import RATES, Regularity, regularities
from certdde.studies.regularity.hunt import Hunt
from certdde.studies.regularity.known import known
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.nonlinear import simulated

if TYPE_CHECKING:
    from certdde.systems.problem import Problem

Progress = Callable[[str, Mapping[str, Any]], None]


@dataclass(slots=True)
class Study:
    """A study of one problem, which keeps each answer as it comes.

    Attributes
    ----------
    problem : Problem
    stop : float
        The longest delay that is tried.
    rates : tuple of float
        Bounds of the rate.
    starts : int
        Shapes at each scale of a search.
    seed : int
    budget : float
        Seconds for the margin of a class.
    kept : Path or None
        The file that answers are kept in: an interrupted study goes on from there.
    progress : callable, optional
    """

    problem: Problem
    stop: float
    rates: tuple[float, ...] = RATES
    starts: int = 48
    seed: int = 0
    budget: float = 120.0
    kept: Path | None = None
    progress: Progress | None = None
    answers: dict[str, Any] = field(default_factory=dict)
    store: KeptAnswers = field(init=False)

    def run(self) -> dict[str, Any]:
        """Return the table: ``rows`` with one for each class, and what the study was told.

        Raises
        ------
        ProblemError
            If the system is not one that the study takes.

        Soundness
        ---------
        ``certified`` rests on certificates (its ``rigor`` says which), ``delay`` on float64 evidence.
        """
        if len(self.problem.delays) != 1:
            raise ProblemError("there are several delays", where="delays", wanted="one delay")
        system = self.problem.build()
        matrices = Matrices.of(system)
        self.answers = self._load()
        classes = regularities(self.rates)
        found = self._hunted(matrices, classes)
        for one in classes:
            inside = [found[o]["delay"] for o in classes if one.holds(o) and found[o]["delay"]]
            stop = min([self.stop, *inside])
            self._keep(
                f"certified {one.key}",
                lambda one=one, stop=stop: certified(
                    self.problem, one, stop, budget=self.budget, progress=self.progress
                ),
            )
        if not system.linear:
            for one in classes:
                if found[one]["delay"]:
                    self._keep(
                        f"simulated {one.key}",
                        lambda one=one: simulated(
                            system, matrices, found[one], one.rate, one.kind == "slow"
                        ),
                    )
        rows = [self._row(one, classes, matrices) for one in classes]
        told = {"stop": self.stop, "starts": self.starts, "seed": self.seed, "budget": self.budget}
        told["seconds"] = round(sum(one["cpu"] for one in self.answers.values()), 1)
        return {"name": self.problem.name, "linear": system.linear, **told, "rows": rows}

    def _hunted(
        self, matrices: Matrices, classes: tuple[Regularity, ...]
    ) -> dict[Regularity, dict[str, Any]]:
        """Search the largest class first, the others from there."""
        hunt = Hunt(matrices, self.stop, self.starts, self.seed, self.progress)
        by_size = {"measurable": 0, "sampled": 1, "lipschitz": 2, "slow": 2, "constant": 3}
        found: dict[Regularity, dict[str, Any]] = {}
        for one in sorted(classes, key=lambda o: (by_size[o.kind], -(o.rate or 0.0), o.kind)):
            found[one] = self._keep(
                f"found {one.key}", lambda one=one: hunt.found(one, dict(found))
            )
        return found

    def _row(
        self, one: Regularity, classes: tuple[Regularity, ...], matrices: Matrices
    ) -> dict[str, Any]:
        """Return the row of a class: a certificate of a larger class counts, and so does a delay of a smaller one."""
        larger = [o for o in classes if o.holds(one)]
        smaller = [o for o in classes if one.holds(o)]
        proofs = [(self.answers[f"certified {o.key}"], o) for o in larger]
        best = max(
            (p for p in proofs if p[0]["margin"] is not None),
            key=lambda p: (p[0]["margin"], p[1] == one),
            default=None,
        )
        found = [(self.answers[f"found {o.key}"], o) for o in smaller]
        least = min(
            (p for p in found if p[0]["delay"] is not None),
            key=lambda p: (p[0]["delay"], p[1] != one),
            default=None,
        )
        exact = known(matrices, one, self.stop)
        return {
            "class": one.key,
            "title": one.title,
            "certified": best and best[0]["margin"],
            "method": best and best[0]["method"],
            "rigor": best and best[0]["rigor"],
            "certified_by": best and best[1].key,
            "exact": exact and exact.margin,
            "source": exact and exact.source,
            **_of(least),
            "smooth": _smooth(found),
            "nonlinear": self.answers.get(f"simulated {least[1].key}") if least else None,
        }

    def _keep(self, name: str, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a kept answer, or ask and keep it."""
        return self.store.ask(name, ask)

    def _load(self) -> dict[str, Any]:
        told = [self.stop, self.rates, self.starts, self.seed, self.budget]
        self.store = KeptAnswers(self.kept, study_key(self.problem, told), self.progress)
        return self.store.answers


def _of(least: tuple[dict[str, Any], Regularity] | None) -> dict[str, Any]:
    names = ("delay", "period", "growth", "simulated", "periods", "shape")
    if least is None:
        return {**dict.fromkeys(names), "found_in": None}
    return {**{name: least[0][name] for name in names}, "found_in": least[1].key}


def _smooth(found: list[tuple[dict[str, Any], Regularity]]) -> float | None:
    """Return the smallest delay found that is of class C^infinity: constant ones, and those of smooth searches."""
    delays = [one.get("smooth") for one, _ in found]
    delays += [one["delay"] for one, other in found if other.kind == "constant"]
    return min((d for d in delays if d is not None), default=None)
