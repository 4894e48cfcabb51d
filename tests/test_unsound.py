"""False claims that no method may ever certify."""

import pytest
import torch
from example_systems import (
    hutchinson,
    kolmanovskii_richard,
    logistic,
    pendulum,
    scalar,
    trap,
)

from certdde.certificates.content import read_content
from certdde.delays.classes import AnyDelay, Constant, Measurable, Resampled, Sampled, Several, Slow
from certdde.learning.certify import certify
from certdde.learning.krasovskii import by_functional
from certdde.learning.methods import METHODS, Method, attempt
from certdde.learning.task import Options, Task, make_task
from certdde.systems.delay_system import DelaySystem


def growing() -> DelaySystem:
    return DelaySystem.from_equations(["x' = x"])


def growing_cubic() -> DelaySystem:
    """Stable at 0, but the domain reaches past the unstable equilibria at +-1: a false claim for all of it."""
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
    (hutchinson, 1.5, 1.6, "sos"),
    (weakly_unstable, 0.0, 0.1, "sos"),
    (growing_cubic, 0.0, 0.2, "sos"),
]


@pytest.mark.parametrize(("system", "lower", "upper", "method"), QUICK)
def test_a_false_claim_is_not_certified(system, lower, upper, method):
    certificate = certify(
        system(), Constant("tau", lower, upper), method=method, order=1, budget=20
    )
    assert certificate.status in ("unknown", "refuted")
    assert certificate.rigor != "rigorous"
    assert certificate.data["functional"] is None


def test_the_level_set_ends_before_the_unstable_equilibria():
    """What is certified on a domain that holds them is a level set that does not: at +-1 V exceeds the level."""
    certificate = certify(growing_cubic(), Constant("tau", 0.0, 0.2), method="quadratic", order=1)
    assert certificate.rigor == "rigorous"
    [piece] = read_content(certificate).pieces
    rest = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    for delay in (0.0, 0.1, 0.2):
        assert (piece.functional.on_constant_histories(rest, delay) > piece.level).all()
    assert certificate.data["region"]["radius"]["rho"] < 1


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
@pytest.mark.parametrize(("system", "upper"), [(weakly_unstable, 0.1), (pendulum, 0.59)])
def test_the_neural_method_certifies_no_false_claim(system, upper):
    certificate = certify(
        system(), Constant("tau", 0.0, upper), method="neural", order=1, budget=90
    )
    assert certificate.status in ("unknown", "refuted")


# ---- every method, those to come included: each entry of METHODS meets every false claim that it takes


def equations(*texts: str, delays: tuple[str, ...] = ("tau",), **domain: tuple) -> DelaySystem:
    return DelaySystem.from_equations(texts, domain=domain or None, delays=delays)


def constant(lower: float, upper: float) -> Constant:
    return Constant("tau", lower, upper)


def any_rate(upper: float) -> Measurable:
    return Measurable("tau", 0.0, upper)


def slow(upper: float, rate: float = 0.1) -> Slow:
    """Constant delays belong to the class."""
    return Slow("tau", 0.0, upper, -rate, rate)


