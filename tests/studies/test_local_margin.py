"""The linearisation beside a margin: closed forms, kinks, and classes without constant delays."""

from math import acos, pi, sqrt

import numpy as np
import pytest

from certdde import Constant, DelaySystem, Measurable, Sampled
from certdde.studies.beside_margin import beside_margin
from certdde.studies.local_margin import (
    CROSSING,
    EVERY,
    FAR,
    KINK,
    UNSTABLE,
    linearised,
    local_margin,
    smooth_at_rest,
)
from certdde.systems.feedforward import Feedforward, Step

TAU = Constant("tau", 0.0, 1.0)


def system(equation, **options):
    return DelaySystem.from_equations([equation], domain={"x": [-0.5, 0.5]}, **options)


def controller(activation, gain=-1.0):
    """gain * activation(x): 0 at 0."""
    steps = [Step("affine", (0,), np.array([[1.0]]), np.zeros(1)), Step(activation, (1,))]
    steps.append(Step("affine", (2,), np.array([[gain]]), np.zeros(1)))
    return Feedforward(1, tuple(steps))


@pytest.mark.parametrize("k", [1.0, 2.0])
def test_the_scalar_loop_crosses_at_a_quarter_turn(k):
    """x' = -k x(t - tau): a root is at i k where k tau = pi / 2."""
    loop = system("x' = u(x(t - tau))", networks={"u": controller("tanh", -k)})
    for delay in (TAU, Measurable("tau", 0.0, 1.0)):
        found = local_margin(loop, delay, 0.0, 1.0)
        assert found.kind == CROSSING
        assert found.delay == pytest.approx(pi / 2 / k, rel=1e-9)
        assert found.frequency == pytest.approx(k, rel=1e-9)
        assert found.delay < found.unstable < 1.01 * found.delay


def test_with_friction():
    """x' = -x - 2 x(t - tau): w = sqrt(3), and cos(w tau) = -1/2."""
    found = local_margin(system("x' = -x - 2*sin(x(t - tau))"), TAU, 0.0, 1.0)
    assert found.delay == pytest.approx(acos(-0.5) / sqrt(3), rel=1e-9)


@pytest.mark.parametrize(
    ("equation", "kind"),
    [
        ("x' = -2*x - sin(x(t - tau))", EVERY),
        ("x' = sin(x(t - tau))", UNSTABLE),
        ("x' = -x + relu(x(t - tau))", KINK),
    ],
)
def test_other_answers(equation, kind):
    found = local_margin(system(equation), TAU, 0.0, 1.0)
    assert found.kind == kind
    assert found.delay is None
    assert (found.unstable == 0.0) == (kind == UNSTABLE)


def test_a_later_start_that_is_unstable():
    assert local_margin(system("x' = -sin(x(t - tau))"), TAU, 2.0, 3.0).kind == UNSTABLE


def test_steps_of_sample_and_hold():
    """x' = -x(t_k): x(t_k + h) = (1 - h) x(t_k), stable below 2. Of x' = -x - x(t_k)/2: for every step."""
    delay = Sampled("tau", 0.0, 1.0)
    found = local_margin(system("x' = -sin(x(t - tau))"), delay, 0.0, 1.0)
    assert found.delay == pytest.approx(2.0, rel=1e-9)
    assert found.unstable > 2.0
    assert local_margin(system("x' = -x - sin(x(t - tau))/2"), delay, 0.0, 1.0).kind == FAR


def test_kinks():
    assert not smooth_at_rest(system("x' = -x + relu(x(t - tau))"))
    assert smooth_at_rest(system("x' = -x + relu(x(t - tau) + 0.1) - 0.1"))
    kinked = system("x' = -x + u(x(t - tau))", networks={"u": controller("relu")})
    assert linearised(kinked) is None
    assert linearised(system("x' = -x + sin(x(t - tau))")) is not None


def test_no_constant_delay_to_look_at():
    several = DelaySystem.from_equations(["x' = -x(t - tau) - x(t - 2*tau)"])
    scheme = DelaySystem.from_equations(["x[t+1] = 0.5*x[t] - 0.1*x[t-tau]"])
    family = system("x' = -a*x(t - tau)", parameters={"a": [0.9, 1.1]})
    for one in (several, scheme, family):
        assert beside_margin(one, TAU, 0.0, 1.0).shown() == {
            "local_margin": None,
            "local": None,
            "destabilising": None,
        }
