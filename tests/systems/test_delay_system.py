"""Delay systems: the shift to the equilibrium, Jacobians, scaling, and what is refused."""

from fractions import Fraction

import pytest
import torch

from certdde.errors import ProblemError
from certdde.systems import DelaySystem
from certdde.systems.expressions import Variable, evaluate, variables
from certdde.systems.grammar import Names, parse_equation
from certdde.systems.linear import linear_matrices
from certdde.systems.torch_functions import apply_function

PENDULUM = DelaySystem.from_equations(
    [
        "theta' = omega",
        "omega' = sin(theta) - k1*theta(t - tau) - k2*omega(t - tau) - 0.2*theta*omega(t - tau)**2",
    ],
    parameters={"k1": 2.0, "k2": 1.5},
    domain={"theta": (-2.0, 2.0), "omega": (-2.0, 2.0)},
)
LOGISTIC = DelaySystem.from_equations(
    ["x' = r*x*(1 - x(t - tau)/K)"],
    parameters={"r": 0.7, "K": 0.3},
    equilibrium={"x": 0.3},
    domain={"x": (0.1, 0.9)},
)
TWO_REST = DelaySystem.from_equations(
    ["a' = a*(0.4 - b(t - tau))", "b' = -b + b(t - tau)*a(t - tau)/1.5"],
    equilibrium={"a": 1.5, "b": 0.4},
    domain={"a": (1.0, 2.5), "b": (0.1, 1.0)},
)
SYSTEMS = {"pendulum": PENDULUM, "logistic": LOGISTIC, "two": TWO_REST}


def random_points(system, count=20):
    generator = torch.Generator().manual_seed(0)
    unit = torch.rand(2, count, system.dimension, generator=generator, dtype=torch.float64)
    low = torch.tensor([float(lo) for lo, _ in system.domain], dtype=torch.float64)
    high = torch.tensor([float(hi) for _, hi in system.domain], dtype=torch.float64)
    return low + (high - low) * unit


