"""Points in the plane lie where they should, and follow the seed."""

import math

import pytest
import torch

from certdde.errors import ProblemError
from certdde.models.data.plane import CROSSING, PLANE, RADII, exchange, half_turn


def source(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", PLANE)
def test_the_same_seed_gives_the_same_points_and_another_others(name):
    one, two, other = (PLANE[name](50, source(seed)) for seed in (0, 0, 1))
    assert one.shape == (50, 2)
    assert one.dtype == torch.float64
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert PLANE[name](0, source()).shape == (0, 2)


def test_the_checkerboard_fills_its_squares_evenly():
    points = PLANE["checkerboard"](8000, source())
    column, row = (points + 2).floor().long().T
    assert bool(((column + row) % 2 == 0).all())
    counts = torch.bincount(4 * row + column, minlength=16)
    assert (counts > 0).sum() == 8
    # 1,000 in each; the deviation is sqrt(8000 * 7) / 8 = 29.6.
    assert (counts[counts > 0] - 1000).abs().max() < 5 * 29.6


def test_rings_without_noise_are_circles_with_a_third_each():
    radius = PLANE["rings"](3000, source(), noise=0.0).norm(dim=1)
    which = (radius.unsqueeze(1) - torch.tensor(RADII)).abs().argmin(1)
    assert torch.allclose(radius, torch.tensor(RADII, dtype=torch.float64)[which], rtol=1e-12)
    assert (torch.bincount(which) - 1000).abs().max() < 5 * math.sqrt(3000 * 2 / 9)


def test_moons_without_noise_are_two_half_circles():
    points = PLANE["moons"](3000, source(), noise=0.0)
    middle = torch.tensor([0.75, 0.375], dtype=torch.float64)
    upper = ((points + middle).norm(dim=1) - 1.5).abs() < 1e-9
    lower = ((points - middle).norm(dim=1) - 1.5).abs() < 1e-9
    assert bool((upper | lower).all())
    assert bool((points[upper, 1] >= -0.375 - 1e-9).all())
    assert bool((points[lower, 1] <= 0.375 + 1e-9).all())
    assert abs(int(upper.sum()) - 1500) < 5 * math.sqrt(3000 / 4)


def test_noise_has_the_deviation_that_is_asked_for():
    plain, noisy = (PLANE["rings"](4000, source(), noise=s) for s in (0.0, 0.1))
    # The angles and radii are drawn first, so that the difference is the noise alone.
    assert abs(float((noisy - plain).std()) - 0.1) < 5 * 0.1 / math.sqrt(2 * 8000)


def test_a_half_turn_is_minus_and_an_exchange_is_a_shift_to_the_other_cluster():
    start, end = half_turn(100, source())
    assert torch.equal(end, -start)
    start, end = exchange(1000, source(), spread=0.2)
    side = start[:, 0].sign()
    assert torch.equal(end[:, 0].sign(), -side)
    shift = start - end
    assert torch.allclose(shift[:, 0], 4 * side)
    assert torch.allclose(shift[:, 1], torch.zeros(1000, dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("call", [*PLANE.values(), *CROSSING.values()])
def test_a_negative_count_is_refused(call):
    with pytest.raises(ProblemError):
        call(-1, source())


@pytest.mark.parametrize("noise", [-0.1, math.nan, math.inf])
def test_a_noise_that_is_none_is_refused(noise):
    for name in ("moons", "rings"):
        with pytest.raises(ProblemError):
            PLANE[name](5, source(), noise)
    with pytest.raises(ProblemError):
        exchange(5, source(), noise)
