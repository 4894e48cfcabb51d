"""Delayed states: from the history, from the past of the solution, or from the step itself."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.solvers.aligned import AlignedGrid
from certdde.solvers.deviation import Deviation, Window, deviation, inward, stage_times
from certdde.solvers.grid import Grid
from certdde.solvers.lags import ConstantLag, Lag, StateLag
from certdde.solvers.problem import Problem
from certdde.solvers.stages import Delayed, StepWeights, advance, polynomials
from certdde.solvers.tableau import Tableau
from certdde.solvers.track import gather, polynomial

Table = list[list[Tensor]]
"""The delayed state of each step of the window and each stage, where it does not depend on the state."""
Lookup = Table | Callable[[int, int, Tensor], Tensor]
"""A table, or a function (step of the window, stage, state) -> delayed state."""


@dataclass(frozen=True, slots=True)
class Place:
    """A window of steps, with what is known when it begins.

    Attributes
    ----------
    nodes : Tensor, (W + 1, 1 or B)
    times : Tensor, (W, moments, 1 or B)
    past : Tensor, (R, B, J, n), or None
        Polynomials of the steps before the window, from step ``offset`` on; None at the start.
    """

    problem: Problem
    tableau: Tableau
    grid: Grid
    window: Window
    nodes: Tensor
    times: Tensor
    past: Tensor | None
    offset: int

    @classmethod
    def of(
        cls,
        problem: Problem,
        tableau: Tableau,
        grid: Grid,
        window: Window,
        past: Tensor | None,
        offset: int,
    ) -> "Place":
        """Compute nodes and stage times."""
        nodes = grid.rows(window.first, window.last)
        return cls(
            problem, tableau, grid, window, nodes, stage_times(nodes, tableau.moments), past, offset
        )

    def clock(self) -> list[list[Tensor]]:
        """Return the time of each stage of each step, shaped to broadcast with states."""
        problem, times = self.problem, self.times
        if problem.declares_jumps:  # f itself may jump where a step ends
            times = inward(times, ((self.nodes[:-1] + self.nodes[1:]) / 2).detach().unsqueeze(1))
        single = times.shape[2] == 1
        return self.by_stage(
            times.squeeze(-1) if single else times.reshape(*times.shape[:2], *problem.batch, 1)
        )

    def by_stage(self, values: Tensor) -> list[list[Tensor]]:
        """Turn (W, moments, ..) into W lists of one view per stage."""
        moments, c = self.tableau.moments, self.tableau.c
        views = values.flatten(0, 1).unbind(0)
        slots = [moments.index(v) for v in c]
        return [[views[w + slot] for slot in slots] for w in range(0, len(views), len(moments))]

    def lookups(self) -> list[Lookup]:
        """Return one look-up per delay, for steps that look back beyond their own start."""
        return [self._lookup(i, lag) for i, lag in enumerate(self.problem.lags)]

    def _lookup(self, index: int, lag: Lag) -> Lookup:
        if isinstance(lag, StateLag):
            return self._state_lookup(lag)
        if isinstance(lag, ConstantLag) and lag.all_zero:
            return lambda _w, _stage, state: state
        part = deviation(self.problem, lag, self.nodes, self.times)
        values = self.by_stage(self._values(index, part))
        if part.zero is None:
            return values
        batch = self.problem.batch if part.zero.shape[2] > 1 else (1,) * len(self.problem.batch)
        mask = self.by_stage(part.zero.reshape(*part.zero.shape[:2], *batch, 1))
        return lambda w, stage, state: torch.where(mask[w][stage], state, values[w][stage])

    def _values(self, index: int, part: Deviation) -> Tensor:
        """Look up one delay at all moments of the window: (W, moments, *batch, n)."""
        problem, s = self.problem, part.s
        looks_before, looks_after = self.window.sides[index]
        if self.window.overlaps:
            s = s - (s - self.nodes[0]).detach().clamp(min=0)
        count, moments, width = s.shape
        flat, value = s.reshape(count * moments, width), None
        if (
            problem.jumps
        ):  # the solution may jump there (an impulse); each step sees it from its own side
            flat = self._towards_middle(flat, s)
        if looks_after and self.past is not None:
            value = (
                self._solution(flat)
                if self._whole_steps is None
                else self._same_place(self._whole_steps)
            )
        if looks_before or value is None:
            limit = problem.t[0].detach()
            old = problem.past(self._inside(flat - (flat.detach() - limit).clamp(min=0), s))
            mask = part.before(problem).reshape(count * moments, -1, 1)
            value = old if value is None else torch.where(mask, old, value)
        return value.expand(-1, problem.size, -1).reshape(
            count, moments, *problem.batch, problem.dimension
        )

    @property
    def _whole_steps(self) -> AlignedGrid | None:
        """Return the grid if each delay is a whole number of steps, and none of the window's steps is cut short."""
        grid = self.grid
        return (
            grid if isinstance(grid, AlignedGrid) and self.window.last <= grid.first_short else None
        )

    def _same_place(self, grid: AlignedGrid) -> Tensor:
        """Evaluate as ``_solution``, at the moments of the steps one delay ago: (W moments, B, n)."""
        past = self.problem.x0.new_empty(0) if self.past is None else self.past
        number = torch.arange(self.window.first, self.window.last, device=past.device).unsqueeze(1)
        step = (number - grid.parts.long() - self.offset).clamp(0, past.shape[0] - 1)
        parts = gather(past, step).unbind(2)
        values = []
        for c in self.tableau.moments:
            value = parts[0] if c == 0 else parts[-1]
            for part in () if c == 0 else reversed(parts[:-1]):
                value = torch.add(part, value, alpha=c)
            values.append(value)
        return torch.stack(values, dim=1).flatten(0, 1)

    def _solution(self, s: Tensor) -> Tensor:
        """Evaluate the solution before the window at times (Q, 1 or B): (Q, 1 or B, n)."""
        past = self.problem.x0.new_empty(0) if self.past is None else self.past
        step, theta, length = self.grid.find(s, self.offset, self.offset + past.shape[0])
        return polynomial(gather(past, step - self.offset), theta, length)

    def _inside(self, flat: Tensor, s: Tensor) -> Tensor:
        """Move history times off declared jumps of the history, into the step that they belong to."""
        return self._towards_middle(flat, s) if self.problem.history.jumps else flat

    def _towards_middle(self, flat: Tensor, s: Tensor) -> Tensor:
        middle = (s.detach().amin(1, keepdim=True) + s.detach().amax(1, keepdim=True)) / 2
        return inward(flat, middle.expand_as(s).reshape(flat.shape))

    def _state_lookup(self, lag: StateLag) -> Lookup:
        def look(w: int, stage: int, state: Tensor) -> Tensor:
            s = self.argument(lag, w, stage, state).unsqueeze(0)
            return self._anywhere(s).reshape(state.shape)

        return look

    def _anywhere(self, s: Tensor) -> Tensor:
        """Look up times (1, 1 or B) on whichever side of t[0] each lies: (B, n)."""
        problem, t0 = self.problem, self.problem.t[0]
        old = problem.past(s - (s - t0).detach().clamp(min=0)).expand(-1, problem.size, -1)[0]
        if self.past is None:
            return old
        new = self._solution(s + (t0 - s).detach().clamp(min=0)).expand(-1, problem.size, -1)[0]
        return torch.where((s < t0).T, old, new)

    def argument(self, lag: Lag, w: int, stage: int, state: Tensor) -> Tensor:
        """Return t - tau of one delay at a stage, (1 or B,)."""
        moment = self.tableau.moments.index(self.tableau.c[stage])
        if isinstance(lag, StateLag):
            t = self.times[w, moment]
            clock = t.reshape(self.problem.batch if t.shape[0] > 1 else ())
            return t - self.problem.flat(lag.function(clock, state))
        return deviation(self.problem, lag, self.nodes, self.times).s[w, moment]


