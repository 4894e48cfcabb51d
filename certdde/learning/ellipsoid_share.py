"""The share of a domain of many states that is certified: counted in an ellipsoid, not in the domain."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.quasirandom import SobolEngine

from certdde.functionals import Functional
from certdde.functionals.polynomial import PolynomialFunctional
from certdde.learning.region import inside
from certdde.systems.delay_system import DelaySystem

POINTS = 4096

Piece = tuple[Functional | PolynomialFunctional, Sequence[float], float]


def ellipsoid_share(system: DelaySystem, pieces: Sequence[Piece]) -> float | None:
    """Return the share of the domain's constant histories with V <= level for all pieces and delays.

    In many dimensions the region is a small part of the domain, which points of the domain miss. Where a piece is
    quadratic the region lies in the ellipsoid V <= level of its first delay: points are drawn there, and its volume is
    exact. None where no piece is quadratic. Float64; a Sobol sequence, not part of the claim.
    """
    found = [p for p in pieces if isinstance(p[0], Functional) and not (p[0].V0 or p[0].W)]
    if not found:
        return None
    functional, windows, level = found[0]
    form = _form(functional, windows[0], system.dimension)
    root, failed = torch.linalg.cholesky_ex(form)
    if bool(failed) or not level > 0:
        return 0.0
    n = system.dimension
    points = _ball(n) * math.sqrt(level)
    points = torch.linalg.solve_triangular(root.T, points.T, upper=True).T
    ends = [(float(lo), float(hi)) for lo, hi in system.domain or ()]
    low, high = (torch.tensor(e, dtype=torch.float64) for e in zip(*ends, strict=True))
    kept = inside(pieces, points) & ((points >= low) & (points <= high)).all(-1)
    unit = math.pi ** (n / 2) / math.gamma(n / 2 + 1)
    volume = unit * math.sqrt(level) ** n / float(root.diagonal().prod())
    return float(kept.double().mean()) * volume / float((high - low).prod())


def _form(functional: Functional, delay: float, n: int) -> torch.Tensor:
    """Return K with V = x^T K x on constant histories."""
    eye = torch.eye(n, dtype=torch.float64)
    pairs = (eye[:, None] + eye[None]).reshape(-1, n)
    alone = functional.on_constant_histories(eye, delay)
    both = functional.on_constant_histories(pairs, delay).reshape(n, n)
    return (both - alone[:, None] - alone[None]) / 2


def _ball(n: int) -> torch.Tensor:
    """Return points of the unit ball, evenly spread, (k, n)."""
    unit = SobolEngine(n + 1, scramble=True, seed=0).draw(POINTS, dtype=torch.float64)
    unit = unit.clamp(1e-9, 1 - 1e-9)
    normal = torch.special.ndtri(unit[:, :n])
    return normal / normal.norm(dim=-1, keepdim=True) * unit[:, n:] ** (1 / n)
