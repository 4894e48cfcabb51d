"""Delays found to destabilise: where the basin of attraction ends, and only there."""

import pytest

from certdde import Constant, DelaySystem, Sampled
from certdde.learning.domain_box import Box
from certdde.studies.beside_margin import beside_margin
from certdde.studies.destabilising import (
    DIVERGES,
    SPECTRUM,
    STAYS,
    Destabilising,
    Hunt,
    constant_histories,
    destabilising,
)
from certdde.studies.local_margin import UNSTABLE, LocalMargin, local_margin

TAU = Constant("tau", 0.0, 1.0)


def hunted(system, delay=TAU, start=0.0, stop=1.0):
    local = local_margin(system, delay, start, stop)
    return Hunt(system, delay, local, start, stop).run()


def cubic(size):
    """x' = -x + x**3: without delay every |x| < 1 converges, and no |x| >= 1."""
    return DelaySystem.from_equations(["x' = -x(t - tau) + x**3"], domain={"x": [-size, size]})


def test_nothing_is_found_inside_the_basin():
    assert hunted(cubic(0.5), stop=0.3) is None


def test_a_domain_larger_than_the_basin_is_found_without_delay():
    found = hunted(cubic(1.2))
    assert (found.delay, found.how) == (0.0, DIVERGES)
    assert abs(found.history["x"]) >= 1.0


def test_a_second_equilibrium():
    """x' = -x + 2 x^2 / (1 + x^2)... has 1 as a second equilibrium: from there nothing converges to 0."""
    bump = DelaySystem.from_equations(
        ["x' = -x(t - tau) + 2*x**2/(1 + x**2)"], domain={"x": [-1.5, 1.5]}
    )
    found = hunted(bump)
    assert (found.delay, found.how) == (0.0, STAYS)
    assert found.history["x"] >= 1.0


def test_a_gain_that_grows_with_the_state():
    """x' = -y - 4 y**3, y = x(t - tau), |x| <= 1, where 5 bounds the slope between 0 and y.

    Below 5 tau = 3/2 every solution converges (Yorke's theorem). From x = 1 it is at 1 - 5 tau after the first delay:
    for tau = 1/2 outside, at -3/2, on its way to larger and larger swings. The linearisation is stable up to pi / 2.
    """
    hard = DelaySystem.from_equations(
        ["x' = -x(t - tau) - 4*x(t - tau)**3"], domain={"x": [-1.0, 1.0]}
    )
    found = hunted(hard)
    assert found.how == DIVERGES
    assert 0.3 <= found.delay <= 0.5
    assert hunted(hard, stop=0.29) is None


def test_sample_and_hold():
    found = hunted(cubic(1.2), Sampled("tau", 0.0, 1.0))
    assert found.how == DIVERGES
    assert 0 < found.delay <= 1.0


def test_linear_systems_are_left_to_the_spectrum():
    linear = DelaySystem.from_equations(["x' = -x(t - tau)"])
    found = beside_margin(linear, TAU, 0.0, 3.0).destabilising
    assert found.how == SPECTRUM
    assert found.delay == pytest.approx(1.5708, rel=1e-3)


def test_the_smaller_one_is_kept():
    local, simulated = LocalMargin(UNSTABLE, unstable=0.3), Destabilising(0.2, STAYS, {"x": 1.0})
    assert destabilising(local, simulated) == simulated
    assert destabilising(local, None) == Destabilising(0.3, SPECTRUM)
    assert destabilising(None, None) is None


def test_histories_lie_in_the_domain_with_its_corners():
    system = DelaySystem.from_equations(
        ["x' = y", "y' = -sin(x(t - tau)) - y"], domain={"x": [-1, 2], "y": [-3, 4]}
    )
    box = Box.of(system.domain, 2)
    points = constant_histories(box, 0)
    assert (box.excursion(points) < 0).all()
    assert (box.excursion(points) > -0.01).sum() >= 30  # corners and faces


def test_ctrl_c_keeps_what_was_found():
    system = cubic(1.2)

    def press(phase, info):
        if info["delay"] == 0.0:
            raise KeyboardInterrupt

    found = beside_margin(system, TAU, 0.0, 1.0, progress=press)
    assert not found.complete
    assert found.simulated.delay == 1.0
