"""Integration on a given grid, window by window.

All delayed states that a window needs are looked up at once, before it; inside are only f and sums. That is what
makes it fast, and what makes its graph small: one look-up a window, not one a stage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
from certdde.solvers.stopped import Stopped, first_out, with_slopes
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
    state = _State(problem.x0, None, None if options.bound is None else Stopped.none(problem))
    dropped = 0
    for window in windows:
        if not keep and window.needed > dropped:
            dropped += track.drop(window.needed - dropped)
        place = Place.of(problem, tableau, grid, window, track.view(), dropped)
        state, coefficients, good = _bounded_window(place, options, state, impulses or {})
        good_until = torch.minimum(good_until, good)
        track.append(coefficients)
        outputs.add(window.first, window.last, coefficients)
        if callable(options.progress):
            options.progress(window.last / grid.steps)
    return FixedResult(outputs.joined(), track.view() if keep else None, good_until, grid.steps)


@dataclass(frozen=True, slots=True)
class _State:
    """Where the samples are between two windows; without a bound ``stopped`` is None."""

    x: Tensor
    slope: Tensor | None
    stopped: Stopped | None
    any_stopped: bool = False


def _bounded_window(
    place: Place, options: Options, state: _State, impulses: Mapping[int, Tensor]
) -> tuple[_State, Tensor, Tensor]:
    """Integrate one window, and once more if samples went out of bounds, with these standing still from there on."""
    after, coefficients = _integrate_window(place, options, state, impulses)
    bad = _bad(coefficients, after.x, options.bound)
    good = torch.where(bad, place.nodes[:-1], torch.inf).amin(0)
    if state.stopped is None or not bool(bad.any()):
        return after, coefficients, good
    out, first = first_out(bad), coefficients
    step = torch.where(out < bad.shape[0], place.window.first + out, state.stopped.step)
    stopped = replace(state.stopped, step=torch.minimum(step, state.stopped.step))
    begun = replace(state, stopped=stopped, any_stopped=True)
    after, coefficients = _integrate_window(place, options, begun, impulses)
    return after, with_slopes(coefficients, first, out), good


def _integrate_window(
    place: Place, options: Options, state: _State, impulses: Mapping[int, Tensor]
) -> tuple[_State, Tensor]:
    """Integrate one window; with checkpoints only its ends and its polynomials are kept for the way back."""
    stopped = state.stopped if state.any_stopped else None
    arguments = place, options.bound, state.x, state.slope, impulses, stopped
    if options.gradient != "checkpoint" or not torch.is_grad_enabled():
        x, slope, coefficients = _window(*arguments)
    else:
        x, slope, coefficients = checkpoint(_window, *arguments, use_reentrant=False)
    return replace(state, x=x, slope=slope), coefficients


def _window(
    place: Place,
    bound: float | None,
    x: Tensor,
    slope: Tensor | None,
    impulses: Mapping[int, Tensor],
    stopped: Stopped | None,
) -> tuple[Tensor, Tensor | None, Tensor]:
    problem, tableau = place.problem, place.tableau
    lengths = place.nodes[1:] - place.nodes[:-1]
    weights, clock, lookups = _weights(place, lengths), place.clock(), place.lookups()
    carry = tableau.last_is_first and not problem.has_jumps
    starts: list[Tensor] = []
    slopes: list[Tensor] = []
    for w in range(lengths.shape[0]):
        number = place.window.first + w
        if number in impulses:
            x = x + impulses[number].reshape(x.shape)
        starts.append(x)
        begun = slope if carry else None
        if stopped is not None:
            still = stopped.step <= number
            place = replace(place, problem=stopped.problem(problem, still))
            begun = (
                None if begun is None else torch.where(still.reshape(*problem.batch, 1), 0.0, begun)
            )
        if place.window.overlaps:
            after, ks = overlapping_step(place, weights[w], clock[w], lookups, x, lengths)
        else:
            after, ks = advance(
                place.problem.f, tableau, weights[w], clock[w], reader(lookups, w), x, begun
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


def _bad(coefficients: Tensor, x: Tensor, bound: float | None) -> Tensor:
    """Say which steps of a window end out of bounds, (W, B)."""
    with torch.no_grad():
        n = coefficients.shape[-1]
        ends = torch.cat([coefficients[1:, :, 0], x.reshape(1, -1, n)])
        bad = ~torch.isfinite(ends).all(-1)
        if (
            bound is not None
        ):  # the guard has put the state back, while the step's polynomial goes out
            bad |= ~(coefficients.sum(2).abs() < bound).all(-1)
        return bad
