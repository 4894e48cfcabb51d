import numpy as np
import pytest
import torch
from scalar_plants import scalar_plant

from certdde.learning.synthesis.controller import Controller, Inputs
from certdde.learning.synthesis.gains import linear
from certdde.systems.controller_problem import ControllerProblem
from certdde.systems.feedforward_values import tensor_value


def drawn(origin=(0.5, -1.0), radius=(2.0, 0.25), size=(3.0,), widths=(5, 4)):
    tensors = [torch.tensor(v, dtype=torch.float64) for v in (origin, radius, size)]
    inputs = Inputs(tensors[0], tensors[1])
    return Controller(inputs, widths, tensors[2], torch.Generator().manual_seed(3))


def points(count=50):
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


@pytest.mark.parametrize("widths", [(5, 4), (3,)])
def test_its_networks_are_the_function_itself(widths):
    controller, x = drawn(widths=widths), points()
    for network in (controller.live(), controller.network()):
        torch.testing.assert_close(tensor_value(network, x), controller(x))
    assert controller.network().tensors().keys() >= {"weight1", "bias1"}


def test_gradients_reach_the_weights_through_the_live_network_only():
    controller = drawn()
    system_side = tensor_value(controller.live(), points()).square().sum()
    system_side.backward()
    assert all(w.grad is not None and w.grad.abs().sum() > 0 for w in controller.weights)
    assert not tensor_value(controller.network(), points()).requires_grad


def test_it_is_zero_at_the_origin_and_its_gains_are_its_slopes():
    controller = drawn(size=(3.0, 0.5))
    origin = controller.origin
    assert not controller(origin).any()
    slopes = torch.autograd.functional.jacobian(controller, origin)
    np.testing.assert_allclose(controller.gains(), slopes.numpy(), rtol=1e-12)


def test_gains_can_be_set():
    controller = drawn(size=(3.0, 0.5))
    wanted = np.array([[1.0, -2.0], [0.3, 4.0]])
    controller.set_gains(wanted)
    slopes = torch.autograd.functional.jacobian(controller, controller.origin)
    np.testing.assert_allclose(slopes.numpy(), wanted, rtol=1e-9)


def test_an_imitator_has_the_gains_and_is_near_the_linear_law():
    gains = np.array([[-2.0, 8.0]])
    controller = drawn(size=(6.0,), widths=(8, 8))
    controller.imitate(gains, torch.Generator().manual_seed(5))
    np.testing.assert_allclose(controller.gains(), gains, rtol=1e-9)
    unit = 2 * torch.rand(200, 2, generator=torch.Generator().manual_seed(6)).double() - 1
    x = controller.origin + unit * controller.radius
    error = controller(x) - (x - controller.origin) @ torch.as_tensor(gains).T
    assert float(error.abs().max().detach()) < 0.1 * 6.0


def test_inputs_are_measured_over_the_domain():
    problem = ControllerProblem.model_validate(
        {
            "system": {
                "equations": ["x' = y", "y' = -x + u(2*x(t - tau) + 1, y)"],
                "domain": {"x": [-1.0, 3.0], "y": [-0.5, 0.5]},
                "equilibrium": {"x": 0.25},
            },
            "delays": {"tau": {"range": [0.1, 0.1]}},
            "learn": {"task": "controller", "at_rest": [0.25]},
        }
    )
    found = Inputs.of(problem.build(linear(np.zeros((1, 2)))), "u")
    torch.testing.assert_close(found.origin, torch.tensor([1.5, 0.0]).double())
    torch.testing.assert_close(found.radius, torch.tensor([5.5, 0.5]).double())


def test_a_controller_about_another_equilibrium_closes_its_loop_exactly():
    problem = ControllerProblem.model_validate(
        {
            "system": {
                "equations": ["x' = x*x - 2 + u(x(t - tau))"],
                "domain": {"x": [1.0, 3.0]},
                "equilibrium": {"x": 2.0},
            },
            "delays": {"tau": {"range": [0.1, 0.1]}},
            "learn": {"task": "controller", "hidden": 4, "at_rest": [-2.0]},
        }
    )
    inputs = Inputs.of(problem.build(linear(np.zeros((1, 1)))), "u")
    controller = Controller(inputs, (4,), torch.ones(1).double(), torch.Generator().manual_seed(0))
    system = problem.build(controller.network())
    assert float(system.equilibrium[0]) == 2.0
    assert float(system.jacobians()[1]) == pytest.approx(controller.gains()[0, 0])


def test_the_scalar_plant_reads_one_number():
    assert (scalar_plant().inputs, scalar_plant().outputs) == (1, 1)
