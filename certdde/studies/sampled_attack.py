"""Attack on sample and hold: steps that make solutions grow, V that rises, solutions that leave or do not converge."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.linalg import eigh
from torch import Tensor

from certdde.delays.classes import Sampled
from certdde.learning.domain_box import Box
from certdde.learning.evidence import LEAVES, STAYS, ending
from certdde.learning.sample_and_hold import held_solutions, held_system
from certdde.learning.simulation import rate
from certdde.studies.batches import Violation
from certdde.systems.delay_system import DelaySystem
from certdde.verify.sampled_data.growth import Growth, fastest_growth

BATCH, GRID = 64, 2001
ROUNDS = 200  # batches of a problem or a certificate
FAR, FOLDS = 5.0, 400  # times the domain: given up; steps of a solution at most
SHORTEST = 0.02  # of the longest step, where there is no least one
LETTERS = 24  # of the words of a linear system
RISE = 1e-9  # relative, of V from one instant to the next


@dataclass(slots=True)
class HeldAttack:
    """An attack on a system under sample and hold.

    Attributes
    ----------
    system : DelaySystem
    delay : Sampled
    deadline : float
        On ``time.monotonic``.
    seed : int
        Of starts and steps.
    p : (n, n) array, optional
        Of the V = x^T P x of a certificate.
    violation : Violation or None
    tried : int
    worst : dict
        ``growth``: the largest exponent a unit of time that was met; ``rise`` of V, relative, a unit of time;
        ``excursion`` from the domain.
    """

    system: DelaySystem
    delay: Sampled
    deadline: float
    seed: int = 0
    p: np.ndarray | None = None
    violation: Violation | None = None
    tried: int = 0
    worst: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Look at products of the maps, then at V, then at solutions; stop at a violation."""
        found = fastest_growth(held_system(self.system), self.delay.lower, self.delay.upper)
        self.worst["growth"] = found.rate
        if found.grows:
            self.violation = self._exhibited(found)
            return
        if self.p is not None:
            self._rises(self.p)
        look = self._repeat if self.system.linear else self._simulate
        for steps in self._steps():
            if self.violation is not None or time.monotonic() > self.deadline:
                return
            look(steps)

    def _repeat(self, steps: Tensor) -> None:
        """Look for words of steps of a linear system that, repeated, make solutions grow."""
        maps = held_system(self.system).maps(steps[:LETTERS].T.reshape(-1).numpy())
        maps = maps.reshape(BATCH, -1, *maps.shape[1:])
        total = np.broadcast_to(np.eye(maps.shape[-1]), maps[:, 0].shape)
        for k in range(maps.shape[1]):
            total = maps[:, k] @ total
            radii = np.abs(np.linalg.eigvals(total)).max(-1)
            i = int(radii.argmax())
            found = Growth(tuple(steps[: k + 1, i].tolist()), float(radii[i]))
            self.worst["growth"] = max(self.worst["growth"], found.rate)
            if found.grows:
                self.violation = self._exhibited(found)
                return
        self.tried += BATCH

    def _exhibited(self, found: Growth) -> Violation:
        """Return the growth with a solution that shows it."""
        _, vectors = np.linalg.eig(held_system(self.system).product(found.word))
        start = torch.as_tensor(0.1 * vectors.real.T.copy()) * Box.of(*self._domain()).half
        turns = int(min(max(10 / max(np.log(found.radius), 1e-3), 20), FOLDS / len(found.word)))
        times, states = held_solutions(self.system, start, list(found.word) * turns)
        self.tried += len(start)
        size = states.abs().amax(-1).nan_to_num(nan=torch.inf)
        best = int((size[-1] / size[0].clamp(min=1e-300)).argmax())
        word = ", ".join(f"{step:.6g}" for step in found.word)
        how = f"sample and hold, steps {word}, repeated"
        return self._violation(
            "unstable linearisation", found.word, found.rate, how, times, states[:, best]
        )

    def _rises(self, p: np.ndarray) -> None:
        """Look for a step at which V rises from one instant to the next."""
        low = self.delay.lower or self.delay.upper / GRID
        steps = np.linspace(low, self.delay.upper, GRID)
        maps = held_system(self.system).maps(steps)
        rises = [
            (eigh(m.T @ p @ m - p, p, eigvals_only=True)[-1] / s, s)
            for m, s in zip(maps, steps, strict=True)
        ]
        self.worst["rise"], step = max(rises)
        if self.worst["rise"] > RISE:
            start = torch.eye(self.system.dimension, dtype=torch.float64)
            times, states = held_solutions(self.system, start, [float(step)] * 20)
            how = f"sample and hold, steps {step:.6g}"
            self.violation = self._violation(
                "V rises", (step,), self.worst["rise"], how, times, states[:, 0]
            )

    def _steps(self) -> Iterator[Tensor]:
        """Yield steps (K, B): equal ones, long and short in turn or in runs, and any."""
        generator = torch.Generator().manual_seed(self.seed)
        low, high = self.delay.lower or SHORTEST * self.delay.upper, self.delay.upper
        count = int(min(max(30 / (rate(self.system) * high), 40), FOLDS))
        for _ in range(ROUNDS):
            draws = torch.rand(count, BATCH, generator=generator, dtype=torch.float64)
            share = draws.clone()
            share[:, ::4] = draws[:1, ::4]
            share[:, 1::4] = (draws[:, 1::4] < draws[:1, 1::4]).double()
            turn = torch.arange(count)[:, None] % (2 + (4 * draws[:1, 2::4]).long())
            share[:, 2::4] = (turn == 0).double()
            yield low + (high - low) * share

    def _simulate(self, steps: Tensor) -> None:
        """Simulate one batch, and keep a solution that leaves the domain, or does not converge."""
        box = Box.of(*self._domain())
        generator = torch.Generator().manual_seed(self.seed + self.tried)
        n = self.system.dimension
        unit = torch.rand(BATCH, n, generator=generator, dtype=torch.float64)
        start = box.low + unit * (box.high - box.low)
        bound = FAR * float(torch.maximum(-box.low, box.high).max()) if box.bounded else torch.inf
        times, states = held_solutions(self.system, start, steps, bound=bound)
        self.tried += BATCH
        if box.bounded:
            excursion = float(box.excursion(states.nan_to_num(nan=bound)).max())
            self.worst["excursion"] = max(self.worst.get("excursion", -1.0), excursion)
        for k in range(BATCH):
            end = ending(times[:, k], states[:, k], box)
            if end.kind in (LEAVES, STAYS):
                kind = "leaves the domain" if end.kind == LEAVES else "does not converge"
                how = "sample and hold, steps that vary"
                mean = float(steps[:, k].mean())
                shown = times[:, k] <= end.time
                t, x = times[shown, k], states[shown, k]
                self.violation = self._violation(kind, (mean,), end.size, how, t, x)
                return

    def _domain(self) -> tuple[object, int]:
        return self.system.domain, self.system.dimension

    def _violation(
        self, kind: str, word: tuple[float, ...], measure: float, how: str, times: Tensor, x: Tensor
    ) -> Violation:
        kept = torch.isfinite(x).all(-1)
        mean = float(np.mean(word))
        first = torch.zeros(1, dtype=torch.float64)
        return Violation(kind, mean, float(measure), how, first, x[:1], times[kept], x[kept])
