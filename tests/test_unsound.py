"""False claims that no method may ever certify."""

import pytest
from example_systems import (
    hutchinson,
    kolmanovskii_richard,
    logistic,
    pendulum,
    scalar,
    trap,
)

from certdde.delays.classes import Constant
from certdde.learning.certify import certify
from certdde.systems.delay_system import DelaySystem


def growing() -> DelaySystem:
    return DelaySystem.from_equations(["x' = x"])


def growing_cubic() -> DelaySystem:
    """Stable at 0, but the domain reaches past the unstable equilibria at +-1: no dissipation on it."""
    return DelaySystem.from_equations(["x' = -x(t - tau) + x**3"], domain={"x": [-1.5, 1.5]})


def marginal() -> DelaySystem:
    """Not asymptotically stable: every constant is an equilibrium."""
    return DelaySystem.from_equations(["x' = -x + x(t - tau)"])


def weakly_unstable() -> DelaySystem:
    """Linearisation zero, growth by the cubic term alone."""
    return DelaySystem.from_equations(["x' = x(t - tau)**3"], domain={"x": [-1.0, 1.0]})


QUICK = [
    (hutchinson, 0.0, 1.6, "lmi"),
    (hutchinson, 0.0, 1.6, "quadratic"),
    (hutchinson, 0.0, 1.6, "neural"),
    (kolmanovskii_richard, 0.0, 6.2, "lmi"),
    (growing, 0.0, 1.0, "lmi"),
    (growing, 0.5, 1.0, "auto"),
    (marginal, 0.0, 0.5, "lmi"),
    (scalar, 0.0, 1.571, "lmi"),
    (logistic, 0.0, 1.6, "quadratic"),
    (pendulum, 0.0, 0.6, "quadratic"),
    (weakly_unstable, 0.0, 0.1, "quadratic"),
    (growing_cubic, 0.0, 0.2, "quadratic"),
]


@pytest.mark.parametrize(("system", "lower", "upper", "method"), QUICK)
def test_a_false_claim_is_not_certified(system, lower, upper, method):
    certificate = certify(
        system(), Constant("tau", lower, upper), method=method, order=1, budget=20
    )
    assert certificate.status in ("unknown", "refuted")
    assert certificate.rigor != "rigorous"
    assert certificate.data["functional"] is None


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_the_trap_of_single_delays_is_not_certified_as_a_range(order):
    certificate = certify(trap(), Constant("tau", 0.0, 6.0), method="lmi", order=order, budget=40)
    assert certificate.status == "unknown"


@pytest.mark.slow
@pytest.mark.parametrize("order", [4, 5, 6, 8])
def test_the_trap_is_not_certified_at_high_order(order):
    certificate = certify(trap(), Constant("tau", 0.0, 6.0), method="lmi", order=order, budget=200)
    assert certificate.status == "unknown"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "upper"), [(weakly_unstable, 0.1), (growing_cubic, 0.2), (pendulum, 0.59)]
)
def test_the_neural_method_certifies_no_false_claim(system, upper):
    certificate = certify(
        system(), Constant("tau", 0.0, upper), method="neural", order=1, budget=90
    )
    assert certificate.status in ("unknown", "refuted")
