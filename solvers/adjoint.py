"""Gradients by the delayed adjoint: memory for the dense output only, no graph through the steps.

With L = sum_k <g_k, x(t_k)>, the adjoint lambda runs backwards from the last time, jumps by g_k at t_k, and solves

    lambda'(t) = -f_x(t)^T lambda(t) - sum_i f_yi(t + tau_i)^T lambda(t + tau_i),

where lambda = 0 after the last time. In reversed time this is a delay equation with the same delays, and is
integrated as one. Then dL/dtheta = integral of lambda^T f_theta, dL/dtau_i = -integral of lambda^T f_yi x'(t -
tau_i), and the history gets f_yi^T lambda where a delay reaches it; all of these are one integral of the derivatives
of lambda^T f(t, x(t), x(t - tau)).

References
----------
Zhu, Guo and Lin, Neural Delay Differential Equations, ICLR 2021. Calver and Enright, Numerical methods for computing
sensitivities for ODEs and DDEs, Numerical Algorithms 74 (2017).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from certdde.solvers.breaking import breaking_points
from certdde.solvers.errors import SolverError
from certdde.solvers.fixed import integrate_fixed
from certdde.solvers.grid import FullGrid
from certdde.solvers.histories import ConstantHistory, FunctionHistory, History, StartingAt
from certdde.solvers.lags import ConstantLag
from certdde.solvers.options import Options
from certdde.solvers.problem import Problem, RightSide
from certdde.solvers.solution import Solution
from certdde.solvers.stopped import Stopped
from certdde.solvers.tableau import RK4

GAUSS = (0.5 - math.sqrt(3) / 6, 0.5 + math.sqrt(3) / 6)
"""Nodes of the quadrature of order 4, which never meet the end of a step; both weights are 1/2."""


def adjoint_states(
    problem: Problem, forward: Callable[[], Solution], options: Options
) -> tuple[Tensor, Solution]:
    """Integrate without graph, and return states (T, *batch, n) whose gradient is computed by the adjoint.

    Raises
    ------
    SolverError
        If a delay is not constant, or a delay asks for a gradient across a jump.
    """
    taus = [lag.value for lag in problem.lags if isinstance(lag, ConstantLag)]
    if len(taus) < len(problem.lags):
        raise SolverError(
            "the adjoint takes constant delays",
            where="options.gradient",
            wanted="autodiff or checkpoint",
        )
    if problem.has_jumps and any(tau.requires_grad for tau in taus):
        raise SolverError(
            "the adjoint gives no gradient in a delay across a jump",
            where="options.gradient",
            wanted="autodiff",
        )
    wanted = _wanted(problem, taus, options)
    with torch.no_grad():
        solution = forward()
    stops = not bool(solution.finished.all())
    states = _Adjoint.apply(_Backward(problem, solution, tuple(wanted), options, stops), *wanted)
    return states, solution  # type: ignore[return-value]


def _wanted(problem: Problem, taus: Sequence[Tensor], options: Options) -> list[Tensor]:
    """Return the tensors that ask for a gradient: of f, of the history, delays, and those named in the options."""
    found = [*taus, *_tensors(problem.history), *options.parameters]
    for function in (
        problem.f,
        *([problem.history.function] if isinstance(problem.history, FunctionHistory) else []),
    ):
        if isinstance(function, torch.nn.Module):
            found += list(function.parameters())
    unique = {id(tensor): tensor for tensor in found if tensor.requires_grad}
    return list(unique.values())


def _tensors(history: History) -> list[Tensor]:
    if isinstance(history, ConstantHistory):
        return [history.value]
    if isinstance(history, StartingAt):
        return [history.start, *_tensors(history.before)]
    return []


@dataclass(frozen=True, slots=True)
class _Backward:
    """What the way back needs; ``stops`` says that some sample did not reach the last time."""

    problem: Problem
    solution: Solution
    wanted: tuple[Tensor, ...]
    options: Options
    stops: bool

    def gradients(self, weights: Tensor) -> list[Tensor | None]:
        """Return the gradient of sum <weights, states> in each wanted tensor; weights (T, *batch, n)."""
        problem = self.problem
        g = weights.reshape(problem.t.shape[0], problem.size, problem.dimension)
        g = torch.where(
            torch.isfinite(self.solution.states).reshape(g.shape), g, torch.zeros_like(g)
        )
        with torch.no_grad():
            grid, coefficients, start = self._integrate(g)
        total: list[Tensor | None] = [None] * len(self.wanted)
        adjoint = replace(self.solution, grid=grid, past=coefficients)
        nodes = grid.rows(0, grid.steps)
        for step in range(grid.steps):
            length = nodes[step + 1] - nodes[step]
            for theta in GAUSS:
                sigma = (nodes[step] + theta * length).unsqueeze(0)
                multiplier = adjoint.after(sigma, step)
                self._add(total, self._slope(sigma), 0.5 * length, multiplier)
        with torch.enable_grad():
            x0 = problem.history.initial(problem.t[:1]).expand(problem.x0.shape)
            if x0.requires_grad:
                self._accumulate(total, (x0 * start.reshape(x0.shape)).sum())
        return total

    def _integrate(self, g: Tensor) -> tuple[FullGrid, Tensor, Tensor]:
        """Integrate the adjoint in reversed time: its grid, its polynomials, and its value at t[0]."""
        problem = self.problem
        t, zero = problem.t.detach(), torch.zeros_like(g[0])
        history = StartingAt(
            ConstantHistory(zero.reshape(problem.x0.shape)), g[-1].reshape(problem.x0.shape)
        )
        sigma = t[-1] - t.flip(0)
        lags = tuple(replace(lag, value=lag.value.detach()) for lag in problem.lags)  # type: ignore[type-var]
        # The adjoint jumps at inner output times. Declared, they echo as breaking points, and stage times stay inside
        # steps; the one beyond the end is there for the latter alone, if f_x jumps.
        jumps = (*sigma[1:-1].tolist(), *([math.inf] if problem.has_jumps else []))
        reverse = Problem(
            self._right_side, history, sigma, lags, history.start, problem.batch, jumps
        )
        forward = self.solution.grid
        points = breaking_points(reverse, 2)
        nodes = t[-1] - forward.rows(0, self._steps()).detach()
        width = max(nodes.shape[1], points.shape[1])
        parts = [part.expand(-1, width) for part in (nodes, points, sigma.unsqueeze(1))]
        joined = torch.cat(parts).sort(dim=0).values
        if width == 1:
            joined = torch.unique(joined).unsqueeze(1)
        grid = FullGrid.of(joined)
        impulses = self._impulses(grid, sigma, g)
        settings = Options(window=self.options.window)
        result = integrate_fixed(
            reverse, RK4, grid, settings, graph=False, keep=True, impulses=impulses
        )
        past = zero.unsqueeze(1) if result.past is None else result.past
        return grid, past, result.states[-1] + g[0]

    def _steps(self) -> int:
        """Return the number of forward steps, all samples'."""
        taken = self.solution.taken
        return self.solution.grid.steps if taken is None else int(taken.max())

    def _impulses(self, grid: FullGrid, sigma: Tensor, g: Tensor) -> dict[int, Tensor]:
        """Return what is added to the adjoint at which node, (B, n) each: the inner output times, in reversed order."""
        impulses: dict[int, Tensor] = {}
        rows = grid.count(sigma.unsqueeze(1), or_equal=False).expand(-1, self.problem.size)
        for k in range(1, sigma.shape[0] - 1):
            for row in torch.unique(rows[k]).tolist():
                part = torch.where((rows[k] == row).unsqueeze(1), g[-1 - k], torch.zeros_like(g[0]))
                impulses[row] = impulses[row] + part if row in impulses else part
        return impulses

    def _right_side(self, sigma: Tensor, mu: Tensor, ahead: Sequence[Tensor]) -> Tensor:
        """Return f_x^T mu + sum f_yi(t + tau_i)^T mu(sigma - tau_i) in reversed time."""
        problem = self.problem
        clock = sigma.reshape(1, -1)
        total = self._pull(clock, None, mu)
        for i, lag in enumerate(problem.lags):
            tau = problem.flat(lag.value.detach())  # type: ignore[union-attr]
            total = total + self._pull(clock - tau, i, ahead[i])
        return total

    def _pull(self, sigma: Tensor, index: int | None, cotangent: Tensor) -> Tensor:
        """Return the product of a cotangent with f_x (no index) or f_yi at times after which the adjoint is zero."""
        sigma = sigma.clamp(min=0)  # there the cotangent is 0
        with torch.enable_grad():
            t, x, delayed = self._arguments(sigma, graph=False)
            point = (x if index is None else delayed[index]).detach().requires_grad_()
            states = [point if i == index else y for i, y in enumerate(delayed)]
            value = self._f(sigma)(t, point if index is None else x, states)
            if not value.requires_grad:
                return torch.zeros_like(x)
            (result,) = torch.autograd.grad(value, point, cotangent, allow_unused=True)
        return torch.zeros_like(x) if result is None else result

    def _arguments(self, sigma: Tensor, *, graph: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return t, x(t) and the delayed states at reversed times (1, 1 or B); the latter differentiable if asked."""
        problem = self.problem
        t = problem.t[-1].detach() - sigma
        shape = problem.x0.shape
        x = self._until_stopped(t).detach().reshape(shape)
        taus = [problem.flat(lag.value) for lag in problem.lags]  # type: ignore[union-attr]
        taus = taus if graph else [tau.detach() for tau in taus]
        delayed = [self._until_stopped(t - tau).reshape(shape) for tau in taus]
        pairs = zip(problem.lags, delayed, strict=True)
        delayed = [x if isinstance(lag, ConstantLag) and lag.all_zero else y for lag, y in pairs]
        return problem.times(t)[0] if t.shape[1] > 1 else t[0, 0], x, delayed

    def _until_stopped(self, s: Tensor) -> Tensor:
        """Return x at times (1, 1 or B), and of a sample that has stopped before: its last state."""
        if not self.stops:
            return self.solution.anywhere(s)
        late = (s - self.solution.good_until.reshape(-1)).detach().clamp(min=0)
        return self.solution.anywhere(s - late)

    def _f(self, sigma: Tensor) -> RightSide:
        """Return f at reversed times (1, 1 or B): 0 for samples that have stopped before, as their adjoint is there."""
        if not self.stops:
            return self.problem.f
        still = (self.problem.t[-1].detach() - sigma)[0] > self.solution.good_until.reshape(-1)
        return Stopped.none(self.problem).problem(self.problem, still).f

    def _slope(self, sigma: Tensor) -> Tensor:
        with torch.enable_grad():
            return self._f(sigma)(*self._arguments(sigma, graph=True))

    def _add(
        self, total: list[Tensor | None], value: Tensor, weight: Tensor, multiplier: Tensor
    ) -> None:
        cotangent = (weight.reshape(-1, 1) * multiplier).reshape(value.shape)
        with torch.enable_grad():
            if value.requires_grad:
                self._accumulate(total, (value * cotangent).sum())

    def _accumulate(self, total: list[Tensor | None], scalar: Tensor) -> None:
        parts = torch.autograd.grad(scalar, self.wanted, allow_unused=True)
        for i, part in enumerate(parts):
            if part is not None:
                total[i] = part if total[i] is None else total[i] + part


class _Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, backward: _Backward, *_wanted: Tensor) -> Tensor:
        ctx.work = backward
        return backward.solution.states.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        return (None, *ctx.work.gradients(grad_outputs[0]))
