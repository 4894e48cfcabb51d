"""The objective E[V]: what is drawn, that V >= |x|^2 is built in, and the constraint in its three forms."""

import math
from dataclasses import replace

import pytest
import torch

from certdde.delays.laws import Exponential, Pareto, Uniform
from certdde.functionals import Functional
from certdde.functionals.energy import history_energy
from certdde.inequalities.reduction import ConstantDelay
from certdde.learning.mean_objective import CONSTRAINTS, MeanObjective, barrier
from certdde.learning.neural import NeuralFunctional, Shape
from certdde.learning.training import Trainer, TrainSettings
from certdde.systems import DelaySystem


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def system():
    return DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": (-0.5, 1.0)})


def start(order=1):
    eye = torch.eye(order + 1, dtype=torch.float64)
    one = torch.ones(1, 1, dtype=torch.float64)
    return Functional(order, 0.3 * eye, 0.2 * one, 0.4 * one)


def test_delays_follow_the_law_given_that_they_lie_in_the_range():
    law, low, high = Pareto(1.5, 0.1), 0.2, 0.8
    drawn = MeanObjective(law).delays(20_000, low, high, generator())
    assert float(drawn.min()) >= low
    assert float(drawn.max()) <= high
    for point in (0.3, 0.5):
        a, p, b = law.cdf(torch.tensor([low, point, high], dtype=torch.float64)).tolist()
        share = float((drawn <= point).double().mean())
        assert abs(share - (p - a) / (b - a)) < 4 * math.sqrt(0.25 / 20_000)


def test_a_law_is_about_the_time_of_the_user():
    law = Exponential(1.0)
    scaled = MeanObjective(law).in_time(4.0).delays(2_000, 0.05, 0.5, generator())
    plain = MeanObjective(law).delays(2_000, 0.2, 2.0, generator())
    torch.testing.assert_close(4 * scaled, plain)


def test_without_a_law_delays_are_uniform_on_the_range():
    drawn = MeanObjective().delays(1_000, 0.1, 0.3, generator())
    torch.testing.assert_close(
        drawn, MeanObjective(Uniform(0.0, 5.0)).delays(1_000, 0.1, 0.3, generator())
    )


def test_histories_lie_in_the_domain_and_some_are_constant():
    nodes = MeanObjective(smooth=0.25).histories(system(), generator())
    assert float(nodes.min()) >= -0.5
    assert float(nodes.max()) <= 1.0
    constant = (nodes == nodes[:1]).all(0)[:, 0]
    assert int(constant.sum()) == round(0.75 * len(constant))


def test_the_energy_of_a_straight_history_is_the_integral():
    functional, tau = start(), 0.7
    nodes = torch.linspace(0.2, 1.0, 7, dtype=torch.float64)[:, None, None]
    found = float(history_energy(functional, nodes, torch.tensor([tau], dtype=torch.float64), 6)[0])
    mean, squares, slope = 0.6, (1.0**3 - 0.2**3) / (3 * 0.8), 0.8 / tau
    wanted = 0.3 * (1.0 + (tau * mean) ** 2) + tau * 0.2 * squares + 0.4 * slope**2 * tau**2 / 2
    assert found == pytest.approx(wanted, rel=1e-13)


def test_the_square_of_the_state_is_below_v_by_construction():
    module = NeuralFunctional(start(), 0.5, Shape((0,), (0,)), generator(), least=1.0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(-3 * torch.rand(parameter.shape, generator=generator(1)))
    x = torch.linspace(-1, 1, 41, dtype=torch.float64)[:, None]
    bound = module.frozen().lower_bound(x, 0.5)
    assert bool((bound >= x[:, 0].square()).all())
    free = NeuralFunctional(start(), 0.5, Shape((0,), (0,)), generator())
    assert not bool((free.frozen().lower_bound(x, 0.5) >= x[:, 0].square()).all())


def test_the_start_is_kept_up_to_a_factor():
    module = NeuralFunctional(start(), 0.5, Shape((), ()), generator(), least=1.0)
    found, first = module.frozen(), start()
    ratio = float(found.S[0, 0] / first.S[0, 0])
    assert ratio > 1
    torch.testing.assert_close(found.P, ratio * first.P, rtol=1e-4, atol=1e-5)


def test_the_barrier_is_smooth_and_grows():
    excess = torch.linspace(-1.0, 0.5, 3001, dtype=torch.float64, requires_grad=True)
    value = barrier(excess, 1.0)
    (slope,) = torch.autograd.grad(value.sum(), excess)
    value = value.detach()
    assert float(value[0]) == pytest.approx(0.0, abs=1e-12)
    assert bool((value.diff() > 0).all())
    assert bool((slope.diff() > -1e-9).all())
    assert bool(torch.isfinite(value).all())


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_training_lowers_the_mean_and_keeps_the_constraint(constraint):
    mean = MeanObjective(constraint=constraint)
    settings = TrainSettings(steps=301, fresh=100, hard=50, mean=mean, rate=1e-2)
    module = NeuralFunctional(start(), 0.2, Shape((0,), (0,)), generator(), least=1.0)
    trainer = Trainer(system(), ConstantDelay((0.1, 0.2)), module, generator())
    trainer.run(settings)
    first, last = trainer.history[0], trainer.history[-1]
    assert last["mean"] < first["mean"]
    assert last["worst"] < 0


def test_an_augmented_run_goes_on_from_a_state_with_its_multiplier():
    mean = MeanObjective(constraint="augmented")
    settings = TrainSettings(steps=301, fresh=60, hard=30, mean=mean)
    states = []

    def trained(resume=None, save=None):
        module = NeuralFunctional(start(), 0.5, Shape((0,), (0,)), generator(), least=1.0)
        trainer = Trainer(system(), ConstantDelay((0.1, 0.5)), module, generator())
        trainer.run(settings, resume=resume, save=save)
        return trainer

    whole = trained(save=lambda state: states.append(torch.utils._pytree.tree_map(copied, state)))
    again = trained(resume=states[1])
    assert again.multiplier == whole.multiplier != 1.0
    assert again.history == whole.history


def copied(value):
    return value.clone() if isinstance(value, torch.Tensor) else value


def test_the_objective_of_a_problem_is_taken(tmp_path):
    from certdde.learning.task import Options, make_task
    from certdde.systems.problem import load_problem

    text = """name = "x"
[system]
equations = ["x' = -(1 + x)*x(t - tau)"]
domain = { x = [-0.5, 1.0] }
[delays.tau]
class = "random"
law = "expon"
args = { scale = 0.1 }
[certify]
objective = "mean"
"""
    file = tmp_path / "p.toml"
    file.write_text(text)
    task = make_task(load_problem(file), None, Options(), None, None)
    assert task.settings.training.mean is not None
    assert task.settings.training.mean.law is not None
    plain = make_task(load_problem(file, ["certify.objective=region"]), None, Options(), None, None)
    assert plain.settings.training.mean is None
    assert replace(task.settings.training, mean=None) == plain.settings.training
