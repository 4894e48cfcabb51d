"""The method ``razumikhin``: what it certifies, what it must not, and simulations against what it proves."""

from __future__ import annotations

import numpy as np
import pytest
from example_systems import hutchinson, kolmanovskii_richard, pendulum

from certdde.certificates.razumikhin import ENTRY
from certdde.delays.classes import Constant, Measurable
from certdde.errors import ProblemError
from certdde.learning.certify import certify
from certdde.learning.razumikhin import covering_window, quadratic_certificate, rounded_down
from certdde.learning.task import Options, make_task
from certdde.studies.razumikhin_margin import razumikhin_margin
from certdde.systems.delay_system import DelaySystem
from certdde.systems.problem import Problem


def scalar(a: float, b: float) -> DelaySystem:
    return DelaySystem.from_equations([f"x' = -{a}*x + {b}*x(t - tau)"])


def mackey() -> DelaySystem:
    return DelaySystem.from_equations(
        ["x' = -2*x + x(t - tau)/(1 + x(t - tau)**2)"], domain={"x": (-2.0, 2.0)}
    )


def quadratic(system: DelaySystem, upper: float, budget: float = 60.0):
    task = make_task(
        system, Measurable("tau", 0.0, upper), Options("razumikhin", budget=budget), None, None
    )
    return quadratic_certificate(task)


@pytest.mark.parametrize("delay", [Constant("tau", 0.0, 1000.0), Measurable("tau", 0.5, 50.0)])
def test_delays_of_any_length(tmp_path, delay):
    certificate = certify(scalar(2.0, 1.9), delay, method="razumikhin")
    assert certificate.rigor == "rigorous"
    assert certificate.data["functional"]["form"] == "independent"
    assert certificate.claim.endswith("is globally asymptotically stable.")
    saved = certificate.save(tmp_path / "a.certdde")
    assert set(saved.entries) == {ENTRY}
    assert saved.check().valid


@pytest.mark.parametrize(
    ("system", "upper"),
    [
        (DelaySystem.from_equations(["x' = -x(t - tau)"]), 1.2),
        (kolmanovskii_richard(), 1.4),
        (DelaySystem.from_equations(["x' = -3*(x(t - tau) - 2)"], equilibrium={"x": 2.0}), 0.4),
    ],
)
def test_delays_up_to_a_length(system, upper):
    certificate = certify(system, Measurable("tau", 0.0, upper), method="razumikhin")
    assert certificate.rigor == "rigorous", certificate
    assert certificate.data["functional"]["form"] == "averaged"


def test_auto_uses_it_for_long_delays_that_vary():
    """No functional serves delays up to 1e6 at once; a function of the state does."""
    certificate = certify(scalar(1.0, 0.9), Measurable("tau", 0.0, 1e6), budget=60)
    assert certificate.rigor == "rigorous"


@pytest.mark.parametrize("upper", [1.5, 1.55])
def test_not_beyond_the_limit_of_the_class(upper):
    """At 3/2 the class of measurable delays is no longer stable (Myshkis), though every constant delay is."""
    system = DelaySystem.from_equations(["x' = -x(t - tau)"])
    for delay in (Measurable("tau", 0.0, upper), Constant("tau", 0.0, upper)):
        certificate = certify(system, delay, method="razumikhin", budget=10)
        assert certificate.status == "unknown"


@pytest.mark.parametrize(
    ("equation", "domain", "upper"),
    [
        ("x' = x(t - tau)**3", (-1.0, 1.0), 0.1),
        ("x' = -x(t - tau) + x**3", (-1.5, 1.5), 0.2),
        ("x' = -x + x(t - tau) + 0*x**3", (-1.0, 1.0), 0.2),
        ("x' = -(1 + x)*x(t - tau)", (-0.5, 1.0), 1.5),
        ("x' = -2*sin(x) + 2*sin(x(t - tau))", (-1.0, 1.0), 0.1),
    ],
)
def test_false_claims_about_nonlinear_equations(equation, domain, upper):
    system = DelaySystem.from_equations([equation], domain={"x": domain})
    delay = Measurable("tau", 0.0, upper)
    certificate = certify(system, delay, method="razumikhin", budget=1.5, steps=100)
    assert certificate.status in ("unknown", "refuted")


