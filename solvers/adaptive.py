"""Integration with a step size of its own for each sample, chosen by the embedded error estimate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from certdde.solvers.deviation import Window, stage_times
from certdde.solvers.lags import ConstantLag
from certdde.solvers.lookup import Place, look, overlapping_step, reader
from certdde.solvers.options import Options
from certdde.solvers.problem import Problem
from certdde.solvers.ragged import RaggedGrid, Store
from certdde.solvers.stages import advance, number_weights, polynomials
from certdde.solvers.tableau import Tableau
from certdde.solvers.track import gather, polynomial

CHECK_EVERY = 8
"""Attempts between two looks at whether all samples are done: the only times the device is waited for."""
MOST_CAPPED = 4000
"""A step is kept below the shortest delay if that takes no more steps than this; else it may look into itself."""


@dataclass(frozen=True, slots=True)
class AdaptiveResult:
    """What an adaptive integration gives.

    Attributes
    ----------
    grid : RaggedGrid
        The steps of each sample, all of them if they were to be kept.
    past : Tensor, (C, B, J, n)
    states : Tensor, (T, B, n)
    good_until : Tensor, (B,)
        Time at which a sample was given up; inf if it was not.
    local_error : Tensor, (B,)
        Sum of the accepted local error estimates (largest component).
    attempts : int
    """

    grid: RaggedGrid
    past: Tensor
    states: Tensor
    good_until: Tensor
    local_error: Tensor
    attempts: int


@dataclass(slots=True)
class _State:
    """Where each sample is, (B,) or (B, n) each; moves with the loop."""

    t: Tensor
    h: Tensor
    x: Tensor
    slope: Tensor
    failed: Tensor
    good_until: Tensor
    local_error: Tensor


class _Adaptive:
    """One adaptive integration; seen by nobody outside ``integrate_adaptive``."""

    def __init__(
        self,
        problem: Problem,
        tableau: Tableau,
        tolerance: tuple[float, float],
        points: Tensor,
        options: Options,
    ):
        self.problem, self.tableau, self.options = problem, tableau, options
        self.rtol, self.atol = tolerance
        size, n = problem.size, problem.dimension
        self.end = problem.t[-1]
        stops = torch.cat([points.expand(-1, size), self.end.expand(1, size)])
        self.stops = stops.sort(dim=0).values
        self.span = float(problem.t[-1] - problem.t[0])
        self.cap, self.overlaps = self._cap()
        self.store = Store(problem.t[0], size, tableau.degree + 1, n)
        self.error = problem.x0.new_tensor(tableau.error)
        self.weights, self.one = number_weights(tableau, 1.0), problem.x0.new_ones(())
        self.looks_before = True
        self.reuse = tableau.last_is_first and not problem.has_jumps
        self.states = problem.x0.new_zeros((problem.t.shape[0], size, n))
        self.written = 0

    def _cap(self) -> tuple[Tensor, bool]:
        """Return the longest step of each sample, and whether a step may look into itself."""
        problem = self.problem
        cap = problem.x0.new_full((problem.size,), torch.inf)
        for lag in problem.lags:
            least = (
                problem.flat(lag.value)
                if isinstance(lag, ConstantLag)
                else problem.x0.new_tensor([lag.lower])
            )
            zero_is_fine = isinstance(lag, ConstantLag)
            cap = torch.minimum(
                cap, torch.where(least > 0, least, torch.inf if zero_is_fine else 0.0)
            )
        floor = self.span / MOST_CAPPED
        overlaps = bool((cap < floor).any())
        return torch.where(cap < floor, torch.inf, cap), overlaps

    def start(self) -> _State:
        """Return the first state, with a first step by Hairer, Norsett and Wanner, II.4."""
        problem = self.problem
        size, n = problem.size, problem.dimension
        x = problem.x0.reshape(size, n).clone()
        t = problem.t[0].expand(size).clone()
        place = self._place(problem, t, t)
        slope = self._f(place, 0, x)
        scale = self.atol + self.rtol * x.abs()
        sizes = [(v / scale).square().mean(1).sqrt() for v in (x, slope)]
        h = 0.01 * sizes[0].clamp(min=1e-5) / sizes[1].clamp(min=1e-5)
        h = h.nan_to_num(nan=1e-6 * self.span).clamp(1e-6 * self.span, 0.1 * self.span)
        if self.options.step is not None:
            h = torch.full_like(h, self.options.step)
        fresh = torch.full_like(t, torch.inf)
        return _State(
            t, h, x, slope, torch.zeros_like(t, dtype=torch.bool), fresh, torch.zeros_like(t)
        )

    def _place(self, problem: Problem, t: Tensor, after: Tensor) -> Place:
        nodes = torch.stack([t, after])
        window = Window(
            0, 1, self.overlaps, tuple((self.looks_before, True) for _ in self.problem.lags), 0
        )
        times = stage_times(nodes, self.tableau.moments)
        return Place(
            problem,
            self.tableau,
            self.store.grid(),
            window,
            nodes,
            times,
            self.store.coefficients,
            0,
        )

    def _f(self, place: Place, stage: int, x: Tensor) -> Tensor:
        state = x.reshape(self.problem.x0.shape)
        delayed = [look(lookup, 0, stage, state) for lookup in place.lookups()]
        return self.problem.f(place.clock()[0][stage], state, delayed).reshape(x.shape)

    def attempt(self, state: _State) -> None:
        """Try one step of every sample that is neither done nor given up."""
        problem, tableau = self.problem, self.tableau
        active = (state.t < self.end) & ~state.failed
        after, lands = self._target(state)
        after = torch.where(active, after, state.t)
        h = after - state.t
        length = problem.times(h.unsqueeze(0))[0]

        def scaled(t: Tensor, x: Tensor, delayed: Sequence[Tensor]) -> Tensor:
            return length * problem.f(t, x, delayed)

        # With h f in place of f the weights are numbers: fewer and faster operations than a column of weights each.
        place = self._place(replace(problem, f=scaled), state.t, after)
        clock, lookups = place.clock()[0], place.lookups()
        x = state.x.reshape(problem.x0.shape)
        if self.overlaps:
            end, slopes = overlapping_step(
                place, self.weights, clock, lookups, x, torch.ones_like(h).unsqueeze(0)
            )
        else:
            begun = length * state.slope.reshape(x.shape) if self.reuse else None
            end, slopes = advance(
                scaled, tableau, self.weights, clock, reader(lookups, 0), x, begun
            )
        k = torch.stack(slopes).reshape(tableau.stages, problem.size, -1)
        self._decide(state, active, lands, after, h, end.reshape(problem.size, -1), k)

    def _target(self, state: _State) -> tuple[Tensor, Tensor]:
        """Return where the step of each sample ends, and whether that is a stop."""
        eps = 4 * torch.finfo(state.t.dtype).eps * (1 + state.t.abs())
        stop = torch.where(self.stops > state.t + eps, self.stops, torch.inf).amin(0)
        stop = torch.minimum(stop, self.end)
        h = torch.minimum(state.h, self.cap)
        left = stop - state.t
        halved = torch.where((h < left) & (2 * h > left), 0.5 * left, h)
        lands = halved >= left * (1 - 1e-9)
        return torch.where(lands, stop, state.t + halved), lands

    def _decide(
        self,
        state: _State,
        active: Tensor,
        lands: Tensor,
        after: Tensor,
        h: Tensor,
        end: Tensor,
        k: Tensor,
    ) -> None:
        options, order = self.options, self.tableau.order
        error = torch.tensordot(self.error, k, dims=1)
        scale = self.atol + self.rtol * torch.maximum(state.x.abs(), end.abs())
        ratio = (error / scale).square().mean(1).sqrt()
        good = torch.isfinite(ratio) & torch.isfinite(end).all(1)
        accepted = active & good & ((ratio <= 1) | (h <= options.min_step * (1 + 1e-9)))
        coefficients = polynomials(self.tableau, state.x.unsqueeze(0), k.unsqueeze(0), self.one)[0]
        self.store.push(accepted, after, coefficients)
        factor = (0.9 * ratio.clamp(min=1e-10) ** (-1 / order)).clamp(0.2, 5.0)
        factor = torch.where(good, factor, 0.2)
        wanted = h * factor
        wanted = torch.where(
            accepted & lands, torch.maximum(wanted, torch.minimum(state.h, 5 * wanted)), wanted
        )
        least = 16 * torch.finfo(h.dtype).eps * state.t.abs().clamp(min=1e-3 * self.span)
        stuck = active & ~accepted & (wanted < least) & (h > options.min_step)
        if options.bound is not None:
            stuck |= accepted & (end.abs() >= options.bound).any(1)
        state.good_until = torch.where(stuck & ~state.failed, state.t, state.good_until)
        state.failed = state.failed | stuck
        state.local_error = state.local_error + torch.where(accepted, error.abs().amax(1), 0.0)
        keep = accepted.unsqueeze(1)
        state.t = torch.where(accepted, after, state.t)
        state.x = torch.where(keep, end, state.x)
        state.slope = torch.where(keep, k[-1] / h.unsqueeze(1), state.slope)
        state.h = torch.where(active, wanted.clamp(min=options.min_step), state.h)

    def look_up(self, state: _State) -> bool:
        """Wait for the device and report. Return whether all samples are done."""
        problem = self.problem
        done = bool(((state.t >= self.end) | state.failed).all())
        if callable(self.options.progress):
            self.options.progress(float((state.t.min() - problem.t[0]) / self.span))
        if self.looks_before:
            self.looks_before = not all(
                isinstance(lag, ConstantLag)
                and bool((state.t - problem.flat(lag.value) > problem.t[0]).all())
                for lag in problem.lags
            )
        return done

    def write(self, state: _State) -> None:
        """Evaluate the output times that some sample has passed since the last call."""
        t = self.problem.t
        reached = int(torch.searchsorted(t, state.t.max(), right=True))
        if reached > self.written:
            some = t[self.written : reached].unsqueeze(1)
            step, theta, length = self.store.grid().find(some, 0, 0)
            value = polynomial(gather(self.store.coefficients, step), theta, length)
            begun = self.store.nodes[:, 0] <= some
            mask = (begun & (some <= state.t)).unsqueeze(-1)
            self.states[self.written : reached] = torch.where(
                mask, value, self.states[self.written : reached]
            )
        self.written = min(int(torch.searchsorted(t, state.t.min(), right=True)), reached)

    def oldest(self, state: _State) -> Tensor | None:
        """Return the earliest time that a delay of each sample still reaches, None if unknown."""
        oldest = state.t.clone()
        for lag in self.problem.lags:
            reach = (
                self.problem.flat(lag.value)
                if isinstance(lag, ConstantLag)
                else state.t.new_tensor([lag.upper])
            )
            oldest = torch.minimum(oldest, state.t - reach)
        return oldest


def integrate_adaptive(
    problem: Problem,
    tableau: Tableau,
    tolerance: tuple[float, float],
    points: Tensor,
    options: Options,
    *,
    keep: bool,
) -> AdaptiveResult:
    """Integrate without graph; a step of each sample ends at each of its points (M, 1 or B)."""
    with torch.no_grad():
        run = _Adaptive(problem, tableau, tolerance, points.detach(), options)
        state = run.start()
        attempts = 0
        while attempts < options.max_steps:
            if run.store.is_full:
                run.write(state)
                run.store.make_room(None if keep else run.oldest(state))
            run.attempt(state)
            attempts += 1
            if attempts % CHECK_EVERY == 0 and run.look_up(state):
                break
        run.write(state)
        late = (state.t < run.end) & ~state.failed
        good = torch.where(late, state.t, state.good_until)
    return AdaptiveResult(
        run.store.grid(), run.store.coefficients, run.states, good, state.local_error, attempts
    )