def look(lookup: Lookup, w: int, stage: int, state: Tensor) -> Tensor:
    """Return the delayed state of one delay."""
    return lookup[w][stage] if isinstance(lookup, list) else lookup(w, stage, state)


def reader(lookups: list[Lookup], w: int) -> Delayed:
    """Return the delayed states of step w as a function of stage and state."""
    tables = [lookup[w] for lookup in lookups if isinstance(lookup, list)]
    if len(tables) == len(lookups):
        rows = [list(row) for row in zip(*tables, strict=True)]
        return lambda stage, _state: rows[stage] if rows else []
    return lambda stage, state: [look(lookup, w, stage, state) for lookup in lookups]


def overlapping_step(
    place: Place,
    weights: StepWeights,
    clock: list[Tensor],
    lookups: list[Lookup],
    x: Tensor,
    lengths: Tensor,
) -> tuple[Tensor, list[Tensor]]:
    """Take a step that looks into itself: iterate on its own polynomial, which gains one order a sweep."""
    problem, tableau = place.problem, place.tableau
    slope = problem.f(clock[0], x, [look(lookup, 0, 0, x) for lookup in lookups])
    after, slopes = x, [slope] * tableau.stages
    for _ in range(tableau.order + 1):
        own = _own(place, x, slopes, lengths)

        def read(stage: int, state: Tensor, own: Tensor = own) -> list[Tensor]:
            return [_mixed(place, lookups, i, stage, state, own) for i in range(len(lookups))]

        after, slopes = advance(problem.f, tableau, weights, clock, read, x, None)
    return after, slopes


def _mixed(
    place: Place, lookups: list[Lookup], index: int, stage: int, state: Tensor, own: Tensor
) -> Tensor:
    """Return a delayed state: from the past, from the step's own polynomial, or the state itself where tau is 0."""
    problem, start = place.problem, place.nodes[0]
    length = place.nodes[1] - start
    s = place.argument(problem.lags[index], 0, stage, state)
    theta = (s - start) / torch.where(length == 0, torch.ones_like(length), length)
    inner = polynomial(own, theta.unsqueeze(0), length)[0].reshape(state.shape)
    moment = place.tableau.moments.index(place.tableau.c[stage])
    here, ahead = s >= place.times[0, moment], s > start
    shape = (*problem.batch, 1) if s.shape[0] > 1 else (1,) * state.ndim
    value = torch.where(ahead.reshape(shape), inner, look(lookups[index], 0, stage, state))
    return torch.where(here.reshape(shape), state, value)


def _own(place: Place, x: Tensor, slopes: list[Tensor], lengths: Tensor) -> Tensor:
    problem = place.problem
    k = torch.stack(slopes).reshape(1, len(slopes), problem.size, problem.dimension)
    return polynomials(
        place.tableau, x.reshape(1, problem.size, problem.dimension), k, lengths[..., None, None]
    )