TWO = Several((Constant("tau", 0.0, 0.79), Constant("sigma", 0.0, 0.79)))  # pi/4 = 0.785 for both
FRICTION = ("x' = y", "y' = -2*x + 0.1*y + x(t - tau)")  # unstable below 0.1001683
FALSE: dict[str, tuple[DelaySystem, AnyDelay]] = {
    "growth": (growing(), constant(0.0, 1.0)),
    "growth, any rate": (growing(), any_rate(1.0)),
    "growth, slow": (growing(), slow(1.0)),
    "marginal": (marginal(), constant(0.0, 0.5)),
    "marginal, any rate": (marginal(), any_rate(0.5)),
    "marginal, slow": (marginal(), slow(0.5)),
    "SC": (scalar(), constant(0.0, 1.571)),
    "SC, beyond the first window": (scalar(), constant(1.6, 3.0)),
    "SC, any rate": (scalar(), any_rate(1.51)),
    "SC at 3/2": (scalar(), any_rate(1.5)),
    "SC, slow": (scalar(), slow(1.571)),
    "SC, faster": (equations("x' = -2*x(t - tau)"), any_rate(0.755)),
    "KR": (kolmanovskii_richard(), constant(0.0, 6.2)),
    "KR, slow": (kolmanovskii_richard(), slow(6.2)),
    "the trap of single delays": (trap(), constant(0.0, 6.0)),
    "the trap, just beyond": (trap(), constant(0.0, 3.2)),
    "the trap, any rate": (trap(), any_rate(6.0)),
    "the trap, slow": (trap(), slow(6.0)),
    "friction, unstable without delay": (equations(*FRICTION), constant(0.0, 1.0)),
    "two delays": (
        equations("x' = -x(t - tau) - x(t - sigma)", delays=("tau", "sigma")),
        TWO,
    ),
    "a multiple": (equations("x' = -x(t - 2*tau)"), constant(0.0, 0.79)),
    "the trap, with a multiple": (
        equations("x' = y", "y' = -x - y - y(t - 2*tau)"),
        constant(0.0, 3.0),
    ),
    "hutchinson": (hutchinson(), constant(0.0, 1.6)),
    "hutchinson, any rate": (hutchinson(), any_rate(1.51)),
    "logistic": (logistic(), constant(0.0, 1.6)),
    "pendulum": (pendulum(), constant(0.0, 0.6)),
    "pendulum, any rate": (pendulum(), any_rate(0.6)),
    "growth by a cube": (weakly_unstable(), constant(0.0, 0.1)),
    "growth by a cube, any rate": (weakly_unstable(), any_rate(0.1)),
    "two delays, nonlinear": (
        equations(
            "x' = -tanh(x(t - tau)) - tanh(x(t - sigma))", delays=("tau", "sigma"), x=(-0.1, 0.1)
        ),
        TWO,
    ),
    "two delays, a second equilibrium": (  # at x = 1
        equations("x' = -x(t - tau) + x(t - sigma)**2", delays=("tau", "sigma"), x=(-0.5, 1.5)),
        Several((Constant("tau", 0.0, 0.1), Constant("sigma", 0.0, 0.1))),
    ),
    "a multiple, nonlinear": (
        equations("x' = -tanh(x(t - 2*tau))", x=(-0.1, 0.1)),
        constant(0.0, 0.79),
    ),
    "four neurons": (  # stable below 1.798
        equations(
            *(
                f"{s}' = -{s} - 0.8*tanh({s}(t - tau)) + 0.4*tanh({a}(t - tau)) + 0.4*tanh({b}(t - tau))"
                for s, a, b in ("uzv", "vuw", "wvz", "zwu")
            ),
            **dict.fromkeys("uvwz", (-0.1, 0.1)),
        ),
        constant(0.0, 1.81),
    ),
    "hutchinson, slow": (hutchinson(), slow(1.6)),
    "pendulum, slow": (pendulum(), slow(0.6)),
    "growth by a cube, slow": (weakly_unstable(), slow(0.1)),
    "a second equilibrium, slow": (growing_cubic(), slow(0.2)),
    "tanh, slow": (
        equations("x' = -tanh(x(t - tau))", x=(-0.1, 0.1)),
        Slow("tau", 0.0, 1.571, None, 0.1),
    ),
    "SC at 2, held": (scalar(), Sampled("tau", 0.0, 2.0)),
    "SC beyond 2, held": (scalar(), Sampled("tau", 1.0, 2.0000001)),
    "growth, held": (growing(), Sampled("tau", 0.0, 0.001)),
    "marginal, held": (marginal(), Sampled("tau", 0.1, 0.5)),
    "a controller, held": (  # equal steps are unstable from 1.72941428 on
        equations("x' = y", "y' = -0.1*y - 0.375*x(t - tau) - 1.15*y(t - tau)"),
        Sampled("tau", 0.0, 1.7294143),
    ),
    "friction, held": (  # without delay it is unstable
        equations(*FRICTION),
        Sampled("tau", 0.0, 1.0),
    ),
    "hutchinson, held": (hutchinson(), Sampled("tau", 0.0, 2.1)),
    "scheme": (equations("x[t+1] = x[t] - 0.45*x[t-tau]"), constant(3, 3)),  # 2 cos(3 pi/7)
    "scheme, range": (equations("x[t+1] = x[t] - 0.62*x[t-tau]"), constant(0, 2)),
    "scheme, any sequence": (equations("x[t+1] = x[t] - 0.59*x[t-tau]"), any_rate(2)),
    "scheme, growth": (equations("x[t+1] = 1.01*x[t]"), any_rate(2)),
    "scheme, drawn": (  # .783323
        equations("x[t+1] = x[t] - 0.7834*x[t-tau]"),
        Resampled("tau", 0, 3),
    ),
    "scheme, drawn, growth": (equations("x[t+1] = 1.01*x[t]"), Resampled("tau", 0, 2)),
    "scheme, drawn, nonlinear": (
        equations("x[t+1] = x[t] - 0.7834*tanh(x[t-tau])", x=(-0.1, 0.1)),
        Resampled("tau", 0, 3),
    ),
    "scheme, nonlinear": (
        equations("x[t+1] = x[t] - 0.59*tanh(x[t-tau])", x=(-1.0, 1.0)),
        any_rate(2),
    ),
}
# What needs minutes to give up is asked a few claims for a second each, and all of them among the slow tests.
PATIENT = ("neural", "sos", "quadratic", "razumikhin")
FEW = {
    "SC, any rate",
    "the trap of single delays",
    "hutchinson",
    "hutchinson, any rate",
    "growth",
    "growth, any rate",
    "growth by a cube",
}


def task(name: str, budget: float = 20.0) -> Task:
    system, delay = FALSE[name]
    return make_task(system, delay, Options(order=1, budget=budget, steps=40), None, None)


def fitting(name: str) -> list[Method]:
    asked = task(name)
    return [method for method in METHODS if not method.objection(asked)]


def patient(name: str, k: int) -> bool:
    """Whether it takes minutes to give up: some methods, and boxes of four variables."""
    method = METHODS[k]
    return method.name in PATIENT or (name == "four neurons" and method.run is by_functional)


CASES = [(name, k) for name in FALSE for k, m in enumerate(METHODS) if m in fitting(name)]


@pytest.mark.parametrize(
    ("name", "k"),
    [one for one in CASES if not patient(*one) or one[0] in FEW],
    ids=lambda value: METHODS[value].name if isinstance(value, int) else value,
)
def test_no_method_certifies_a_false_claim(name, k):
    method = METHODS[k]
    outcome = attempt(task(name, 1.0 if method.name in PATIENT else 20.0), method)
    assert outcome.certificate is None
    assert outcome.why


def test_every_method_meets_false_claims():
    met = {k for _, k in CASES}
    assert met == set(range(len(METHODS)))
    assert all(fitting(name) for name in FALSE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "k"),
    [one for one in CASES if patient(*one)],
    ids=lambda value: METHODS[value].name if isinstance(value, int) else value,
)
def test_no_method_certifies_a_false_claim_given_time(name, k):
    assert attempt(task(name, 60.0), METHODS[k]).certificate is None
