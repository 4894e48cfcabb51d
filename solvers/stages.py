"""One Runge-Kutta step, with the delayed states given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.solvers.newton import jacobian, solve_stage
from certdde.solvers.problem import RightSide
from certdde.solvers.tableau import Tableau

Weight = float | Tensor
Delayed = Callable[[int, Tensor], list[Tensor]]
"""(stage, state) -> the delayed states."""


@dataclass(frozen=True, slots=True)
class StepWeights:
    """h a_ij and h b_i of one step, zeros left out; numbers, or one column per sample."""

    a: tuple[tuple[tuple[int, Weight], ...], ...]
    b: tuple[tuple[int, Weight], ...]
    diagonal: Weight


def number_weights(tableau: Tableau, h: float) -> StepWeights:
    """Return the weights for a step that all samples share and that nothing depends on."""
    rows = tuple(
        tuple((j, h * v) for j, v in enumerate(row[:i]) if v) for i, row in enumerate(tableau.a)
    )
    return StepWeights(
        rows, tuple((i, h * v) for i, v in enumerate(tableau.b) if v), h * tableau.diagonal
    )


def tensor_weights(tableau: Tableau, h: Tensor) -> list[StepWeights]:
    """Return the weights for each row of step lengths h (W, .., 1), which broadcast with states."""
    flat = [(i, j, v) for i, row in enumerate(tableau.a) for j, v in enumerate(row[:i]) if v]
    flat += [(-1, i, v) for i, v in enumerate(tableau.b) if v]
    factors = h.new_tensor([v for *_, v in flat] + [tableau.diagonal])
    table = h.unsqueeze(1) * factors.reshape(-1, *([1] * (h.ndim - 1)))
    result = []
    for row in table.unbind(0):
        views = row.unbind(0)
        pairs = list(zip(flat, views[:-1], strict=True))
        a = tuple(
            tuple((j, w) for (i, j, _), w in pairs if i == stage) for stage in range(tableau.stages)
        )
        result.append(StepWeights(a, tuple((j, w) for (i, j, _), w in pairs if i == -1), views[-1]))
    return result


def combine(x: Tensor, slopes: Sequence[Tensor], weights: Sequence[tuple[int, Weight]]) -> Tensor:
    """Return x + sum of weight * slope."""
    for i, weight in weights:
        number = type(weight) is float  # the inner loop of everything: no call more than needed
        x = x.add(slopes[i], alpha=weight) if number else torch.addcmul(x, slopes[i], weight)
    return x


def advance(
    f: RightSide,
    tableau: Tableau,
    weights: StepWeights,
    times: Sequence[Tensor],
    delayed: Delayed,
    x: Tensor,
    first: Tensor | None,
) -> tuple[Tensor, list[Tensor]]:
    """Take one step from x.

    ``delayed(stage, state)`` gives the delayed states, ``first`` the first slope if it is known. Returns the state at
    the end of the step and the slopes.
    """
    if tableau.diagonal:
        return _advance_implicit(f, tableau, weights, times, delayed, x, first)
    slopes = [f(times[0], x, delayed(0, x)) if first is None else first]
    state = x
    for stage in range(1, len(times)):
        state = combine(x, slopes, weights.a[stage])
        slopes.append(f(times[stage], state, delayed(stage, state)))
    return state if tableau.last_is_first else combine(x, slopes, weights.b), slopes


def _advance_implicit(
    f: RightSide,
    tableau: Tableau,
    weights: StepWeights,
    times: Sequence[Tensor],
    delayed: Delayed,
    x: Tensor,
    first: Tensor | None,
) -> tuple[Tensor, list[Tensor]]:
    """Take one step whose first stage is explicit and whose last is its end."""
    slopes = [f(times[0], x, delayed(0, x)) if first is None else first]
    matrix, state = None, x
    for stage in range(1, tableau.stages):

        def g(y: Tensor, stage: int = stage) -> Tensor:
            return f(times[stage], y, delayed(stage, y))

        state = combine(x, slopes, weights.a[stage])
        matrix = jacobian(g, state) if matrix is None else matrix
        slope = solve_stage(g, state, weights.diagonal, slopes[-1], matrix)
        state = state + weights.diagonal * slope
        slopes.append(slope)
    return state, slopes


def polynomials(tableau: Tableau, start: Tensor, slopes: Tensor, lengths: Tensor) -> Tensor:
    """Return the continuous extensions of steps.

    Takes states (W, B, n), slopes (W, stages, B, n) and lengths (W, 1 or B, 1, 1). The result holds the coefficients
    of theta^j, (W, B, J, n).
    """
    higher = torch.einsum("js,wsbn->wbjn", slopes.new_tensor(tableau.dense), slopes) * lengths
    return torch.cat([start.unsqueeze(2), higher], dim=2)
