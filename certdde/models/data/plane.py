"""Distributions in the plane that are hard to generate, and maps of the plane whose lines cross."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.data.task import uniform

RADII = (0.7, 1.4, 2.1)
"""Of the rings."""
SQUARES = 4
"""Of the checkerboard, in each direction; each has the side 1."""


def moons(count: int, generator: torch.Generator, noise: float = 0.08) -> Float[Tensor, "count 2"]:
    """Draw from two half circles of radius 3/2 that reach into each other.

    The upper one is around (-3/4, -3/8), the lower one around (3/4, 3/8); each has half of the mass.

    Parameters
    ----------
    count : int
    generator : torch.Generator
    noise : float
        Standard deviation of the Gaussian noise that is added in each direction.

    Raises
    ------
    ProblemError
        If the count is negative, or the noise negative or not finite.
    """
    _checked(count, noise)
    angle = uniform((count,), 0.0, math.pi, generator)
    side = 2.0 * torch.randint(2, (count,), generator=generator) - 1
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    middle = circle.new_tensor([-0.75, -0.375])
    return side.unsqueeze(1) * (1.5 * circle + middle) + noise * _normal(count, generator)


def rings(count: int, generator: torch.Generator, noise: float = 0.05) -> Float[Tensor, "count 2"]:
    """Draw from three circles around 0 of the radii .7, 1.4, 2.1, each with a third of the mass.

    Parameters
    ----------
    count : int
    generator : torch.Generator
    noise : float
        Standard deviation of the Gaussian noise that is added in each direction.

    Raises
    ------
    ProblemError
        If the count is negative, or the noise negative or not finite.
    """
    _checked(count, noise)
    angle = uniform((count,), 0.0, 2 * math.pi, generator)
    which = torch.randint(len(RADII), (count,), generator=generator)
    radius = torch.tensor(RADII, dtype=torch.float64)[which]
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    return radius.unsqueeze(1) * circle + noise * _normal(count, generator)


def checkerboard(count: int, generator: torch.Generator) -> Float[Tensor, "count 2"]:
    """Draw uniformly from eight of the 16 unit squares of [-2, 2]^2: those of even row + column.

    Raises
    ------
    ProblemError
        If the count is negative.
    """
    _checked(count, 0.0)
    row = torch.randint(SQUARES, (count,), generator=generator)
    half = torch.randint(SQUARES // 2, (count,), generator=generator)
    corner = torch.stack([2 * half + row % 2, row], dim=1)
    return corner + uniform((count, 2), 0.0, 1.0, generator) - SQUARES / 2


def half_turn(
    count: int, generator: torch.Generator
) -> tuple[Float[Tensor, "count 2"], Float[Tensor, "count 2"]]:
    """Draw x from the standard normal law and return x and -x: at half time all lines between them are at 0.

    Raises
    ------
    ProblemError
        If the count is negative.
    """
    _checked(count, 0.0)
    start = _normal(count, generator)
    return start, -start


def exchange(
    count: int, generator: torch.Generator, spread: float = 0.4
) -> tuple[Float[Tensor, "count 2"], Float[Tensor, "count 2"]]:
    """Draw from two clusters around (-2, 0) and (2, 0), and return the points and their places in the other cluster.

    Parameters
    ----------
    count : int
    generator : torch.Generator
    spread : float
        Standard deviation of a cluster in each direction.

    Raises
    ------
    ProblemError
        If the count is negative, or the spread negative or not finite.
    """
    _checked(count, spread)
    side = 2.0 * torch.randint(2, (count, 1), generator=generator).double() - 1
    middle = side * side.new_tensor([2.0, 0.0])
    around = spread * _normal(count, generator)
    return around + middle, around - middle


def _normal(count: int, generator: torch.Generator) -> Tensor:
    return torch.randn(count, 2, generator=generator, dtype=torch.float64)


def _checked(count: int, noise: float) -> None:
    if count < 0:
        raise ProblemError(f"{count} points", where="count", wanted="a number >= 0")
    if not 0 <= noise < math.inf:
        raise ProblemError(f"the deviation {noise}", where="noise", wanted="a finite number >= 0")


PLANE: Mapping[str, Callable[..., Tensor]] = MappingProxyType(
    {"moons": moons, "rings": rings, "checkerboard": checkerboard}
)
"""Each distribution's sampler by its name; the arguments are the count and the generator."""

CROSSING: Mapping[str, Callable[..., tuple[Tensor, Tensor]]] = MappingProxyType(
    {"half_turn": half_turn, "exchange": exchange}
)
"""Each map's sampler of points and their images by its name; the arguments are the count and the generator."""
