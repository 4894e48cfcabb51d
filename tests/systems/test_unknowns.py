"""Parameters in intervals and equilibria that are no decimals: found, enclosed, and refused in one line."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch

from certdde.delays.classes import Constant
from certdde.errors import ProblemError
from certdde.functionals import Functional
from certdde.inequalities.dissipation import Layout
from certdde.inequalities.features import Features
from certdde.inequalities.inequality import box, faces
from certdde.inequalities.reduction import ConstantDelay
from certdde.learning.methods import METHODS, plan
from certdde.learning.task import Options, make_task
from certdde.systems.delay_system import DelaySystem
from certdde.systems.equilibria import Field, unique
from certdde.systems.members import member, members
from certdde.systems.problem import Problem
from certdde.systems.scaling import Scaling
from certdde.systems.structure import structure
from certdde.systems.unknowns import EnclosedEquilibrium

IMMIGRATION = ["x' = 0.1 + x*(1 - x(t - tau))"]
ROOT = (1 + math.sqrt(1.4)) / 2
LOGISTIC = {
    "equations": ["x' = r*x*(1 - x(t - tau)/K)"],
    "parameters": {"r": (0.9, 1.1), "K": (0.98, 1.02)},
    "domain": {"x": (0.5, 2.0)},
}


def immigration(**more) -> DelaySystem:
    return DelaySystem.from_equations(IMMIGRATION, domain={"x": (0.5, 2.0)}, **more)


def uncertain(lower: float = 0.9, upper: float = 1.1) -> DelaySystem:
    return DelaySystem.from_equations(
        ["x' = -a*(1 + x)*x(t - tau)"], parameters={"a": (lower, upper)}, domain={"x": (-0.5, 1.0)}
    )


@pytest.mark.parametrize("given", ["find", {"x": 1.09}, {"x": (1.0, 1.2)}])
def test_an_equilibrium_is_found_and_enclosed(given):
    system = immigration(equilibrium=given)
    [(low, high)] = system.family.enclosure.box
    assert low < Fraction(ROOT) < high
    assert abs(float(system.equilibrium[0]) - ROOT) < 1e-15
    assert (high - low < 1e-11) is not isinstance(given, dict) or given["x"] == 1.09
    zero = torch.zeros(3, 1, dtype=torch.float64)
    assert system.deviation_function()(zero, zero).abs().max() < 1e-15


def test_all_elementary_functions_are_enclosed():
    text = "sin(x)*cos(x) + tan(x)/4 + tanh(x) + exp(-x) + log(2 + x) + sqrt(3 + x) + sigmoid(x) + atan(x)"
    system = DelaySystem.from_equations(
        [f"x' = 4.5 - ({text}) - x(t - tau)^3"], domain={"x": (-0.5, 1.5)}, equilibrium="find"
    )
    x = float(system.equilibrium[0])
    f = 4.5 - x**3 - (math.sin(x) * math.cos(x) + math.tan(x) / 4 + math.tanh(x) + math.exp(-x))
    f -= math.log(2 + x) + math.sqrt(3 + x) + 1 / (1 + math.exp(-x)) + math.atan(x)
    assert abs(f) < 1e-13


def test_an_exact_equilibrium_stays_exact():
    system = uncertain()
    assert system.family.enclosure is None
    assert system.equilibrium == (Fraction(0),)
    assert DelaySystem.from_equations(["x' = -x(t - tau)"]).family is None


def test_members_follow_the_parameters():
    system = DelaySystem.from_equations(**LOGISTIC, equilibrium={"x": 1.0})
    [(low, high)] = system.family.enclosure.box
    assert low < Fraction(98, 100)
    assert Fraction(102, 100) < high
    found = members(system)
    assert len(found) == 5
    for values, one in found:
        assert abs(float(one.equilibrium[0]) - values["K"]) < 1e-12
        assert one.parameters["r"] == values["r"]
        [(lo, hi)], [x] = one.domain, one.equilibrium
        assert (float(lo + x), float(hi + x)) == (0.5, 2.0)


def test_a_box_is_unique_only_around_one_zero():
    system = DelaySystem.from_equations(["x' = x - x(t - tau)^3"], domain={"x": (-2, 2)})
    field = Field(system.rhs, system.states)

    def one(low: float, high: float) -> bool:
        box = EnclosedEquilibrium((Fraction(low),), (Fraction(high),))
        return unique(field, box, ())

    assert one(-0.25, 0.25)
    assert one(0.875, 1.125)
    assert not one(-0.25, 1.25)
    assert not one(1.125, 1.5)
    assert not one(0.375, 0.5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"equilibrium": "nowhere"}, "'nowhere' is no equilibrium"),
        ({"equilibrium": {"x": 1.3}}, "at the equilibrium, not 0"),
        ({}, "at the equilibrium, not 0"),
        ({"equilibrium": {"x": (1.2, 1.3)}}, "exactly one equilibrium"),
        ({"equilibrium": {"x": (1.2, 1.0)}}, "exactly one equilibrium"),
        ({"equilibrium": {"y": (1.0, 1.2)}}, "interval for each state"),
        ({"equilibrium": "find", "domain": {"x": (-1.0, 2.0)}}, "2 equilibria in the domain"),
        ({"equilibrium": "find", "domain": {"x": (1.2, 2.0)}}, "no equilibrium was found"),
        ({"equilibrium": {"x": 1.09}, "domain": {"x": (1.0916, 2.0)}}, None),
        ({"equilibrium": {"x": 1.09}, "domain": {"x": (1.092, 2.0)}}, "does not hold"),
        ({"parameters": {"b": (2.0, 1.0)}}, "one number, or two"),
        ({"parameters": {"b": (1.0,)}}, "one number, or two"),
    ],
)
def test_what_is_no_equilibrium_is_refused_in_one_line(options, said):
    arguments = {"domain": {"x": (0.5, 2.0)}, **options}
    if said is None:
        assert DelaySystem.from_equations(IMMIGRATION, **arguments).family.enclosure
        return
    with pytest.raises(ProblemError) as caught:
        DelaySystem.from_equations(IMMIGRATION, **arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_schemes_take_no_intervals():
    for options in ({"parameters": {"h": (0.1, 0.2)}}, {"equilibrium": "find"}):
        with pytest.raises(ProblemError, match="takes no intervals"):
            DelaySystem.from_equations(["x[t+1] = x[t] - 0.1*x[t-tau]"], **options)


def test_constants_are_axes_but_no_coordinates():
    system = uncertain()
    parts = structure(system)
    assert [str(v) for v in parts.nonlinear] == ["x", "x(t - tau)"]
    assert [str(v) for v in parts.constants] == ["a"]
    one = torch.eye(1, dtype=torch.float64)
    functional = Functional(0, one, one, one)
    features = Features.of(system, functional)
    low, high = box(system, features)
    assert (low[2], high[2]) == (0.9, 1.1) or (low[2] <= 0.9 and high[2] >= 1.1)
    point = torch.tensor([0.3, -0.2, 1.05], dtype=torch.float64)
    assert features(point).tolist() == pytest.approx([0.3, -0.2, 1.05 * 1.3 * 0.2])
    assert Layout.of(features, 0).head == 3
    moving = structure(DelaySystem.from_equations(**LOGISTIC, equilibrium={"x": 1.0}))
    assert [str(v) for v in moving.constants] == ["K", "r", "x*"]


def test_faces_are_wherever_the_equilibrium_lets_them_be():
    system = DelaySystem.from_equations(**LOGISTIC, equilibrium={"x": 1.0})
    [(a, b)] = system.family.enclosure.box
    one = torch.eye(1, dtype=torch.float64)
    low, high = faces(system, Functional(0, one, one, one), ConstantDelay((0.0, 0.1)), 0.1)
    assert float(low.lower) <= 0.5 - b <= 0.5 - a <= float(low.upper)
    assert float(high.lower) <= 2 - b <= 2 - a <= float(high.upper)
    [whole] = system.whole
    assert whole == (Fraction(1, 2) - b, 2 - a)


def test_scaling_leaves_the_constants():
    system = DelaySystem.from_equations(**LOGISTIC, equilibrium={"x": 1.0})
    scaled = Scaling((Fraction(1, 2),), Fraction(4)).apply(system)
    assert scaled.whole == tuple((2 * lo, 2 * hi) for lo, hi in system.whole)
    one = torch.eye(1, dtype=torch.float64)
    functional, point = Functional(0, one, one, one), [0.2, -0.1, 1.01, 0.95, 1.005]
    plain = Features.of(system, functional)(torch.tensor(point, dtype=torch.float64))
    half = torch.tensor([0.4, -0.2, *point[2:]], dtype=torch.float64)
    assert float(Features.of(scaled, functional)(half)[-1]) == pytest.approx(8 * float(plain[-1]))


def test_a_member_is_the_family_at_its_constants():
    """f of a member is the family's n at the same deviation, parameters and equilibrium."""
    system = DelaySystem.from_equations(**LOGISTIC, equilibrium={"x": 1.0})
    one = torch.eye(1, dtype=torch.float64)
    features = Features.of(system, Functional(0, one, one, one))
    for values in ({"K": 0.99, "r": 1.07}, {"K": 1.02, "r": 0.9}):
        exact = member(system, {k: Fraction(repr(v)) for k, v in values.items()})
        z, w = torch.tensor([0.31]), torch.tensor([-0.22])
        f = exact.deviation_function()(z.double(), w.double())
        xi = torch.tensor([0.31, -0.22, values["K"], values["r"], float(exact.equilibrium[0])])
        linear = structure(system)
        n = float(features(xi.double())[-1])
        n += 0.31 * linear.present[0, 0] - 0.22 * linear.delayed[0, 0]
        assert float(f) == pytest.approx(n, abs=1e-6)


@pytest.mark.parametrize("method", ["spectral", "theorem", "sos", "razumikhin"])
def test_other_methods_say_what_they_take(method):
    task = make_task(uncertain(), Constant("tau", 0.0, 0.4), Options(method=method), None, None)
    with pytest.raises(ProblemError, match="numbers for the parameters"):
        plan(task)


def test_automatic_is_a_method_that_takes_intervals():
    task = make_task(uncertain(), Constant("tau", 0.0, 0.4), Options(), None, None)
    found = plan(task)
    assert found
    assert all(m.intervals for m in found)
    assert {m.name for m in METHODS if m.intervals} == {"lmi", "quadratic", "neural"}


def test_problem_files_say_what_is_right():
    data = {
        "system": {"equations": IMMIGRATION, "domain": {"x": [0.5, 2.0]}, "equilibrium": "find"},
        "delays": {"tau": {"range": [0.0, 0.3]}},
    }
    assert Problem.from_dict(data).build().family.enclosure
    for bad in (3, "", ["x"], {"x": "1"}):
        with pytest.raises(ProblemError) as caught:
            Problem.from_dict(data | {"system": data["system"] | {"equilibrium": bad}}).build()
        assert "\n" not in str(caught.value)
