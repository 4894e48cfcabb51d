"""Integration on a given grid, window by window.

All delayed states that a window needs are looked up at once, before it; inside are only f and sums. That is what makes it
fast, and what makes its graph small: one look-up a window, not one a stage.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from certdde.solvers.deviation import Window, plan
from certdde.solvers.grid import Grid
from certdde.solvers.lookup import Lookup, Place
from certdde.solvers.options import Options
from certdde.solvers.outputs import Outputs
from certdde.solvers.problem import Problem
from certdde.solvers.stages import StepWeights, advance, number_weights, tensor_weights
from certdde.solvers.tableau import Tableau
from certdde.solvers.track import Block, Track, polynomial

WINDOW_NUMBERS = 200_000
"""Delayed numbers looked up at once: about what a second-level cache holds."""


@dataclass(frozen=True, slots=True)
class FixedResult:
    """What an integration on a grid gives.

    Attributes
    ----------
    states : Tensor, (T, B, n)
        At the output times.
    track : Block, or None
        The whole past, if it was to be kept.
    good_until : Tensor, (B,)
        Start of the first step of each sample that ended out of bounds, inf if none did.
    steps : int
    """

    states: Tensor
    track: Block | None
    good_until: Tensor
    steps: int


def integrate_fixed(
    problem: Problem, tableau: Tableau, grid: Grid, options: Options, *, graph: bool, keep: bool
) -> FixedResult:
    """Integrate on a grid."""
    moments = tableau.moments
    size = max(1, problem.size * problem.dimension * len(moments) * max(1, len(problem.lags)))
    windows = plan(problem, grid, moments, options.window or max(1, min(256, WINDOW_NUMBERS // size)))
    track, outputs = Track(keep_graph=graph), Outputs(problem, grid)
    good_until = torch.full((problem.size,), torch.inf, dtype=problem.x0.dtype, device=problem.x0.device)
    x, slope, dropped = problem.x0, None, 0
    for window in windows:
        if not keep and window.needed > dropped:
            dropped += track.drop(window.needed - dropped)
        place = Place.of(problem, tableau, grid, window, None if track.is_empty else track.view(), dropped)
        x, slope, coefficients = _integrate_window(place, options, x, slope)
        start, length = place.nodes[:-1], place.nodes[1:] - place.nodes[:-1]
        good_until = torch.minimum(good_until, _first_bad(start, coefficients, x, options.bound))
        block = (start.expand(-1, grid.width), length.expand(-1, grid.width), coefficients)
        track.append(*block)
        outputs.add(window.first, window.last, block)
        if callable(options.progress):
            options.progress(window.last / grid.steps)
    return FixedResult(outputs.joined(), track.view() if keep else None, good_until, grid.steps)


def _integrate_window(
    place: Place, options: Options, x: Tensor, slope: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Integrate one window; with checkpoints only its ends and its polynomials are kept for the way back."""
    if options.gradient != "checkpoint" or not torch.is_grad_enabled():
        return _window(place, options.bound, x, slope)
    return checkpoint(_window, place, options.bound, x, slope, use_reentrant=False)  # type: ignore[no-any-return]


def _window(place: Place, bound: float | None, x: Tensor, slope: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor]:
    problem, tableau = place.problem, place.tableau
    lengths = place.nodes[1:] - place.nodes[:-1]
    weights, clock, lookups = _weights(place, lengths), place.clock(), place.lookups()
    carry = tableau.last_is_first and not problem.has_jumps
    starts: list[Tensor] = []
    slopes: list[Tensor] = []
    for w in range(lengths.shape[0]):
        starts.append(x)
        if place.window.overlaps:
            after, ks = _overlapping_step(place, weights[w], clock[w], lookups, x, lengths)
        else:
            begun = slope if carry else None
            after, ks = advance(problem.f, tableau, weights[w], clock[w], _reader(lookups, w), x, begun)
        if bound is not None:
            after = torch.where((after.abs() < bound).all(-1, keepdim=True), after, x)
        x, slope = after, ks[-1]
        slopes.extend(ks)
    return x, slope, _coefficients(place, starts, slopes, lengths)


