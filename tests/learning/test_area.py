"""How much of a domain is certified, and how much simulation keeps."""

import pytest
import torch

from certdde.learning.area import POINTS, domain_points, stays_and_converges
from certdde.systems import DelaySystem


@pytest.mark.parametrize(("n", "count"), [(1, 400), (2, 3600), (3, 2197), (4, POINTS), (6, POINTS)])
def test_points_fill_the_domain_and_stay_few(n, count):
    names = [f"x{i}" for i in range(n)]
    domain = {name: (-1.0 - i, 2.0) for i, name in enumerate(names)}
    system = DelaySystem.from_equations([f"{name}' = -{name}" for name in names], domain=domain)
    points = domain_points(system)
    assert points.shape == (count, n)
    for i in range(n):
        below = (points[:, i] < (1.0 - i) / 2).double().mean()
        assert float(below) == pytest.approx(0.5, abs=0.05)
        assert float(points[:, i].min()) >= -1.0 - i
        assert float(points[:, i].max()) <= 2.0


def test_a_slow_loop_is_given_the_time_that_it_takes():
    """The fast state sets the step; the slow one needs much longer than sixty of its times."""
    system = DelaySystem.from_equations(
        ["x' = -20*x + y(t - tau)", "y' = -0.4*y"], domain={"x": [-1.0, 1.0], "y": [-1.0, 1.0]}
    )
    points = torch.tensor([[0.5, 0.5], [-0.9, 0.9]], dtype=torch.float64)
    assert bool(stays_and_converges(system, points, 0.01).all())


def test_what_leaves_or_does_not_converge_is_not_kept():
    leaving = DelaySystem.from_equations(["x' = x**3 - x(t - tau)"], domain={"x": [-2.0, 2.0]})
    points = torch.tensor([[0.1], [1.5]], dtype=torch.float64)
    assert stays_and_converges(leaving, points, 0.1).tolist() == [True, False]
    resting = DelaySystem.from_equations(["x' = 0*x(t - tau)"], domain={"x": [-2.0, 2.0]})
    assert not bool(stays_and_converges(resting, points, 0.1).any())
