"""Implicit stages: a simplified Newton iteration per sample."""

from collections.abc import Callable

import torch
from torch import Tensor

ITERATIONS = 7
"""Newton steps of one stage. The matrix is that of the first implicit stage, so each gains a factor of O(h)."""
WITH_GRAPH = 2
"""The last steps keep their graph: by the implicit function theorem j of them give derivatives of order j exactly
where the iteration has converged (Griewank and Walther, Evaluating Derivatives, 2008, chapter 15)."""


def jacobian(g: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return dg/dx per sample, (*batch, n, n), without graph; the samples of a batch must not mix in g."""
    with torch.enable_grad():
        point = x.detach().requires_grad_()
        value = g(point)
        if not value.requires_grad:
            return x.new_zeros((*x.shape, x.shape[-1]))
        parts = value.unbind(-1)
        rows = [
            torch.autograd.grad(p.sum(), point, retain_graph=True, allow_unused=True)[0]
            for p in parts
        ]
    return torch.stack(
        [torch.zeros_like(x) if row is None else row for row in rows], dim=-2
    ).detach()


def solve_stage(
    g: Callable[[Tensor], Tensor], x: Tensor, weight: float | Tensor, guess: Tensor, matrix: Tensor
) -> Tensor:
    """Solve k = g(x + weight k) for k.

    Soundness
    ---------
    A fixed number of iterations is made, so that no step waits for a number from the device. If they do not converge,
    the step's error estimate shows it; a fixed-step method has none. Where the matrix is singular the result is not
    finite, and the sample stops.
    """
    fixed = weight.detach().unsqueeze(-1) if isinstance(weight, Tensor) else weight
    system = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device) - fixed * matrix
    factors, pivots, _ = torch.linalg.lu_factor_ex(torch.nan_to_num(system))
    slope = guess.detach()
    with torch.no_grad():
        for _ in range(ITERATIONS - WITH_GRAPH):
            slope = slope + _correction(g(x + weight * slope) - slope, factors, pivots)
    for _ in range(WITH_GRAPH):
        slope = slope + _correction(g(x + weight * slope) - slope, factors, pivots)
    return slope


def _correction(residual: Tensor, factors: Tensor, pivots: Tensor) -> Tensor:
    return torch.linalg.lu_solve(factors, pivots, residual.unsqueeze(-1)).squeeze(-1)
