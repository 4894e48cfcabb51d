"""Where v_0 exceeds a level: the bound over the nonlinear variables is the least over all other entries."""

import pytest
import torch
from segments import random_functional

from certdde.functionals import Functional
from certdde.inequalities.inequality import faces
from certdde.inequalities.level import outside
from certdde.inequalities.razumikhin import Razumikhin
from certdde.inequalities.reduction import ConstantDelay, ExactDelay, MeasurableDelay
from certdde.systems import DelaySystem

DOMAIN = {"x": [-1.0, 1.0], "z": [-2.0, 2.0]}


def planar(equations) -> DelaySystem:
    return DelaySystem.from_equations(equations, domain=DOMAIN)


def quadratic(order: int, seed: int) -> Functional:
    generator = torch.Generator().manual_seed(seed)
    size = 2 * (order + 1)
    a = torch.randn(size, size, generator=generator, dtype=torch.float64)
    eye = torch.eye(2, dtype=torch.float64)
    return Functional(order, a @ a.T + torch.eye(size, dtype=torch.float64), eye, eye)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["constant", "measurable"])
def test_the_linear_states_are_minimised_over(seed, kind):
    system, functional = planar(["x' = -x + x^3 + z", "z' = -z - x(t - tau)"]), quadratic(1, seed)
    reduction = (
        ConstantDelay((0.0, 0.5)) if kind == "constant" else MeasurableDelay(0.5, (0.0, 1.0))
    )
    beyond = outside(system, functional, reduction, 2.0)
    assert beyond.names == ("x",)
    x = torch.linspace(-1, 1, 41, dtype=torch.float64)
    z = torch.linspace(-20, 20, 4001, dtype=torch.float64)
    u = torch.stack(torch.broadcast_tensors(x[:, None], z[None]), dim=-1)
    least = functional.lower_bound(u, 0.5).amin(1)
    bound = 2.0 - beyond.value(x[:, None]).amax(0)
    assert (bound <= least + 1e-12).all()
    assert torch.allclose(bound, least, atol=1e-4)


def test_with_networks_it_is_the_bound_of_the_faces():
    system = planar(["x' = -x + x^3 + z", "z' = -z - x(t - tau)"])
    functional = random_functional(2, 1, seed=3, v0=(0, 1), positive=True)
    reduction = ConstantDelay((0.0, 0.5))
    beyond = outside(system, functional, reduction, 1.0)
    face = faces(system, functional, reduction, 1.0)[0]
    points = (
        2 * torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 1
    )
    assert torch.allclose(beyond.value(points), face.value(points))


def test_moments_belong_to_it():
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]})
    functional = random_functional(1, 1, seed=1, v0=(0, 1), positive=True)
    reduction = ExactDelay((0.2, 0.4, 0.5))
    beyond = outside(system, functional, reduction, 1.0)
    assert beyond.names == ("x", "x(t - tau)", "moment0(x)")
    points = torch.rand(30, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    bound = functional.lower_bound(points[:, [0, 2]], reduction.longest, reduction.breaks)
    assert torch.allclose(1 - beyond.value(points).amax(0), bound)


def test_there_is_none_where_nothing_is_known():
    """Only a delayed value is nonlinear; or the class is that of a Razumikhin function."""
    delayed = DelaySystem.from_equations(["x' = -x - tanh(x(t - tau))"], domain={"x": [-1.0, 1.0]})
    eye = torch.eye(1, dtype=torch.float64)
    functional = Functional(0, eye, eye, eye)
    assert outside(delayed, functional, ConstantDelay((0.0, 1.0)), 1.0) is None
    cubic = DelaySystem.from_equations(["x' = -x - x^3 - x(t - tau)/2"], domain={"x": [-1.0, 1.0]})
    assert outside(cubic, functional, ConstantDelay((0.0, 1.0)), 1.0) is not None
    assert outside(cubic, functional, Razumikhin(0.0, (1.0,), 1.1), 1.0) is None
