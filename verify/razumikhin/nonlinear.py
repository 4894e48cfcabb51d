"""Razumikhin functions of a nonlinear system: multipliers by search, P and Q by cutting planes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy.optimize import minimize

from certdde.functionals import Functional
from certdde.inequalities.inequality import box
from certdde.inequalities.razumikhin import Razumikhin
from certdde.systems.delay_system import DelaySystem
from certdde.verify.lmi.cutting_planes import sample_xi, sampled_rates
from certdde.verify.lmi.polytopic import best as best_of
from certdde.verify.lmi.program import Solution, solve
from certdde.verify.razumikhin.points import CAP, Points

GRID = 4  # dimensions in which the corners and the middles of faces are points from the start
MARGIN = 0.03  # at which the mean of V is minimised; V is at least 1 on the faces


@dataclass(frozen=True, slots=True)
class Choice:
    """Multipliers, a function, and its margin at the points (relative, may be negative)."""

    reduction: Razumikhin
    functional: Functional
    margin: float


@dataclass(slots=True)
class Search:
    """A search for one form and delay.

    Attributes
    ----------
    points : Points
    generator : torch.Generator
    deadline : float
        On ``time.monotonic``.
    best : Choice or None
        The largest margin so far.
    """

    points: Points
    generator: torch.Generator
    deadline: float = float("inf")
    best: Choice | None = field(default=None)

    @classmethod
    def of(
        cls, system: DelaySystem, *, seed: int = 0, count: int = 40, deadline: float = float("inf")
    ) -> Search:
        """Begin with the origin and some points of the domain.

        Parameters
        ----------
        system : DelaySystem
            Well scaled, nonlinear, with a domain.
        seed, count : int
            Of the points.
        deadline : float
        """
        points, generator = Points.of(system), torch.Generator().manual_seed(seed)
        low, high = box(system, points.features)
        if len(low) <= GRID:
            steps = torch.cartesian_prod(*[torch.tensor([0.0, 0.5, 1.0])] * len(low))
            points.add(low + (high - low) * steps.reshape(-1, len(low)).to(low.dtype))
        points.add(sample_xi(low, high, count, generator))
        return cls(points, generator, deadline)

    def choose(self, window: float | None, q: float, tries: int = 60) -> Choice | None:
        """Look for multipliers with a large margin.

        Parameters
        ----------
        window : float or None
            The longest delay of the delay-dependent form; None asks for the delay-independent one.
        q : float
            Above 1.
        tries : int
            Steps of the last search.

        Returns
        -------
        Choice or None
            None if the programs had no answer at all.

        Soundness
        ---------
        float64 proposal.
        """
        present, delayed = self.points.system.jacobians()
        size = float((present.abs() + delayed.abs()).sum(-1).max()) or 1.0
        for share in (0.3, 1.0):
            beta = (share * size,) if window is None else (0.3 * size, 0.1 * size, share * size)
            self._alternate(Razumikhin(window or 0.0, beta, q))
        if self.best is not None:
            self._polish(self.best.reduction, tries)
        return self.best

    def refine(self, rounds: int = 14, samples: int = 20_000) -> Choice | None:
        """Find P and Q with a small mean of V, adding the worst of sampled points, and multipliers anew if need be.

        Call ``choose`` first.

        Returns
        -------
        Choice or None
            None if the conditions fail at points of the domain.

        Soundness
        ---------
        float64 proposal.
        """
        points = self.points
        ends = box(points.system, points.features)
        for _ in range(rounds):
            if self.best is None or time.monotonic() > self.deadline:
                return None
            reduction = self.best.reduction
            solution = self._smallest(reduction)
            if solution is None:
                self._again(reduction)
                if self.best is None or not self.best.margin > 0:
                    return None
                continue
            found = points.functional(reduction, solution)
            sample = sample_xi(*ends, samples, self.generator)
            values, largest = sampled_rates(found, points.features, reduction, sample)
            worst = float(values.max()) if largest < 0 else np.inf
            if worst < -0.3 * solution.margin:
                return Choice(reduction, found, -worst)
            points.add(sample[np.argsort(values.max(1))[::-1][:12].copy()])
        return None

    def _smallest(self, reduction: Razumikhin) -> Solution | None:
        """Return the (P, Q) with the least mean of V at a moderate margin."""
        mean = self.points.mean(dependent=reduction.dependent)
        return best_of(
            self.points.program(reduction), mean, solver="CLARABEL", margin=MARGIN, cap=CAP
        )

    def _again(self, reduction: Razumikhin) -> None:
        """Choose multipliers anew, now that there are more points."""
        self.best = None
        self._alternate(reduction)
        if self.best is not None:
            self._polish(self.best.reduction, 60)

    def _alternate(self, reduction: Razumikhin, rounds: int = 8) -> None:
        """Improve the function and the multipliers in turn."""
        before = -np.inf
        for _ in range(rounds):
            found = self._solved(reduction)
            if found is None or found.margin < before + 1e-6 or time.monotonic() > self.deadline:
                return
            before = found.margin
            beta = self.points.multipliers(reduction, found.functional)
            if beta is None:
                return
            reduction = replace(reduction, beta=beta)

    def _polish(self, first: Razumikhin, tries: int) -> None:
        """Move the multipliers by the simplex method of Nelder and Mead."""

        def lost(logarithms: np.ndarray) -> float:
            if time.monotonic() > self.deadline:
                raise StopIteration
            beta = tuple(float(b) for b in np.exp(np.clip(logarithms, -9, 9)))
            found = self._solved(replace(first, beta=beta))
            return 1e3 if found is None else -found.margin

        options = {"maxfev": tries, "adaptive": True, "xatol": 1e-3, "fatol": 1e-6}
        try:
            minimize(lost, np.log(first.beta), method="Nelder-Mead", options=options)
        except StopIteration:
            return

    def _solved(self, reduction: Razumikhin) -> Choice | None:
        """Return the function with the largest margin, relative to the mean of V, for given multipliers."""
        program = self.points.program(reduction)
        program.limits = [(self.points.mean(dependent=reduction.dependent), CAP)]
        solution = solve(program, largest=CAP)
        if solution is None or not np.isfinite(solution.margin):
            return None
        functional = self.points.functional(reduction, solution)
        found = Choice(reduction, functional, solution.margin / CAP)
        if self.best is None or found.margin > self.best.margin:
            self.best = found
        return found
