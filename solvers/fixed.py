"""Integration on a given grid, window by window.

All delayed states that a window needs are looked up at once, before it; inside are only f and sums. That is what
makes it fast, and what makes its graph small: one look-up a window, not one a stage.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from certdde.solvers.deviation import plan
from certdde.solvers.grid import Grid
from certdde.solvers.lookup import Place, overlapping_step, reader
from certdde.solvers.options import Options
from certdde.solvers.outputs import Outputs
from certdde.solvers.problem import Problem
from certdde.solvers.stages import StepWeights, advance, number_weights, polynomials, tensor_weights
from certdde.solvers.tableau import Tableau
from certdde.solvers.track import Track

WINDOW_NUMBERS = 200_000
"""Delayed numbers looked up at once: about what a second-level cache holds."""


@dataclass(frozen=True, slots=True)
class FixedResult:
    """What an integration on a grid gives.

    Attributes
    ----------
    states : Tensor, (T, B, n)
        At the output times.
    past : Tensor, (N, B, J, n), or None
        The polynomials of all steps, if they were to be kept.
    good_until : Tensor, (B,)
        Start of the first step of each sample that ended out of bounds, inf if none did.
    steps : int
    """

    states: Tensor
    past: Tensor | None
    good_until: Tensor
    steps: int


def integrate_fixed(
    problem: Problem,
    tableau: Tableau,
    grid: Grid,
    options: Options,
    *,
    graph: bool,
    keep: bool,
    impulses: Mapping[int, Tensor] | None = None,
) -> FixedResult:
    """Integrate on a grid; ``impulses`` (B, n) are added to the state when their node is reached."""
    moments = tableau.moments
    size = max(1, problem.size * problem.dimension * len(moments) * max(1, len(problem.lags)))
    windows = plan(
        problem, grid, moments, options.window or max(1, min(256, WINDOW_NUMBERS // size))
    )
    track, outputs = Track(keep_graph=graph), Outputs(problem, grid)
    good_until = torch.full(
        (problem.size,), torch.inf, dtype=problem.x0.dtype, device=problem.x0.device
    )
    x, slope, dropped = problem.x0, None, 0
    for window in windows:
        if not keep and window.needed > dropped:
            dropped += track.drop(window.needed - dropped)
        place = Place.of(problem, tableau, grid, window, track.view(), dropped)
        x, slope, coefficients = _integrate_window(place, options, x, slope, impulses or {})
        good_until = torch.minimum(
            good_until, _first_bad(place.nodes[:-1], coefficients, x, options.bound)
        )
        track.append(coefficients)
        outputs.add(window.first, window.last, coefficients)
        if callable(options.progress):
            options.progress(window.last / grid.steps)
    return FixedResult(outputs.joined(), track.view() if keep else None, good_until, grid.steps)


def _integrate_window(
    place: Place, options: Options, x: Tensor, slope: Tensor | None, impulses: Mapping[int, Tensor]
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Integrate one window; with checkpoints only its ends and its polynomials are kept for the way back."""
    if options.gradient != "checkpoint" or not torch.is_grad_enabled():
        return _window(place, options.bound, x, slope, impulses)
    return checkpoint(_window, place, options.bound, x, slope, impulses, use_reentrant=False)  # type: ignore[no-any-return]


def _window(
    place: Place,
    bound: float | None,
    x: Tensor,
    slope: Tensor | None,
    impulses: Mapping[int, Tensor],
) -> tuple[Tensor, Tensor | None, Tensor]:
    problem, tableau = place.problem, place.tableau
    lengths = place.nodes[1:] - place.nodes[:-1]
    weights, clock, lookups = _weights(place, lengths), place.clock(), place.lookups()
    carry = tableau.last_is_first and not problem.has_jumps
    starts: list[Tensor] = []
    slopes: list[Tensor] = []
    for w in range(lengths.shape[0]):
        if place.window.first + w in impulses:
            x = x + impulses[place.window.first + w].reshape(x.shape)
        starts.append(x)
        if place.window.overlaps:
            after, ks = overlapping_step(place, weights[w], clock[w], lookups, x, lengths)
        else:
            begun = slope if carry else None
            after, ks = advance(
                problem.f, tableau, weights[w], clock[w], reader(lookups, w), x, begun
            )
        if bound is not None:
            after = torch.where((after.abs() < bound).all(-1, keepdim=True), after, x)
        x, slope = after, ks[-1]
        slopes.extend(ks)
    k = torch.stack(slopes).reshape(len(starts), tableau.stages, problem.size, problem.dimension)
    begin = torch.stack(starts).reshape(len(starts), problem.size, problem.dimension)
    return x, slope, polynomials(tableau, begin, k, lengths[..., None, None])


def _weights(place: Place, lengths: Tensor) -> list[StepWeights]:
    numbers = place.grid.lengths(place.window.first, place.window.last)
    cache = {h: number_weights(place.tableau, h) for h in set(numbers) if h is not None}
    loose = [w for w, h in enumerate(numbers) if h is None]
    if not loose:
        return [cache[h] for h in numbers if h is not None]
    chosen = lengths if len(loose) == len(numbers) else lengths[loose]
    others = dict(
        zip(loose, tensor_weights(place.tableau, place.problem.times(chosen)), strict=True)
    )
    return [others[w] if h is None else cache[h] for w, h in enumerate(numbers)]


def _first_bad(start: Tensor, coefficients: Tensor, x: Tensor, bound: float | None) -> Tensor:
    """Return for each sample the start of the first step of a window that ends out of bounds, inf if none: (B,)."""
    with torch.no_grad():
        n = coefficients.shape[-1]
        ends = torch.cat([coefficients[1:, :, 0], x.reshape(1, -1, n)])
        bad = ~torch.isfinite(ends).all(-1)
        if (
            bound is not None
        ):  # the guard has put the state back, while the step's polynomial goes out
            bad |= ~(coefficients.sum(2).abs() < bound).all(-1)
        return torch.where(bad, start.expand(-1, bad.shape[1]), torch.inf).amin(0)
