"""A sharper bound of v^T H v over boxes, by multipliers (docs/math.md, section 3: D on a box).

Float64, not rounded outward.
"""

from __future__ import annotations

import torch

from certdde.verify.bound_propagation.taylor import Taylor, remainder_bound

ROUNDS = 4


def at_the_centre(value: Taylor, forms: torch.Tensor) -> torch.Tensor:
    """Return m^T H m and all that the remainders add to the bound, (E, B): below it no bound of this kind goes."""
    m, L, rho = value.centred()
    transformed = m @ forms
    reach = transformed.abs()
    for k in range(len(L)):
        reach = reach + (L[k] @ forms).abs() * value.r[k].unsqueeze(-1)
    return (transformed * m).sum(-1) + remainder_bound(reach, rho, forms)


def multiplier_bound(value: Taylor, forms: torch.Tensor) -> torch.Tensor:
    """Bound v^T H v over each box from above, for several H.

    With v = m + L t + e, |t_k| <= r_k, the terms in t are g^T t + t^T M t. For any multipliers
    lambda_k >= 0 with diag(lambda) - M positive definite their maximum over the box is at most
    that of g^T t + t^T M t + sum_k lambda_k (r_k^2 - t_k^2) over all t. The multipliers are those
    of a few rounds of a fixed-point iteration.

    Parameters
    ----------
    value : Taylor
        v with m components on B boxes.
    forms : (E, m, m) Tensor
        Symmetric matrices.

    Returns
    -------
    (E, B) Tensor
        Float64 upper bounds; inf where no multipliers were found.
    """
    return at_the_centre(value, forms) + largest_rise(value, forms)


def largest_rise(value: Taylor, forms: torch.Tensor) -> torch.Tensor:
    """Bound the terms in t alone, (E, B): what :func:`multiplier_bound` adds to :func:`at_the_centre`."""
    m, L, _ = value.centred()
    scaled = L * value.r.unsqueeze(-1)
    images = torch.einsum("dbi,eij->ebdj", scaled, forms)
    g = 2 * torch.einsum("ebdj,bj->ebd", images, m)
    M = torch.einsum("ebdj,cbj->ebdc", images, scaled)
    return _largest(g, M)


def _largest(g: torch.Tensor, M: torch.Tensor) -> torch.Tensor:
    """Bound g^T u + u^T M u over |u_k| <= 1."""
    diagonal = M.diagonal(dim1=-2, dim2=-1)
    across = M.abs().sum(-1) - diagonal.abs()
    multipliers = (diagonal + across).clamp(min=0) + g.abs() / 2 + 1e-9 * (1 + across)
    best = torch.full_like(g[..., 0], torch.inf)
    for _ in range(ROUNDS):
        lower, failed = torch.linalg.cholesky_ex(torch.diag_embed(multipliers) - M)
        u = torch.cholesky_solve(g.unsqueeze(-1), lower)[..., 0] / 2
        bound = (g * u).sum(-1) / 2 + multipliers.sum(-1)
        fine = (failed == 0) & torch.isfinite(bound)
        best = torch.where(fine & (bound < best), bound, best)
        step = torch.where(fine.unsqueeze(-1), u.abs().clamp(0.2, 3.0), 2.0)
        multipliers = multipliers * step
    return best
