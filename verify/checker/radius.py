"""The radius: V <= c for every history within rho with rates within rho' (spec 4)."""

from fractions import Fraction

import numpy as np

from . import slopes
from .document import Box
from .exact import Matrix
from .forest import outward
from .moments import MOMENTS
from .network import Network
from .refusal import require


def squared(network: Network | None, rho: Fraction, n: int) -> Fraction:
    """A bound of |p|^2 over the cube: |p_k| <= sum_j |Psi_kj| rho for p = Psi u.

    Moments are within rho too: int |L_k| <= 1 (Cauchy and Schwarz, int L_k^2 = 1/(2k+1)).
    """
    if network is None:
        return Fraction(0)
    lo, hi = outward(((-rho, rho),) * (n * (1 + MOMENTS)), "region.radius")
    x = slopes.variables(lo[:, None], hi[:, None])
    psi, _ = network.slopes(slopes.stack([x[i] for i in network.inputs]))
    sizes = [
        np.broadcast_to(c.mag, (network.outputs, 1)).ravel() for c in psi.cols if c is not None
    ]
    finite = all(np.isfinite(column).all() for column in sizes)
    require(finite, "region.radius", "has a network without finite slopes")
    rows = zip(*(column.tolist() for column in sizes), strict=True)
    return sum(((sum(map(Fraction, row), Fraction(0)) * rho) ** 2 for row in rows), Fraction(0))


def check_radius(
    radius: tuple[Fraction, Fraction],
    level: Fraction,
    matrices: tuple[Matrix, Matrix, Matrix],
    networks: tuple[Network | None, Network | None],
    end: Fraction,
    where: str,
) -> None:
    """Lemma: |tau Omega_k| <= T rho, int (s - t + tau) ds <= T^2/2, so V is at most this sum."""
    (rho, rate), (p, s, r) = radius, matrices
    n = len(s)
    m = [rho] * n + [end * rho] * (len(p) - n)
    total = sum(
        (abs(a) * u * v for row, u in zip(p, m, strict=True) for a, v in zip(row, m, strict=True)),
        Fraction(0),
    )
    present, window = (squared(network, rho, n) for network in networks)
    total += present + end * (rho**2 * _sum(s) + window) + end**2 / 2 * rate**2 * _sum(r)
    require(total <= level, where, "does not follow: V may exceed the level")


def check_inside(radius: tuple[Fraction, Fraction], domain: Box) -> None:
    """The cube of the radius lies in the domain."""
    inside = all(lo <= -radius[0] and radius[0] <= hi for lo, hi in domain)
    require(inside, "region.radius", "reaches outside the domain")


def _sum(matrix: Matrix) -> Fraction:
    return sum((abs(item) for row in matrix for item in row), Fraction(0))
