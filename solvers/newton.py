"""Implicit stages: a simplified Newton iteration per sample."""

from collections.abc import Sequence

import torch
from torch import Tensor

from certdde.solvers.problem import RightSide

ITERATIONS = 6
"""Newton steps of one stage. The matrix is that of the start of the step, so each gains a factor of O(h)."""
WITH_GRAPH = 2
"""The last steps keep their graph: by the implicit function theorem j of them give derivatives of order j exactly
where the iteration has converged (Griewank and Walther, Evaluating Derivatives, 2008, chapter 15)."""


def jacobian(f: RightSide, t: Tensor, x: Tensor, delayed: Sequence[Tensor]) -> Tensor:
    """Return df/dx per sample, (*batch, n, n), without graph; the samples of a batch must not mix in f."""
    with torch.enable_grad():
        point = x.detach().requires_grad_()
        value = f(t.detach(), point, [v.detach() for v in delayed])
        if not value.requires_grad:
            return x.new_zeros((*x.shape, x.shape[-1]))
        rows = [
            torch.autograd.grad(part.sum(), point, retain_graph=True, allow_unused=True)[0] for part in value.unbind(-1)
        ]
    return torch.stack([torch.zeros_like(x) if row is None else row for row in rows], dim=-2).detach()


def solve_stage(
    f: RightSide,
    t: Tensor,
    x: Tensor,
    delayed: Sequence[Tensor],
    weight: float | Tensor,
    guess: Tensor,
    matrix: Tensor,
) -> Tensor:
    """Solve k = f(t, x + weight k, delayed) for k.

    Soundness
    ---------
    A fixed number of iterations is made, so that no step waits for a number from the device. If they do not converge, the
    step's error estimate shows it; a fixed-step method has none.
    """
    fixed = weight.detach().unsqueeze(-1) if isinstance(weight, Tensor) else weight
    system = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device) - fixed * matrix
    factors, pivots = torch.linalg.lu_factor(system)
    slope = guess.detach()
    with torch.no_grad():
        for _ in range(ITERATIONS - WITH_GRAPH):
            slope = slope + _correction(f(t, x + weight * slope, delayed) - slope, factors, pivots)
    for _ in range(WITH_GRAPH):
        slope = slope + _correction(f(t, x + weight * slope, delayed) - slope, factors, pivots)
    return slope


def _correction(residual: Tensor, factors: Tensor, pivots: Tensor) -> Tensor:
    return torch.linalg.lu_solve(factors, pivots, residual.unsqueeze(-1)).squeeze(-1)
