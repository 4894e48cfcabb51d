"""LMI for a delay of bounded rate: imposed at points of alpha = tau/h, then shown on pieces of [0, 1].

D is a polynomial in alpha on a piece and affine in the rate (certdde/inequalities/slow.py). Both ends of the rate
are imposed; where the rate has no lower end, the slope of D in it has to be positive instead. Points of pieces that
fail join the program.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from math import inf

import numpy as np

from certdde.functionals.slow import SlowFunctional, sizes
from certdde.inequalities.slow import (
    Term,
    coefficients,
    dissipation_terms,
    positivity_terms,
    slope_terms,
)
from certdde.verify.lmi.program import Block, Program, solve
from certdde.verify.lmi.slow_pieces import Pieces, SlowQuestion, capped

POINTS = 13
ROUNDS = 14
SHARE = 0.1  # of the margin: what need only be positive
SHARES = (0.3, 0.6)  # of the margin, at which the region is made large
REGION_CAP = 100.0  # of V's size, if it is 1 on the faces of a domain
TOUCH = 1e-3


@dataclass(frozen=True, slots=True)
class SlowAnswer:
    """A functional with the pieces on which it was shown in float64, or None and why.

    Attributes
    ----------
    functional : SlowFunctional or None
    breaks : tuple of float
        From ``first`` to 1.
    margin : float
        Of the program.
    points : tuple of float
        The values of alpha that were imposed in the end: a good start for a similar question.
    why : str
    """

    functional: SlowFunctional | None
    breaks: tuple[float, ...]
    margin: float
    points: tuple[float, ...]
    why: str = ""


def slow_lmi(
    question: SlowQuestion,
    *,
    points: Sequence[float] = (),
    solver: str = "CLARABEL",
    deadline: float = inf,
    progress: Callable[[dict[str, int]], None] | None = None,
) -> SlowAnswer:
    """Look for a quadratic functional.

    Parameters
    ----------
    question : SlowQuestion
    points : sequence of float
        Values of alpha to begin with, besides a grid.
    solver : str
    deadline : float
        On ``time.monotonic``; looked at between programs.
    progress : callable, optional
        Told the round and the number of points before each program.

    Returns
    -------
    SlowAnswer

    Soundness
    ---------
    float64: eigenvalues of all coefficients are recomputed from the answer; the checker proves it.

    References
    ----------
    docs/math.md, section "Slow delays".
    """
    building = _Building(question)
    program = building.positivity()
    imposed: list[float] = []
    fresh = sorted({*_grid(question.first), *(p for p in points if question.first <= p <= 1)})
    margin = 0.0
    for number in range(1, ROUNDS + 1):
        program.blocks += [block for alpha in fresh for block in building.at(alpha)]
        imposed = sorted({*imposed, *fresh})
        if time.monotonic() > deadline:
            return SlowAnswer(None, (), margin, tuple(imposed), "out of time")
        if progress:
            progress({"round": number, "points": len(imposed)})
        solution = solve(program, solver=solver)
        margin = solution.margin if solution else 0.0
        if solution is None or not margin > 1e-9:
            why = f"the lmi program of order {question.order} has no solution"
            return SlowAnswer(None, (), margin, tuple(imposed), why)
        functional = building.functional(solution.x)
        breaks, fresh = Pieces(question, functional).examine()
        if not fresh:
            answer = SlowAnswer(functional, tuple(breaks), margin, tuple(imposed))
            return building.widened(answer, program, solver) if question.faces else answer
    why = f"no functional of order {question.order} that holds between the points of the program"
    return SlowAnswer(None, (), margin, tuple(imposed), f"{why}, near alpha = {fresh[0]:.4g}")


def _grid(first: float) -> list[float]:
    unit = (1 - np.cos(np.pi * np.linspace(0, 1, POINTS))) / 2
    return [first + (1 - first) * float(u) for u in unit]


@dataclass(frozen=True)
class _Building:
    """The unknowns, and the blocks of the program."""

    question: SlowQuestion

    @cached_property
    def sizes(self) -> dict[str, int]:
        n = len(self.question.present)
        return {**sizes(n, self.question.order), "S1": n, "S2": n}

    @cached_property
    def slices(self) -> dict[str, slice]:
        ends = np.cumsum([0, *(k * (k + 1) // 2 for k in self.sizes.values())]).tolist()
        return {name: slice(a, b) for name, (a, b) in zip(self.sizes, pairwise(ends), strict=True)}

    @property
    def count(self) -> int:
        return self.slices["S2"].stop

    def block(self, terms: list[Term], weight: float) -> Block:
        """The terms are >= weight * margin."""
        matrices = -coefficients(terms, self.slices, self.count)
        return Block(matrices, np.zeros(matrices.shape[1:]), weight)

    def at(self, alpha: float) -> list[Block]:
        """D <= -margin at one alpha and both ends of the rate, or a positive slope for the lower one."""
        q, weights = self.question, capped(alpha)
        blocks = []
        for rate, rows in product(q.ends, q.rows):
            terms = dissipation_terms(rows, alpha, rate, weights)
            matrices = coefficients(terms, self.slices, self.count)
            blocks.append(Block(matrices, np.zeros(matrices.shape[1:]), 1.0))
        if q.rates[0] is None:
            terms = slope_terms(len(q.present), q.order, alpha, weights[0])
            blocks.append(self.block(terms, SHARE))
        return blocks

    def positivity(self) -> Program:
        """V is positive; its size is bounded by the trace of P with Bessel's terms, Q and R.

        With a region, V >= 1 on the faces of the domain, and a larger bound.
        """
        q, n = self.question, len(self.question.present)
        forms = [positivity_terms(n, q.order, alpha) for alpha in (q.first, 1.0)]
        eye = np.eye(2 * n)
        for name, low in (("Q1", "S1"), ("Q2", "S2")):
            forms.append([Term(name, eye, eye), Term(low, eye[:n], eye[:n], -1)])
        forms += [[Term(name, eye[:n, :n], eye[:n, :n])] for name in ("R1", "R2", "U", "S1", "S2")]
        blocks = [self.block(terms, SHARE) for terms in forms]
        traces = [-np.einsum("kii->k", block.matrices) for block in blocks]
        total = sum(traces[:2]) / 2 + sum(traces[2:])
        for (i, face), positive in product(enumerate(q.faces), blocks[:2]):
            least = np.zeros_like(positive.constant)
            least[i, i] = 1 / face**2
            blocks.append(Block(positive.matrices, least))
        cap = REGION_CAP if q.faces else 1.0
        return Program(self.count, blocks, [(total, cap * self.sizes["P0"])])

    def spread(self) -> np.ndarray:
        """Return c with c . x = V of constant histories on the faces, the longest delay, and a little of V's size."""
        q, n = self.question, len(self.question.present)
        lift = np.zeros((self.sizes["P0"], n))
        for k in (0, 1, 2, 3, 3 + q.order)[: 5 if q.order else 3]:
            lift[n * k : n * (k + 1)] = np.diag(q.faces)
        both = np.concatenate([np.diag(q.faces), np.zeros((n, n))])
        terms = [Term("P0", lift, lift), Term("P1", lift, lift), Term("Q1", both, both)]
        mean = np.einsum("kii->k", coefficients(terms, self.slices, self.count))
        return np.asarray(mean + TOUCH * self.positivity().limits[0][0])

    def widened(self, answer: SlowAnswer, program: Program, solver: str) -> SlowAnswer:
        """Return another answer with a larger region at a share of the margin; the same if none is shown."""
        mean = self.spread()
        for share in SHARES:
            margin = share * answer.margin
            solution = solve(program, minimise=mean, margin=margin, solver=solver)
            if solution is None or not solution.margin > 0:
                continue
            functional = self.functional(solution.x)
            breaks, fresh = Pieces(self.question, functional).examine()
            if not fresh:
                return SlowAnswer(functional, tuple(breaks), margin, answer.points)
        return answer

    def functional(self, x: np.ndarray) -> SlowFunctional:
        """Return the matrices of a solution."""
        found = {}
        for name in sizes(len(self.question.present), self.question.order):
            matrix = np.zeros((self.sizes[name],) * 2)
            matrix[np.triu_indices(len(matrix))] = x[self.slices[name]]
            found[name] = matrix + np.triu(matrix, 1).T
        return SlowFunctional(self.question.order, self.question.window, **found)