def _weights(place: Place, lengths: Tensor) -> list[StepWeights]:
    numbers = place.grid.lengths(place.window.first, place.window.last)
    if numbers is None:
        return tensor_weights(place.tableau, place.problem.times(lengths))
    cache = {h: number_weights(place.tableau, h) for h in set(numbers)}
    return [cache[h] for h in numbers]


def _coefficients(place: Place, starts: list[Tensor], slopes: list[Tensor], lengths: Tensor) -> Tensor:
    """Return the polynomials of all steps of a window, (W, B, J, n)."""
    problem, tableau, count = place.problem, place.tableau, len(starts)
    k = torch.stack(slopes).reshape(count, tableau.stages, problem.size, problem.dimension)
    higher = torch.einsum("js,wsbn->wbjn", k.new_tensor(tableau.dense), k) * lengths[..., None, None]
    lowest = torch.stack(starts).reshape(count, problem.size, 1, problem.dimension)
    return torch.cat([lowest, higher], dim=2)


def _reader(lookups: list[Lookup], w: int) -> Callable[[int, Tensor], list[Tensor]]:
    def read(stage: int, state: Tensor) -> list[Tensor]:
        return [lookup(w, stage, state) for lookup in lookups]

    return read


def _overlapping_step(
    place: Place, weights: StepWeights, clock: list[Tensor], lookups: list[Lookup], x: Tensor, lengths: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """Take a step that looks into itself: iterate on its own polynomial, which gains one order a sweep."""
    problem, tableau = place.problem, place.tableau
    slope = problem.f(clock[0], x, [look(0, 0, x) for look in lookups])
    after, slopes = x, [slope] * tableau.stages
    for _ in range(tableau.order + 1):
        own = _coefficients(place, [x], slopes, lengths)

        def read(stage: int, state: Tensor, own: Tensor = own) -> list[Tensor]:
            return [_mixed(place, lookups, i, stage, state, own) for i in range(len(lookups))]

        after, slopes = advance(problem.f, tableau, weights, clock, read, x, None)
    return after, slopes


def _mixed(place: Place, lookups: list[Lookup], index: int, stage: int, state: Tensor, own: Tensor) -> Tensor:
    """Return a delayed state from the past, from the step's own polynomial, or the state itself where the delay is 0."""
    problem, start = place.problem, place.nodes[0]
    length = place.nodes[1] - start
    s = place.argument(problem.lags[index], 0, stage, state)
    theta = (s - start) / torch.where(length == 0, torch.ones_like(length), length)
    inner = polynomial(own, theta.unsqueeze(0), length)[0].reshape(state.shape)
    moment = place.tableau.moments.index(place.tableau.c[stage])
    here, ahead = s >= place.times[0, moment], s > start
    shape = (*problem.batch, 1) if s.shape[0] > 1 else (1,) * state.ndim
    value = torch.where(ahead.reshape(shape), inner, lookups[index](0, stage, state))
    return torch.where(here.reshape(shape), state, value)


def _first_bad(start: Tensor, coefficients: Tensor, x: Tensor, bound: float | None) -> Tensor:
    """Return for each sample the start of the first step of a window that ends out of bounds, inf if none does: (B,)."""
    with torch.no_grad():
        n = coefficients.shape[-1]
        ends = torch.cat([coefficients[1:, :, 0], x.reshape(1, -1, n)])
        bad = ~torch.isfinite(ends).all(-1)
        if bound is not None:  # the guard has put the state back, while the step's polynomial goes out
            bad |= ~(coefficients.sum(2).abs() < bound).all(-1)
        return torch.where(bad, start.expand(-1, bad.shape[1]), torch.inf).amin(0)
