"""LMI for a delay that varies in any measurable way: imposed at points of alpha, then shown on pieces.

Imposing the Bernstein coefficients of fixed pieces is sound but costs margin; here the inequality is
imposed at points, and the functional that comes out is examined on pieces that are halved as far as it
needs. Points of pieces that fail join the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import torch

from certdde.functionals import Functional
from certdde.inequalities.measurable import TOUCH, Window, form_at, linear_window, measurable_forms
from certdde.inequalities.reduction import MeasurableDelay
from certdde.systems.delay_system import DelaySystem
from certdde.systems.structure import structure
from certdde.verify.lmi.parameters import Parameters
from certdde.verify.lmi.polytopic import best
from certdde.verify.lmi.positivity import mean_on_constant_histories, nearest_faces, positivity
from certdde.verify.lmi.program import Block, Program

POINTS = 13
ROUNDS = 8
END = 0.02  # 1/alpha is capped as on a first piece of this length
NARROWEST = 2.0**-12
MOST_PIECES = 400


@dataclass(frozen=True, slots=True)
class Points:
    """The program at points of alpha, and what was found."""

    window: Window
    parameters: Parameters
    h: float
    first: float

    def block(self, alpha: float) -> Block:
        """Return D <= -t at one alpha."""
        cap = 2 / (float(TOUCH) * END)
        weights = (1 / max(alpha, 1 / cap), 1 / max(1 - alpha, 1 / cap))
        assemble = partial(self._form, alpha=alpha, weights=weights)
        matrices = self.parameters.basis(assemble)
        return Block(matrices, np.zeros(matrices.shape[1:]), 1.0)

    def _form(
        self,
        p: torch.Tensor,
        s: torch.Tensor,
        r: torch.Tensor,
        *,
        alpha: float,
        weights: tuple[float, float],
    ) -> torch.Tensor:
        return form_at(self.window, p, s, r, self.h, alpha, weights)

    def examine(
        self, functional: Functional, breaks: list[float]
    ) -> tuple[list[float], list[float]]:
        """Return the break points at which every Bernstein coefficient is negative, and the alphas that fail."""
        done, failed, waiting = [breaks[0]], [], list(pairwise(breaks))[::-1]
        while waiting:
            a, b = waiting.pop()
            forms = measurable_forms(
                self.window, functional.P, functional.S, functional.R, self.h, [a, b]
            )
            top = float(torch.linalg.eigvalsh(forms)[:, -1].max())
            if top < -1e-9 * float(forms.abs().max()):
                done.append(b)
            elif b - a < NARROWEST or len(done) + len(waiting) > MOST_PIECES:
                failed.append((a + b) / 2)
                if len(failed) >= 4:
                    break
                done.append(b)
            else:
                middle = (a + b) / 2
                waiting += [(middle, b), (a, middle)]
        return done, failed


def measurable_lmi(
    system: DelaySystem, order: int, cover: MeasurableDelay, *, solver: str = "CLARABEL"
) -> tuple[Functional, float, MeasurableDelay] | None:
    """Find a functional for a linear system, and pieces of alpha on which D < 0.

    Parameters
    ----------
    system : DelaySystem
        Linear, well scaled.
    order : int
    cover : MeasurableDelay
        Its breaks are where the search for pieces starts.
    solver : str

    Returns
    -------
    (Functional, float, MeasurableDelay) or None
        With the margin of the program, and the pieces found. float64: the checker proves it.

    References
    ----------
    docs/math.md, section 2.
    """
    parts, parameters = structure(system), Parameters(system.dimension, order)
    window = linear_window(torch.as_tensor(parts.present), torch.as_tensor(parts.delayed), order)
    points = Points(window, parameters, cover.longest, cover.breaks[0])
    program = Program(
        parameters.count, positivity(parameters, cover.longest, nearest_faces(system))
    )
    program.blocks += [points.block(alpha) for alpha in _grid(cover.breaks[0])]
    mean = mean_on_constant_histories(parameters, system, cover.longest)
    for _ in range(ROUNDS):
        solution = best(program, mean, solver=solver, margin=1.0, cap=1e5, share=1.0)
        if solution is None:
            return None
        functional = parameters.functional(solution.x)
        breaks, failed = points.examine(functional, list(cover.breaks))
        if not failed:
            return functional, solution.margin, MeasurableDelay(cover.longest, tuple(breaks))
        program.blocks += [points.block(alpha) for alpha in failed]
    return None


def _grid(first: float) -> list[float]:
    unit = (1 - np.cos(np.pi * np.linspace(0, 1, POINTS))) / 2
    return [first + (1 - first) * float(u) for u in unit]
