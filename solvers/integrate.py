"""The public entry: ddeint."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.solvers.errors import SolverError
from certdde.solvers.fixed import integrate_fixed
from certdde.solvers.breaking import breaking_points
from certdde.solvers.grid import fixed_grid
from certdde.solvers.histories import History
from certdde.solvers.options import Options
from certdde.solvers.problem import needs_graph, pose
from certdde.solvers.tableau import tableau_named


def ddeint(
    f: Callable[[Tensor, Tensor, Sequence[Tensor]], Tensor],
    history: Tensor | Callable[[Tensor], Tensor] | History,
    t: Float[Tensor, " times"],
    delays: Sequence[object],
    *,
    rtol: float = 1e-7,
    atol: float = 1e-9,
    method: str = "rk4",
    options: Options | Mapping[str, object] | None = None,
) -> Float[Tensor, "times *batch n"]:
    """Integrate x'(t) = f(t, x(t), x(t - tau_1), ..)."""
    settings = Options.of(options)
    problem = pose(f, history, t, delays, settings)
    tableau = tableau_named(method)
    graph = needs_graph(problem)
    with torch.set_grad_enabled(graph):
        points = breaking_points(problem, tableau.order) if settings.breaking_points else problem.t.new_empty((0, 1))
        grid = fixed_grid(problem, settings.step, points)
        result = integrate_fixed(problem, tableau, grid, settings, graph=graph, keep=False)
    return result.states.reshape(-1, *problem.batch, problem.dimension)
