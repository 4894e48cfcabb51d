import numpy as np
import pytest
import scipy.linalg
from scalar_plants import largest_delay, scalar_plant

from certdde.delays.classes import Constant
from certdde.learning.synthesis.gains import Loop
from certdde.systems.controller_problem import ControllerProblem

PENDULUM = {
    "equations": [
        "theta' = omega",
        "omega' = 9.81*sin(theta) - 0.1*omega + u(theta(t - tau), omega(t - tau))",
    ],
    "domain": {"theta": [-0.8, 0.8], "omega": [-2.5, 2.5]},
}


def pendulum(low, high, **learn):
    learn = {"task": "controller", **learn}
    content = {"system": PENDULUM, "delays": {"tau": {"range": [low, high]}}, "learn": learn}
    return ControllerProblem.model_validate(content)


def test_the_loop_is_the_linearised_plant():
    loop = Loop.of(pendulum(0.2, 0.2), Constant("tau", 0.2, 0.2))
    np.testing.assert_allclose(loop.present, [[0, 1], [9.81, -0.1]])
    assert not loop.delayed.any()
    assert not loop.present_gain.any()
    np.testing.assert_allclose(loop.delayed_gain[0, 0], [[0, 0], [1, 0]])
    np.testing.assert_allclose(loop.delayed_gain[0, 1], [[0, 0], [0, 1]])
    np.testing.assert_allclose(loop.widths, [0.8, 2.5])


@pytest.mark.parametrize("gain", [1.2, 2.0])
def test_the_abscissa_changes_sign_where_the_roots_cross(gain):
    limit = largest_delay(1.0, gain)
    loop = Loop.of(scalar_plant(), Constant("tau", 0.5, 0.5))
    gains = np.array([[-gain]])
    for share, stable in ((0.98, True), (1.02, False)):
        delay = share * limit
        assert (loop.at(Constant("tau", delay, delay)).abscissa(gains) < 0) is stable


def test_regulators_without_delay_solve_the_riccati_equation():
    loop = Loop.of(pendulum(0.2, 0.2), Constant("tau", 0.2, 0.2))
    found = list(loop.regulators(predictor=False))
    assert found
    a, b, q = (
        np.array([[0, 1], [9.81, -0.1]]),
        np.array([[0.0], [1.0]]),
        np.diag([0.8**-2, 2.5**-2]),
    )
    expected = [
        -b.T @ scipy.linalg.solve_continuous_are(a, b, q, [[price]]) / price
        for price in (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
    ]
    for gains, known in zip(found, expected, strict=True):
        np.testing.assert_allclose(gains, known, rtol=1e-6)
    ahead = scipy.linalg.expm(0.2 * a)
    for gains, known in zip(loop.regulators(predictor=True), expected, strict=True):
        np.testing.assert_allclose(gains, known @ ahead, rtol=1e-6)


def test_tuned_gains_are_no_worse_than_regulators_and_stabilise_for_the_whole_range():
    delay = Constant("tau", 0.1, 0.3)
    loop = Loop.of(pendulum(0.1, 0.3), delay)
    tuned = loop.start("tuned")
    assert loop.abscissa(tuned) <= min(loop.abscissa(loop.start(k)) for k in ("lqr", "predictor"))
    assert max(loop.delays) == 0.3
    for tau in np.linspace(0.1, 0.3, 21):
        assert loop.at(Constant("tau", tau, tau)).abscissa(tuned) < 0


def test_no_gains_stabilise_beyond_the_limit():
    for a, delay in ((1.0, 1.02), (2.0, 0.51)):
        loop = Loop.of(scalar_plant(delay, a), Constant("tau", delay, delay))
        assert loop.abscissa(loop.start("tuned")) > 0


def test_a_controller_that_reads_a_sum_gets_gains_too():
    problem = ControllerProblem.model_validate(
        {
            "system": {
                "equations": ["x' = y", "y' = x + 2*u(3*x(t - tau) + y(t - tau))"],
                "domain": {"x": [-1.0, 1.0], "y": [-1.0, 1.0]},
            },
            "delays": {"tau": {"range": [0.1, 0.1]}},
            "learn": {"task": "controller"},
        }
    )
    loop = Loop.of(problem, problem.delay())
    gains = loop.start("tuned")
    assert gains.shape == (1, 1)
    assert loop.abscissa(gains) < 0
