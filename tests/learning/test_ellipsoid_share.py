"""The share of a region that points of the domain miss."""

import math

import pytest
import torch

from certdde.functionals import Functional
from certdde.learning.ellipsoid_share import ellipsoid_share
from certdde.learning.region import grid_points, inside
from certdde.systems import DelaySystem


def system(n):
    names = [f"x{i}" for i in range(n)]
    domain = dict.fromkeys(names, (-1.0, 1.0))
    return DelaySystem.from_equations(
        [f"{name}' = -{name}(t - tau)" for name in names], domain=domain
    )


def functional(n, order, seed):
    generator = torch.Generator().manual_seed(seed)

    def form(size):
        root = torch.randn(size, size, generator=generator, dtype=torch.float64)
        return root @ root.T / size + 2 * torch.eye(size, dtype=torch.float64)

    return Functional(order, form(n * (order + 1)), form(n), form(n))


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("n", [2, 4])
def test_the_share_is_that_of_a_fine_grid(n, order):
    pieces = [(functional(n, order, 1), (0.3, 0.1), 0.9), (functional(n, order, 2), (0.2,), 0.8)]
    points = grid_points(system(n), {2: 400, 4: 24}[n])
    wanted = float(inside(pieces, points).double().mean())
    assert wanted > 0.01
    assert ellipsoid_share(system(n), pieces) == pytest.approx(wanted, rel=0.03)


def test_a_thin_ellipsoid_in_six_dimensions_has_the_volume_of_the_formula():
    axes = torch.tensor([0.01, 0.02, 0.5, 0.03, 0.9, 0.04], dtype=torch.float64)
    none = torch.zeros(6, 6, dtype=torch.float64)
    thin = Functional(0, torch.diag(axes**-2), none, none)
    volume = math.pi**3 / 6 * float(axes.prod())
    assert ellipsoid_share(system(6), [(thin, (0.0,), 1.0)]) == pytest.approx(volume / 2**6)


def test_what_reaches_beyond_the_domain_does_not_count():
    wide = Functional(
        0, torch.eye(2).double() / 100, torch.zeros(2, 2).double(), torch.zeros(2, 2).double()
    )
    assert ellipsoid_share(system(2), [(wide, (0.0,), 1.0)]) == pytest.approx(1.0, rel=0.1)