def as_written(system, x, y):
    """The right-hand side of the text, in the user's coordinates."""
    names = Names(
        system.states,
        {k: Fraction(str(v)) for k, v in system.parameters.items()},
        system.delays,
    )
    delay = system.delay()
    values = {Variable(s): x[..., i] for i, s in enumerate(system.states)}
    values |= {Variable(s, delay): y[..., i] for i, s in enumerate(system.states)}
    rows = [evaluate(parse_equation(e, names)[1], values, apply_function) for e in system.equations]
    return torch.stack(torch.broadcast_tensors(*rows), -1)


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
def test_the_deviation_function_is_the_equation_at_the_shifted_point(system):
    x, y = random_points(system)
    rest = torch.tensor([float(v) for v in system.equilibrium], dtype=torch.float64)
    wanted = as_written(system, x + rest, y + rest)
    got = system.deviation_function()(x, y)
    torch.testing.assert_close(got, wanted, rtol=1e-13, atol=1e-14)
    user = system.torch_function()(0.0, x + rest, [y + rest])
    torch.testing.assert_close(user, wanted, rtol=1e-13, atol=1e-14)
    zero = torch.zeros(system.dimension, dtype=torch.float64)
    torch.testing.assert_close(
        system.deviation_function()(zero, zero),
        zero,
        rtol=0,
        atol=1e-15 * float(wanted.abs().max()),
    )


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
def test_the_equilibrium_is_exact(system):
    for expression in system.rhs:
        at = {v: Fraction(0) for v in variables(expression)}
        from certdde.systems.exact_values import rational

        assert rational(expression, at) == 0


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
def test_jacobians_are_finite_differences(system):
    present, delayed = system.jacobians()
    function, n, h = system.deviation_function(), system.dimension, 1e-5
    zero, eye = torch.zeros(n, dtype=torch.float64), torch.eye(n, dtype=torch.float64)
    for j in range(n):
        by_x = (function(h * eye[j], zero) - function(-h * eye[j], zero)) / (2 * h)
        by_y = (function(zero, h * eye[j]) - function(zero, -h * eye[j])) / (2 * h)
        torch.testing.assert_close(present[:, j], by_x, rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(delayed[:, j], by_y, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
def test_scaling_is_the_substitution(system):
    factors = [Fraction(2) ** (i + 1) for i in range(system.dimension)]
    scaled = system.scaled(factors, Fraction(1, 4))
    x, y = random_points(system)
    d = torch.tensor([float(k) for k in factors], dtype=torch.float64)
    # dz/ds = time / state * f(state z)
    wanted = 0.25 / d * system.deviation_function()(x, y)
    torch.testing.assert_close(
        scaled.deviation_function()(x / d, y / d), wanted, rtol=1e-13, atol=1e-14
    )
    for (lo, hi), (a, b), k in zip(scaled.domain, system.domain, factors, strict=True):
        assert (lo * k, hi * k) == (a, b)


def test_the_domain_is_in_deviations_and_exact():
    assert LOGISTIC.domain == ((Fraction("-0.2"), Fraction("0.6")),)
    assert LOGISTIC.equilibrium == (Fraction("0.3"),)


def test_a_constant_right_hand_side_keeps_the_shape():
    system = DelaySystem.from_equations(["x' = 0", "y' = -y"])
    got = system.deviation_function()(torch.ones(3, 5, 2), torch.ones(3, 5, 2))
    assert got.shape == (3, 5, 2)
    present, delayed = DelaySystem.from_equations(["x' = 0*x"]).jacobians()
    assert present.tolist() == delayed.tolist() == [[0.0]]


def test_multiples_of_a_delay_are_lags_of_their_own():
    text = ["x' = -x(t - 2*b) - 3*x(t - a) + 2*x(t - 5*b)**2*x", "y' = y(t - b) - x"]
    system = DelaySystem.from_equations(
        text, delays=["a", "b", "c"], domain={"x": (-1, 1), "y": (-1, 1)}
    )
    assert system.lags == (("a", 1), ("b", 1), ("b", 2), ("b", 5), ("c", 1))
    assert not system.one_lag
    assert not system.linear
    x, *past = (torch.tensor([v, 10.0 + v], dtype=torch.float64) for v in range(1, 7))
    assert system.torch_function()(0.0, x, past).tolist() == [-4 - 6 + 2 * 25, 13 - 1]
    present, delayed = system.linearisation()
    assert present.tolist() == [[0, 0], [-1, 0]]
    assert [lag for lag, _ in delayed] == [("a", 1), ("b", 1), ("b", 2), ("b", 5)]
    assert [m.tolist() for _, m in delayed] == [
        [[-3, 0], [0, 0]],
        [[0, 0], [0, 1]],
        [[-1, 0], [0, 0]],
        [[0, 0], [0, 0]],
    ]


def test_one_delay_with_multiples_is_not_for_engines_of_one_delay():
    system = DelaySystem.from_equations(["x' = -x(t - tau) - x(t - 2*tau)"])
    assert system.delay() == "tau"
    assert system.linear
    for call in (system.single_delay, system.deviation_function, system.jacobians):
        with pytest.raises(ProblemError, match=r"multiples of the delay tau; .*one delay"):
            call()
    scaled = system.scaled([Fraction(2)], Fraction(4))
    assert linear_matrices(scaled)[1] == {("tau", 1): ((-4,),), ("tau", 2): ((-4,),)}


def test_matrices_that_cancel_are_no_lags():
    system = DelaySystem.from_equations(["x' = -x + x(t - tau) - 2*x(t - 3*tau) - x(t - tau)"])
    assert linear_matrices(system) == (((-1,),), {("tau", 3): ((-2,),)})
    curved = DelaySystem.from_equations(["x' = -x(t - tau)**3"], domain={"x": (-1, 1)})
    assert linear_matrices(curved) is None


def test_several_delays_are_evaluated_but_no_engine_takes_them():
    system = DelaySystem.from_equations(
        ["x' = -x(t - tau) - 2*x(t - sigma)"], delays=["tau", "sigma"]
    )
    x, a, b = (torch.tensor([v], dtype=torch.float64) for v in (1.0, 3.0, 5.0))
    assert system.torch_function()(0.0, x, [a, b]).tolist() == [-13.0]
    for call in (system.delay, system.deviation_function, system.jacobians):
        with pytest.raises(ProblemError, match=r"use 2 delays \(sigma, tau\); .*one delay"):
            call()


def test_an_unused_delay_is_still_the_delay():
    assert DelaySystem.from_equations(["x' = -x"], delays=["lag"]).delay() == "lag"


BOX = {"x": (-1.0, 1.0)}


@pytest.mark.parametrize(
    ("equations", "options", "where", "said"),
    [
        (["x' = 1 - x"], {}, "system.equations[0]", "is 1 at the equilibrium, not 0"),
        (
            ["x' = -x"],
            {"equilibrium": {"x": 0.5}},
            "system.equations[0]",
            "-0.5 at the equilibrium",
        ),
        (
            ["x' = 0.3 - x - 0.1 - 0.2 + 1e-17"],
            {},
            "system.equations[0]",
            "1e-17 at the equilibrium",
        ),
        (["x' = 1e308 + 1e308 - x"], {}, "system.equations[0]", "out of range"),
        (["x' = 1e308 - x + 1e308"], {}, "system.equations[0]", "inf at the equilibrium"),
        (["x' = sin(1)*x"], {"domain": BOX}, "system.equations[0]", "cannot evaluate"),
        (["x' = x/x"], {"domain": BOX}, "system.equations[0]", "cannot evaluate"),
        (["x' = x**-1"], {"domain": BOX}, "system.equations[0]", "cannot evaluate"),
        (["x' = log(x)"], {"domain": BOX}, "system.equations[0]", "cannot evaluate"),
        (["x' = x*(1/(0.3 - 0.1 - 0.2))"], {}, "system.equations[0]", "cannot evaluate"),
        (["x' = 1e200*1e200*x"], {}, "system.equations[0]", "out of range"),
        (["x' = 1e200*x*1e200"], {}, "system.equations[0]", "out of range"),
        (["x' = (1e300**2)*sin(x)"], {"domain": BOX}, "system.equations[0]", "out of range"),
        (["x' = x/1e-300/1e-300"], {}, "system.equations[0]", "out of range"),
        (["x' = x*sin(x)"], {}, "system.domain", "not linear and has no domain"),
        (["x' = -x**3"], {}, "system.domain", "not linear and has no domain"),
        (["x' = -x"], {"domain": {}}, "system.domain", "no interval for 'x'"),
        (["x' = -x"], {"domain": {**BOX, "y": (-1, 1)}}, "system.domain", "unknown state 'y'"),
        (["x' = -x"], {"domain": {"x": (0.0, 1.0)}}, "system.domain.x", "does not hold"),
        (["x' = -x"], {"domain": {"x": (1.0, -1.0)}}, "system.domain.x", "does not hold"),
        (["x' = -x"], {"domain": {"x": (-1.0, float("nan"))}}, "system.domain.x", "finite"),
        (["x' = -x"], {"domain": {"x": (-1.0, "a")}}, "system.domain.x", "not a finite number"),
        (["x' = -x"], {"equilibrium": {"y": 0.0}}, "system.equilibrium", "unknown state 'y'"),
        (["x' = -x"], {"equilibrium": {"x": float("inf")}}, "system.equilibrium.x", "finite"),
        (["x' = -k*x"], {"parameters": {"k": float("nan")}}, "system.parameters.k", "finite"),
        (["x' = -k*x"], {"parameters": {"k": (2.0, 1.0)}}, "system.parameters.k", "one number"),
        (["x' = -x"], {"parameters": {"x": 1.0}}, "system.equations[0]", "also a parameter"),
        (["tau' = -tau"], {}, "system.equations[0]", "also a parameter, a delay"),
        (["t' = -t"], {}, "system.equations[0]", "the time"),
        (["sin' = -sin(t - tau)"], {}, "system.equations[0]", "a function"),
        (["x' = -x"], {"parameters": {"tau": 1.0}}, "system.parameters.tau", "also a delay"),
        (["x' = -x"], {"parameters": {"exp": 1.0}}, "system.parameters.exp", "a function"),
        (["x' = -x", "x' = -x"], {}, "system.equations[1]", "has two equations"),
        ([], {}, "system.equations", "there is no equation"),
        (["x' = -x"], {"delays": []}, "delays", "there is no delay"),
        (["x' = -x"], {"networks": {"u": "a"}}, "system.networks.u: a", "not read"),
        (["x' = -y"], {}, "system.equations[0]", "unknown name 'y'"),
        (["y = 3"], {}, "system.equations[0]", "left-hand side"),
    ],
)
def test_what_cannot_be_a_system_is_refused_in_one_line(equations, options, where, said):
    with pytest.raises(ProblemError) as caught:
        DelaySystem.from_equations(equations, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.where == where
    assert caught.value.wanted


def test_constants_are_folded_exactly_before_they_are_rounded():
    # In binary64 1 + 1e-20 - 1 is 0, and the quotient would be a division by zero.
    system = DelaySystem.from_equations(["x' = -x/((1 + 1e-20 - 1)*1e20)"])
    assert system.jacobians()[0].tolist() == [[-1.0]]
