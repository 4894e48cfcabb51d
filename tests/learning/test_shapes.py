"""Which networks a problem asks for, and what it may not ask."""

from __future__ import annotations

import pytest
import torch
from example_systems import hutchinson, pendulum

from certdde.delays.classes import Constant, Measurable
from certdde.errors import ProblemError
from certdde.functionals import Functional
from certdde.learning.cegis import CegisSettings
from certdde.learning.neural import NeuralFunctional
from certdde.learning.shapes import Choices, check_choices, default_shape, parity, symmetric
from certdde.learning.task import Options, make_task
from certdde.systems import DelaySystem
from certdde.systems.expressions import Variable, evaluate
from certdde.systems.grammar import Names, parse_equation
from certdde.systems.problem import Problem
from certdde.systems.torch_functions import apply_function


def planar(equation: str = "b' = -a*b(t - tau)^2 - tanh(b)", low: float = -1.0) -> DelaySystem:
    domain = {"a": (low, 1.0), "b": (-2.0, 2.0)}
    return DelaySystem.from_equations(["a' = -a + b^3", equation], domain=domain)


def problem(**certify) -> Problem:
    return Problem.from_dict(
        {
            "system": {
                "equations": ["theta' = omega", "omega' = sin(theta) - 2*theta(t-tau) - omega"],
                "domain": {"theta": [-1.0, 1.0], "omega": [-1.0, 1.0]},
            },
            "delays": {"tau": {"range": [0.0, 0.1]}},
            "certify": certify,
        }
    )


def settings_of(**certify) -> CegisSettings:
    return make_task(problem(**certify), None, Options(), None, None).settings


def test_the_keys_of_a_problem_reach_the_search():
    found = settings_of(
        neurons=[6, 5], outputs=3, activation="sin", reads=["omega"], stored=["theta"], moments=1
    )
    assert found.hidden == (6, 5)
    assert found.choices == Choices("sin", "none", ("omega",), ("theta",), "auto")
    shape = default_shape(problem().build(), found)
    assert (shape.v0_inputs, shape.w_inputs) == ((1, 3), (0,))  # omega, its mean; theta
    assert (shape.hidden, shape.outputs, shape.activation) == ((6, 5), 3, "sin")
    assert settings_of(neurons=9).hidden == (9,)


@pytest.mark.parametrize(
    ("certify", "where", "what"),
    [
        ({"neurons": 0}, "certify.neurons", "no number of units"),
        ({"neurons": [16, 1.5]}, "certify.neurons", "no number of units"),
        ({"neurons": []}, "certify.neurons", "0 hidden layers"),
        ({"neurons": [4] * 9}, "certify.neurons", "9 hidden layers"),
        ({"neurons": True}, "certify.neurons", "no number of units"),
        ({"activation": "relu"}, "certify.activation", "unknown"),
        ({"symmetry": "odd"}, "certify.symmetry", "unknown"),
        ({"start": "lmi"}, "certify.start", "unknown"),
        ({"reads": ["speed"]}, "certify.reads", "no state speed"),
        ({"reads": ["omega", "omega"]}, "certify.reads", "twice"),
        ({"reads": []}, "certify.reads", "reads nothing"),
        ({"stored": ["x"]}, "certify.stored", "no state x"),
        ({"symmetry": "even", "activation": "softplus"}, "certify.symmetry", "neither"),
    ],
)
def test_what_cannot_be_is_one_line(certify, where, what):
    with pytest.raises(ProblemError) as error:
        settings_of(**certify)
    assert where in error.value.where
    assert what in error.value.what
    assert error.value.wanted
    assert "\n" not in str(error.value)


def test_a_window_of_a_delay_that_varies_is_not_read():
    task = {"method": "neural", "stored": ["theta"]}
    with pytest.raises(ProblemError, match="measurable"):
        make_task(problem(**task), Measurable("tau", 0.0, 0.1), Options(), None, None)


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        (pendulum(), True),
        (hutchinson(), False),
        (planar(), True),
        (planar(low=-2.0), False),  # the domain
        (planar("b' = -a*b(t - tau) - b"), False),
        (planar("b' = (1 - b)*(1 + b)*b(t - tau)"), True),  # not by its syntax, but as a polynomial
        (planar("b' = -b*exp(a)"), False),
        (planar("b' = -b*cos(a)/(2 + a*b(t - tau))"), True),
    ],
)
def test_symmetry_of_a_system(system, expected):
    assert symmetric(system) is expected
    if expected:
        return
    with pytest.raises(ProblemError, match="not odd"):
        check_choices(system, Choices(symmetry="even"))


@pytest.mark.parametrize("text", ["x*y", "x^3 - sin(y)", "cos(x*sin(y))", "x/(1 + y^2)", "y^-3"])
def test_parity_is_what_values_say(text):
    names = Names(("x", "y"), {}, ("tau",))
    expression = parse_equation(f"x' = {text}", names)[1]
    generator = torch.Generator().manual_seed(0)
    points = 0.1 + torch.rand(50, 2, generator=generator, dtype=torch.float64)

    def value(p: torch.Tensor) -> torch.Tensor:
        return evaluate(
            expression, {Variable("x"): p[:, 0], Variable("y"): p[:, 1]}, apply_function
        )

    torch.testing.assert_close(value(-points), parity(expression) * value(points))


@pytest.mark.parametrize("activation", ["tanh", "sin", "square"])
@pytest.mark.parametrize("hidden", [(6,), (5, 4)])
def test_even_functionals_are_even_before_and_after_a_step(activation, hidden):
    settings = CegisSettings(hidden=hidden, choices=Choices(activation, "even"))
    shape = default_shape(pendulum(), settings)
    one = torch.eye(2, dtype=torch.float64)
    start = Functional(1, torch.eye(4, dtype=torch.float64), one, one)
    module = NeuralFunctional(start, 0.2, shape, torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
    x = torch.randn(40, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for _ in range(2):
        v = module.functional()
        first, second = (v.on_constant_histories(s * x, 0.1) for s in (1, -1))
        torch.testing.assert_close(first, second)
        (first.sum() - v.V0.displacement(x).sum()).backward()
        optimiser.step()
    before = CegisSettings(hidden=hidden, choices=Choices(activation))
    free = NeuralFunctional(start, 0.2, default_shape(pendulum(), before), torch.Generator())
    v = free.functional()
    assert not torch.allclose(v.on_constant_histories(x, 0.1), v.on_constant_histories(-x, 0.1))


def test_a_delay_given_apart_is_checked_too():
    task = make_task(problem(), Constant("tau", 0.0, 0.2), Options(), None, None)
    assert task.settings.choices == Choices()
