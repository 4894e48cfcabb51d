"""f = linear part + remainder, and the variables in the remainder."""

import pytest
import torch

from certdde.systems import DelaySystem
from certdde.systems.expressions import ZERO, Variable, evaluate
from certdde.systems.structure import structure
from certdde.systems.torch_functions import apply_function

BOX = {"x": (-1.0, 1.0), "y": (-1.0, 1.0)}
SYSTEMS = [
    DelaySystem.from_equations(["x' = -x + 2*y(t - tau)", "y' = x/4 - y"]),
    DelaySystem.from_equations(
        ["x' = y - x*y(t - tau)", "y' = -x + sin(x) - y(t - tau)"], domain=BOX
    ),
    DelaySystem.from_equations(
        ["x' = y - 0.3*x*(1 - y)", "y' = 1 - cos(y(t - tau)) + x"], domain=BOX
    ),
    DelaySystem.from_equations(["x' = 0.2 + x - 0.2*exp(x)", "y' = -y"], domain=BOX),
]


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_parts_add_up_to_f(system):
    parts, n = structure(system), system.dimension
    generator = torch.Generator().manual_seed(1)
    x, y = 2 * torch.rand(2, 40, n, generator=generator, dtype=torch.float64) - 1
    values = {Variable(s): x[:, i] for i, s in enumerate(system.states)}
    values |= {Variable(s, system.delay()): y[:, i] for i, s in enumerate(system.states)}
    inside = {v: t for v, t in values.items() if v in parts.nonlinear}
    rest = [
        torch.zeros(40, dtype=torch.float64) + evaluate(e, inside, apply_function)
        for e in parts.remainders
    ]
    got = x @ torch.as_tensor(parts.present).T + y @ torch.as_tensor(parts.delayed).T
    torch.testing.assert_close(
        got + torch.stack(rest, -1), system.deviation_function()(x, y), rtol=1e-13, atol=1e-14
    )


def test_nonlinear_variables_are_ordered_states_first():
    names = [[str(v) for v in structure(s).nonlinear] for s in SYSTEMS]
    assert names == [[], ["x", "y(t - tau)"], ["x", "y", "y(t - tau)"], ["x"]]


def test_variables_asked_for_count_as_nonlinear():
    parts = structure(SYSTEMS[0], present=[1], delayed=[0, 1])
    assert [str(v) for v in parts.nonlinear] == ["y", "x(t - tau)", "y(t - tau)"]
    assert parts.remainders == (ZERO, ZERO)


def test_constants_that_cancel_leave_no_remainder():
    system = DelaySystem.from_equations(["x' = 1 - x - cos(0)"])
    assert structure(system).remainders == (ZERO,)
