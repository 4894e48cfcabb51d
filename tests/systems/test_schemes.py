"""Schemes as systems: what is read, what is refused, the deviations."""

import pytest
import torch

from certdde.errors import ProblemError
from certdde.systems import DelaySystem
from certdde.systems.grammar import left_hand_side
from certdde.systems.grammar_hints import is_scheme


def test_a_scheme_is_read():
    system = DelaySystem.from_equations(
        ["x[t+1] = x[t] - q*y[ t - d ]", "y [ t + 1 ]=0.5*y + tanh(x)*0"],
        parameters={"q": 0.3},
        domain={"x": [-1, 1], "y": [-1, 1]},
        delays=("d",),
    )
    assert system.time == "discrete"
    assert system.states == ("x", "y")
    x, past = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    assert torch.allclose(system.torch_function()(0, x, [past]), torch.tensor([1 - 1.2, 1.0]))


def test_differential_equations_stay_what_they_are():
    assert DelaySystem.from_equations(["x' = -x(t - tau)"]).time == "continuous"


def test_deviations_from_an_equilibrium():
    system = DelaySystem.from_equations(
        ["x[t+1] = x[t] + 0.5*x[t]*(1 - x[t-tau])"], domain={"x": [0.5, 2]}, equilibrium={"x": 1}
    )
    x, y = torch.tensor([0.2]), torch.tensor([-0.1])
    wanted = 1.2 + 0.5 * 1.2 * (1 - 0.9)
    assert torch.allclose(system.deviation_function()(x, y), torch.tensor([wanted - 1]))
    assert torch.allclose(system.torch_function()(0, x + 1, [y + 1]), torch.tensor([wanted]))
    present, delayed = system.jacobians()
    assert present.item() == pytest.approx(1.0)
    assert delayed.item() == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("equations", "said"),
    [
        (["x[t+1] = x(t)"], "x\\(t\\) in a scheme"),
        (["x[t+1] = x(t - tau)"], "write x\\[t\\] and x\\[t-tau\\]"),
        (["x' = x[t]"], "in a differential equation"),
        (["x[t+1] = x[t-2*tau]"], "a delay is named"),
        (["x[t+1] = x[t-1]"], "a delay is named"),
        (["x[t+1] = x[t+1]"], "a delay is named"),
        (["x[t+1] = x[t"], "a scheme looks like"),
        (["x[t+1] = x[t-sigma]"], "unknown delay"),
        (["x[t+1] = z[t]"], "unknown state"),
        (["x[t-1] = x[t]"], "left-hand side"),
        (["x[t+1] = x[t] + 0.1"], "nothing changes"),
        (["x[t+1] = x[t]^2"], "no domain"),
        (["x[t+1] = y[t]", "y' = x"], "some equations are differential"),
        (["y' = x", "x[t+1] = y[t]"], "some equations are differential"),
    ],
)
def test_what_is_no_scheme(equations, said):
    with pytest.raises(ProblemError, match=said) as found:
        DelaySystem.from_equations(equations)
    assert "\n" not in str(found.value)


def test_left_hand_sides():
    assert left_hand_side(" x_1 [t+ 1] = 2", "here") == "x_1"
    assert is_scheme("x[t+1]=x[t]")
    assert not is_scheme("x' = x[t+1] = 3")
