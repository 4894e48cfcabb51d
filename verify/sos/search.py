"""A polynomial functional for a range of constant delays, with the Gram matrices that prove it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from certdde.verify.sos.gram import split
from certdde.verify.sos.model import Model
from certdde.verify.sos.obligations import Obligation, all_obligations, dissipation, faces
from certdde.verify.sos.program import Answer, Program
from certdde.verify.sos.proof import Block, Identity
from certdde.verify.sos.region import History
from certdde.verify.sos.space import Space

FLOOR = 1e-4  # B, R and P + Bessel have to be definite
CAP = 1e3  # of the mean of V, where v_0 >= 1 on the faces
LEAST = 1e-7  # a margin below this counts as none
SOFT = (0.3, 0.2, 0.1)  # widths of the step at V = 1, from round to round
LEVEL = 0.999  # of the largest level that a face allows
INSIDE = 0.01  # how definite multipliers have to be, where G is by 1


@dataclass(frozen=True, slots=True)
class Settings:
    """How to look.

    Attributes
    ----------
    degree : int
        Of V in the state; even.
    moments : int
        How many moments p sees.
    relax : int
        By how much the Gram bases exceed the degree that the inequality needs.
    margin : float
        The margin of D at which the region is made large, or a third of the largest margin if that is less.
    rounds : int
        How often the region is improved by weights.
    solver : str
        CLARABEL, or one that cvxpy knows.
    deadline : float
        On ``time.monotonic``.
    """

    degree: int = 4
    moments: int = 0
    relax: int = 0
    margin: float = 1e-3
    rounds: int = 4
    solver: str = "CLARABEL"
    deadline: float = float("inf")

    @property
    def left(self) -> float:
        """Seconds that remain."""
        return self.deadline - time.monotonic()


@dataclass(frozen=True, slots=True)
class Found:
    """A functional u of a space, its level, and an identity for each obligation, by name.

    ``margin`` is the largest margin of the program; ``least`` the least eigenvalue of all Gram matrices, in float64.
    """

    space: Space
    u: np.ndarray
    breaks: tuple[float, ...]
    level: float
    identities: dict[str, Identity]
    margin: float
    least: float


def polynomial_functional(
    model: Model, breaks: Sequence[float], settings: Settings
) -> Found | None:
    """Find V of a degree, and sums of squares that prove it for every constant delay between the breaks.

    First the margin of D is maximised, then the mean of V on constant histories is made small with v_0 >= 1 on
    the faces. Soundness: float64, a proposal; the checker repeats what is stored.
    """
    space = _space(model, settings.degree, settings.moments)
    obligations = all_obligations(space, breaks, settings.relax)
    program = _program(space, breaks[-1])
    numbers = [
        program.identity(o.target, o.constant, [w for _, w in o.weights()]) for o in obligations
    ]
    histories = History.of(space, breaks)
    program.bound(histories.mean()[None], np.array([CAP]))
    first = program.solve(seconds=settings.left, solver=settings.solver)
    if first is None or not first.margin > LEAST:
        return None
    best = _largest_region(program, histories, first, settings)
    proofs = [_identity(o, best.grams, k) for o, k in zip(obligations, numbers, strict=True)]
    found = dict(zip((o.name for o in obligations), proofs, strict=True))
    level = _level(space, best.u, breaks[-1], settings)
    if level is None:
        return None
    found |= level[1]
    found, least = _mended(obligations, best.u, found, level[0], settings)
    return Found(space, best.u, tuple(breaks), level[0], found, first.margin, least)


def _space(model: Model, degree: int, moments: int) -> Space:
    """Return the functionals whose p sees the state and the first moments of what f takes with delay."""
    n, window = model.dimension, model.delayed_states()
    seen = [n * (k + 1) + i for k in range(min(moments, model.order)) for i in window]
    return Space.of(model, degree, [*range(n), *seen], window)


def block_size(model: Model, degree: int, moments: int) -> int:
    """Return the size of the largest block of the Gram matrices of the dissipation."""
    first = next(iter(dissipation(_space(model, degree, moments), (1.0, 2.0), 0)))
    return max(len(block) for block in split(first.form.basis, model.flips))


def _program(space: Space, longest: float) -> Program:
    """Return the program with P + Bessel(B), B and R definite."""
    program, n = Program(space.count), space.model.dimension
    b, bessel = space.units("B"), space.units("P")
    for k in range(space.model.order):
        place = slice(n * (k + 1), n * (k + 2))
        bessel[:, place, place] += (2 * k + 1) * b / longest
    for matrices in (bessel, b, space.units("R")):
        program.definite(matrices, FLOOR)
    return program


def _largest_region(
    program: Program, histories: History, first: Answer, settings: Settings
) -> Answer:
    """Minimise the mean of V; then step by step (Frank and Wolfe) make V <= 1 hold at more points."""
    margin, best = min(settings.margin, 0.3 * first.margin), first
    for turn in range(1 + settings.rounds):
        width = SOFT[min(turn, len(SOFT)) - 1]
        cost = histories.pull(best.u, width) if turn else histories.mean()
        answer = program.solve(
            minimise=cost, margin=margin, seconds=settings.left, solver=settings.solver
        )
        if answer is None or settings.left < 0:
            break
        best = _better(best, answer, histories, width) if turn else answer
    return best


def _better(old: Answer, new: Answer, histories: History, width: float) -> Answer:
    """Return the best point between two answers: all constraints are convex."""
    steps = np.linspace(0, 1, 33)
    values = [histories.loss((1 - s) * old.u + s * new.u, width) for s in steps]
    s = float(steps[int(np.argmin(values))])
    grams = [(1 - s) * a + s * b for a, b in zip(old.grams, new.grams, strict=True)]
    return replace(new, u=(1 - s) * old.u + s * new.u, grams=grams)


def _identity(
    obligation: Obligation, grams: Sequence[np.ndarray], numbers: Sequence[int]
) -> Identity:
    """Put the blocks of the Gram matrices of an obligation together."""
    blocks: dict[int | None, Block] = {}
    for (variable, weight), number in zip(obligation.weights(), numbers, strict=True):
        basis, gram = blocks.get(variable, ((), np.zeros((0, 0))))
        size, more = len(basis), len(weight.basis)
        joined = np.zeros((size + more,) * 2)
        joined[:size, :size], joined[size:, size:] = gram, grams[number]
        blocks[variable] = ((*basis, *weight.basis), joined)
    main = blocks.pop(None)
    return Identity(main, {k: block for k, block in blocks.items() if k is not None})


def _level(
    space: Space, u: np.ndarray, longest: float, settings: Settings
) -> tuple[float, dict[str, Identity]] | None:
    """Return a level just below the largest that the faces allow for this functional, and their identities."""
    tops = []
    for face in faces(space, longest, settings.relax, 0.0):
        unit = {(0,) * len(face.box): -1.0}
        program = Program(1)
        program.identity([(0, unit)], face.value(u), [w for _, w in face.weights()])
        answer = program.solve(minimise=np.array([-1.0]), margin=0.0, solver=settings.solver)
        if answer is None:
            return None
        tops.append(float(answer.u[0]))
    level, found = _down(LEVEL * min(tops)), {}
    if not level > 0:
        return None
    for face in faces(space, longest, settings.relax, level):
        proof = interior(face, u, settings)
        if proof is None:
            return None
        found[face.name] = proof
    return level, found


def _down(value: float) -> float:
    """Round down to four significant digits."""
    if not value > 0:
        return 0.0
    digits = 3 - math.floor(math.log10(value))
    return float(f"{math.floor(value * 10**digits)}e{-digits}")


def interior(obligation: Obligation, u: np.ndarray, settings: Settings) -> Identity | None:
    """Return Gram matrices for a functional that is fixed, as definite as they can be."""
    program = Program(0)
    weights = [replace(w, margin=1.0 if k is None else INSIDE) for k, w in obligation.weights()]
    numbers = program.identity([], obligation.value(u), weights)
    answer = program.solve(seconds=settings.left, solver=settings.solver)
    return None if answer is None else _identity(obligation, answer.grams, numbers)


def _mended(
    obligations: Sequence[Obligation],
    u: np.ndarray,
    proofs: dict[str, Identity],
    level: float,
    settings: Settings,
) -> tuple[dict[str, Identity], float]:
    """Look again for the Gram matrices that are not definite; return the least eigenvalue of all too."""
    found, least = dict(proofs), np.inf
    for o in obligations:
        known = replace(o, constant={m: level * c for m, c in o.constant.items()})
        target, walls = known.value(u), known.walls()
        value = found[o.name].least_eigenvalue(target, walls)
        if not value > 0:
            again = interior(known, u, settings)
            if again is None:
                return found, -np.inf
            found[o.name] = again
            value = again.least_eigenvalue(target, walls)
        least = min(least, value)
    return found, least
