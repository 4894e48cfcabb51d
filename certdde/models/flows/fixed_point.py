"""The inverse of x + h(x) for a contraction h."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Map = Callable[[Tensor], Tensor]


def solve_fixed_point(
    image: Float[Tensor, "*batch n"],
    change: Map,
    bound: float,
    *,
    inside: Map | None = None,
    steps: int = 2000,
) -> Float[Tensor, "*batch n"]:
    """Return x with x + change(x) = image, where ``change`` has the Lipschitz constant ``bound`` < 1.

    Iterates x <- image - change(x) (Banach) until the error is of the size of the rounding, at most ``steps`` times.

    Parameters
    ----------
    image : Tensor
    change : callable
    bound : float
    inside : callable, optional
        The projection on a convex set that holds the solution; it does not expand, so that the iteration stays a
        contraction.
    steps : int
    """
    eps = torch.finfo(image.dtype).eps
    x = image if inside is None else inside(image)
    for _ in range(steps):
        following = image - change(x)
        following = following if inside is None else inside(following)
        step = (following - x).abs().max() if x.numel() else torch.zeros(())
        x = following
        size = x.abs().max() if x.numel() else torch.ones(())
        if not bool(step * bound / (1 - bound) > 2 * eps * size):
            break
    return x
