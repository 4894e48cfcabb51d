"""Legendre moments of a piece of trajectory, from its values at Gauss points."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def gauss_points(count: int, dtype: torch.dtype = torch.float64) -> Float[Tensor, " points"]:
    """Return the Gauss-Legendre points of [0, 1], increasing."""
    nodes, _ = np.polynomial.legendre.leggauss(count)
    return torch.as_tensor((nodes + 1) / 2, dtype=torch.float64).to(dtype)


def moment_matrix(
    order: int, count: int, dtype: torch.dtype = torch.float64
) -> Float[Tensor, "moments points"]:
    """Return M with Omega_k = sum_i M[k, i] phi(u_i), k < order, u_i the Gauss points of [0, 1].

    Omega_k = int_0^1 L_k(u) phi(u) du with the shifted Legendre polynomials, L_k(1) = 1 (docs/math.md, section 2).
    Exact for polynomials phi of degree below 2 count - order + 1.
    """
    nodes, weights = np.polynomial.legendre.leggauss(count)
    rows = np.polynomial.legendre.legvander(nodes, order - 1).T if order else np.zeros((0, count))
    return torch.as_tensor(rows * weights / 2, dtype=torch.float64).to(dtype)
