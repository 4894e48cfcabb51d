"""Distances between laws, from samples of both."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.errors import ProblemError


def energy_distance(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
    """Return 2 E|X - Y| - E|X - X'| - E|Y - Y'|, estimated without bias.

    The distance itself is >= 0, and 0 only for equal laws of finite mean; the estimate may be negative. It has
    gradients in both samples.

    Parameters
    ----------
    x, y : Tensor, (n, d), (m, d)
        Independent draws of each law, at least two.

    Raises
    ------
    ProblemError
        If a sample has fewer than two points.

    References
    ----------
    Szekely and Rizzo, Energy statistics: a class of statistics based on distances, JSPI 143 (2013), 1249-1272.
    """
    _checked(x, y)
    return 2 * _distances(x, y).mean() - _mean_of_pairs(x) - _mean_of_pairs(y)


def squared_mmd(
    x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], widths: Sequence[float] = (0.1, 0.3, 1.0)
) -> Float[Tensor, ""]:
    """Return E k(X, X') + E k(Y, Y') - 2 E k(X, Y), estimated without bias (U-statistics of both samples).

    The kernel is k(x, y) = mean over the widths w of exp(-|x - y|^2 / (2 w^2)). The estimate may be negative.

    Parameters
    ----------
    x, y : Tensor, (n, d), (m, d)
        Independent draws of each law, at least two.
    widths : sequence of float
        Of the Gaussians; > 0.

    Raises
    ------
    ProblemError
        If a sample has fewer than two points, or a width is not positive.

    References
    ----------
    Gretton et al., A kernel two-sample test, JMLR 13 (2012), 723-773, lemma 6.
    """
    _checked(x, y)
    if not widths or not all(0 < w < float("inf") for w in widths):
        raise ProblemError(f"the widths {list(widths)}", where="widths", wanted="numbers > 0")

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        squares = _distances(a, b).square()
        return torch.stack([torch.exp(squares / (-2 * w * w)) for w in widths]).mean(0)

    def own(a: Tensor) -> Tensor:
        return (kernel(a, a).sum() - len(a)) / (len(a) * (len(a) - 1))

    return own(x) + own(y) - 2 * kernel(x, y).mean()


def _mean_of_pairs(x: Tensor) -> Tensor:
    return _distances(x, x).sum() / (len(x) * (len(x) - 1))


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """Return |x_i - y_j|; by differences, so that a point is at 0 from itself, where the gradient is taken as 0."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def _checked(x: Tensor, y: Tensor) -> None:
    if min(len(x), len(y)) < 2:
        raise ProblemError(
            f"samples of {len(x)} and {len(y)} points", where="samples", wanted="two points or more"
        )
