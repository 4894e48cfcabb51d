"""The public entries: ``ddeint``, and ``solve`` for more than the states."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.solvers.adaptive import integrate_adaptive
from certdde.solvers.adjoint import adjoint_states
from certdde.solvers.aligned import aligned_grid
from certdde.solvers.breaking import breaking_points
from certdde.solvers.errors import BlowUpWarning
from certdde.solvers.fixed import integrate_fixed
from certdde.solvers.grid import Grid, attach, even_step, fixed_grid
from certdde.solvers.histories import History
from certdde.solvers.options import Options
from certdde.solvers.problem import Problem, needs_graph, pose
from certdde.solvers.progress import reporting
from certdde.solvers.solution import Solution
from certdde.solvers.tableau import Tableau, tableau_named

RightSide = Callable[[Tensor, Tensor, Sequence[Tensor]], Tensor]
Delays = Sequence[Tensor | float | Callable[..., Tensor]]


def ddeint(
    f: RightSide,
    history: Tensor | Callable[[Tensor], Tensor] | History,
    t: Float[Tensor, " times"],
    delays: Delays,
    *,
    rtol: float = 1e-7,
    atol: float = 1e-9,
    method: str = "dopri5",
    options: Options | Mapping[str, object] | None = None,
) -> Float[Tensor, " times *batch n"]:
    """Integrate x'(t) = f(t, x(t), x(t - tau_1), ..), x = history for t <= t[0].

    Parameters
    ----------
    f : callable
        f(t, x, delayed) with x of shape (*batch, n), ``delayed`` a list of one such tensor per delay, and t of shape
        () or (*batch, 1): it broadcasts with x. Returns a tensor shaped like x. Samples must not mix in f.
    history : Tensor, callable or History
        A tensor (*batch, n) or (n,), constant in time; or a function of times s of shape (..., 1) <= t[0] that
        returns what broadcasts to (..., *batch, n); see :mod:`certdde.solvers.histories` for more.
    t : Tensor, (T,)
        Increasing output times; the integration begins at t[0].
    delays : sequence
        For each delay a number, a tensor of shape () or (*batch,), a function tau(t) that is elementwise in t, whose
        axes broadcast with the batch, a function tau(t, x) -> (*batch,), or a path of :mod:`certdde.delays`.
    rtol, atol : float
        Tolerances of the local error of each sample (adaptive methods).
    method : str
        euler, heun, rk4: even steps. dopri5 (order 5), esdirk3 (order 3, implicit, for stiff equations): adaptive.
    options : Options or mapping
        See :class:`certdde.solvers.Options`.

    Returns
    -------
    Tensor, (T, *batch, n)
        On the device and of the type of the history. Entries after a blow-up are NaN, and a BlowUpWarning says so.

    Raises
    ------
    SolverError
        If the arguments cannot be used, or do not fit each other.

    Warns
    -----
    BlowUpWarning
        If some samples did not reach the last time; :func:`solve` gives the mask instead.

    Notes
    -----
    The result is differentiable, as often as f is, in the parameters of f, the history, constant delays, t[0] and the
    other times. Steps are taken as constants, but for the breaking points, which move with the delays.

    Examples
    --------
    >>> import torch
    >>> t = torch.tensor([0.0, 1.0, 2.0, 5.0], dtype=torch.float64)
    >>> x = ddeint(lambda t, x, past: past[0], torch.ones(1, dtype=torch.float64), t, [1.0])
    >>> [round(v, 6) for v in x[:, 0].tolist()]
    [1.0, 2.0, 3.5, 19.175]
    """
    with reporting(Options.of(options)) as settings:
        solution = _solve(f, history, t, delays, (rtol, atol), method, settings, keep=False)
    if not bool(solution.finished.all()):
        count, first = int((~solution.finished).sum()), float(solution.good_until.detach().min())
        message = f"{count} of {solution.problem.size} trajectories stop before the end, the first at t = {first:g}"
        warnings.warn(BlowUpWarning(message), stacklevel=2)
    return solution.states


def solve(
    f: RightSide,
    history: Tensor | Callable[[Tensor], Tensor] | History,
    t: Float[Tensor, " times"],
    delays: Delays,
    *,
    rtol: float = 1e-7,
    atol: float = 1e-9,
    method: str = "dopri5",
    options: Options | Mapping[str, object] | None = None,
) -> Solution:
    """Integrate as :func:`ddeint` does, and keep the dense output, the finished samples and the error estimates.

    Parameters
    ----------
    f, history, t, delays, rtol, atol, method, options
        As in :func:`ddeint`.

    Returns
    -------
    Solution

    Raises
    ------
    SolverError
        If the arguments cannot be used, or do not fit each other.
    """
    with reporting(Options.of(options)) as settings:
        return _solve(f, history, t, delays, (rtol, atol), method, settings, keep=True)


def _solve(
    f: RightSide,
    history: object,
    t: Tensor,
    delays: object,
    tolerance: tuple[float, float],
    method: str,
    options: Options,
    *,
    keep: bool,
) -> Solution:
    tableau = tableau_named(method)
    problem = pose(f, history, t, delays, options)
    graph = needs_graph(problem)

    def run(*, graph: bool, keep: bool) -> Solution:
        return _integrate(problem, tableau, tolerance, options, graph=graph, keep=keep)

    if graph and options.gradient == "adjoint":
        states, solution = adjoint_states(problem, lambda: run(graph=False, keep=True), options)
        return replace(solution, states=states)
    with torch.set_grad_enabled(graph):
        return run(graph=graph, keep=keep)


def _integrate(
    problem: Problem,
    tableau: Tableau,
    tolerance: tuple[float, float],
    options: Options,
    *,
    graph: bool,
    keep: bool,
) -> Solution:
    adaptive = tableau.error is not None if options.adaptive is None else options.adaptive
    if not adaptive:
        return _on_grid(
            problem, tableau, _even_grid(problem, tableau, options), options, graph=graph, keep=keep
        )
    points = _points(problem, tableau, options)
    first = integrate_adaptive(problem, tableau, tolerance, points, options, keep=keep or graph)
    if not graph:
        return _solution(
            problem,
            first.states,
            first.good_until,
            first.local_error,
            first.attempts,
            first.grid,
            first.past,
        )
    # The steps are known now, and taken as constants: once more, with graph.
    longest = int(first.grid.taken.max())
    grid = attach(first.grid.rows(0, longest), _anchors(problem, points))
    solution = _on_grid(problem, tableau, grid, options, graph=True, keep=keep)
    good = torch.minimum(solution.good_until, first.good_until.reshape(problem.batch))
    error = first.local_error.reshape(problem.batch)
    return replace(solution, good_until=good, local_error=error, steps=first.attempts)


def _points(problem: Problem, tableau: Tableau, options: Options) -> Tensor:
    return (
        breaking_points(problem, tableau.order)
        if options.breaking_points
        else problem.t.new_empty((0, 1))
    )


def _even_grid(problem: Problem, tableau: Tableau, options: Options) -> Grid:
    step = even_step(problem, options.step)
    if options.breaking_points and step is not None:
        aligned = aligned_grid(problem, step)
        if aligned is not None:
            return aligned
    return fixed_grid(problem, options.step, _points(problem, tableau, options))


def _anchors(problem: Problem, points: Tensor) -> Tensor:
    ends = torch.stack([problem.t[0], problem.t[-1]]).unsqueeze(1)
    return torch.cat([points.expand(-1, problem.size), ends.expand(-1, problem.size)])


def _on_grid(
    problem: Problem, tableau: Tableau, grid: Grid, options: Options, *, graph: bool, keep: bool
) -> Solution:
    result = integrate_fixed(problem, tableau, grid, options, graph=graph, keep=keep)
    past = problem.x0.new_empty(0) if result.past is None else result.past
    return _solution(problem, result.states, result.good_until, None, result.steps, grid, past)


def _solution(
    problem: Problem,
    states: Tensor,
    good_until: Tensor,
    local_error: Tensor | None,
    steps: int,
    grid: Grid,
    past: Tensor,
) -> Solution:
    late = problem.t.detach().unsqueeze(1) > good_until
    states = torch.where(late.unsqueeze(-1), torch.nan, states)
    shape = (problem.t.shape[0], *problem.batch, problem.dimension)
    error = None if local_error is None else local_error.reshape(problem.batch)
    return Solution(
        problem.t,
        states.reshape(shape),
        good_until.reshape(problem.batch),
        error,
        steps,
        problem,
        grid,
        past,
    )