def test_regions(tmp_path, short):
    """Hutchinson's equation needs the delay-dependent form; a bounded feedback does not."""
    assert short.data["functional"]["form"] == "dependent"
    assert set(short.data["region"]["radius"]) == {"rho", "rho_rate", "rates"}
    assert short.save(tmp_path / "a.certdde").check().valid
    long = quadratic(mackey(), 100.0)
    assert long.data["functional"]["form"] == "independent"
    assert long.data["region"]["radius"]["rho"] > 1.9
    assert long.save(tmp_path / "b.certdde").check().valid


@pytest.mark.slow
def test_a_planar_nonlinear_system(tmp_path):
    found = quadratic(pendulum(), 0.1)
    assert found is not None
    assert found.save(tmp_path / "a.certdde").check().valid


def march(
    rate, delays: np.ndarray, start: float, h: float, step: float, greedy: bool
) -> np.ndarray:
    """Euler's method for x' = rate(x, x(t - tau(t))) from a constant history, all values."""
    past = round(h / step)
    path = np.full(past + len(delays) + 1, start)
    for k, tau in enumerate(delays, past):
        window = path[k - past : k + 1]
        changes = rate(path[k], window)
        pick = past - round(tau / step)
        if greedy:  # the delay that drives x farthest out
            pick = int(np.argmax(changes * np.sign(path[k])))
        path[k + 1] = path[k] + step * changes[pick]
    return path


@pytest.fixture(scope="module")
def short():
    return quadratic(hutchinson(), 0.35)


@pytest.mark.parametrize("start", [-0.499, 0.499])
@pytest.mark.parametrize("greedy", [False, True])
def test_simulated_solutions_stay_in_the_region(short, start, greedy):
    assert short.data["region"]["radius"]["rho"] > 0.499
    rng, step = np.random.default_rng(0), 0.005
    for block in (1, 20, 100):
        delays = np.repeat(rng.choice([0.0, 0.35], 6000 // block), block)
        path = march(lambda x, y: -(1 + x) * y, delays, start, 0.35, step, greedy)
        assert np.abs(path).max() <= abs(start) + 1e-12
        assert np.abs(path[-200:]).max() < 1e-2


@pytest.mark.parametrize("greedy", [False, True])
def test_simulated_solutions_of_a_linear_equation_decay(greedy):
    rng, step = np.random.default_rng(1), 0.005
    delays = np.repeat(rng.uniform(0, 1.2, 400), 40)
    path = march(lambda _, y: -y, delays, 1.0, 1.2, step, greedy)
    assert np.abs(path[-500:]).max() < 0.05


def test_margins():
    anything = razumikhin_margin(
        scalar(2.0, -1.9), Constant("tau", 0.0, 1.0), 0.0, 1e4, deadline=float("inf")
    )
    assert anything == 1e4


@pytest.mark.slow
def test_the_margin_of_the_scalar_equation():
    """Beyond the classical bound 1; the differences from the past give (1 + sqrt 7)/3 and no more."""
    system, delay = DelaySystem.from_equations(["x' = -x(t - tau)"]), Measurable("tau", 0.0, 1.0)
    found = razumikhin_margin(system, delay, 0.0, 3.0, deadline=float("inf"))
    assert 1.21 < found < (1 + 7**0.5) / 3


def test_roundings():
    assert covering_window(0.3) > 0.3  # as a binary64 it is below the decimal
    assert covering_window(0.5) == 0.5
    assert rounded_down(0.123456) == 0.1234
    assert rounded_down(98765.0) == 98760.0


def test_what_it_does_not_take():
    two = DelaySystem.from_equations(["x' = -x(t - tau) - x(t - 2*tau)"])
    with pytest.raises(ProblemError, match="one delay"):
        certify(two, Constant("tau", 0.0, 0.1), method="razumikhin")
    data = {
        "system": {"equations": ["x' = -x(t - tau)"]},
        "delays": {"tau": {"class": "measurable", "range": [0, 0.5]}},
        "certify": {"method": "razumikin"},
    }
    with pytest.raises(ProblemError, match="razumikhin"):
        Problem.from_dict(data)


@pytest.mark.slow
def test_a_neural_function_has_the_larger_region():
    delay = Measurable("tau", 0.0, 0.3)
    certificate = certify(hutchinson(), delay, method="razumikhin", seed=0, budget=240)
    assert certificate.rigor == "rigorous"
    assert certificate.data["functional"]["kind"] == "neural"
    assert certificate.data["region"]["area"]["ratio"] > 0.75
