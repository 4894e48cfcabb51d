"""The objective is about the line, training lowers it, and paths are those of the equation."""

import pytest
import torch
from torch import nn

from certdde.errors import ProblemError
from certdde.models.data.plane import PLANE, exchange, half_turn
from certdde.models.generative import (
    GenerativeTraining,
    Independent,
    Origin,
    Pairs,
    Transported,
    generate,
    match,
    matching_loss,
    on_lines,
)
from certdde.models.learned_delays import LearnedDelays
from certdde.models.mlp import MLPField
from certdde.models.neural_dde import NeuralDDE, SolverSettings
from certdde.solvers import ddeint

F64 = torch.float64


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def model(tau, seed=0, step=0.05):
    return NeuralDDE.of(
        2,
        [tau],
        [16, 16],
        source(seed),
        learnable=False,
        time=True,
        activation="silu",
        settings=SolverSettings(step=step),
        dtype=F64,
    )


def given(count=500, seed=1, make=half_turn):
    start, end = make(count, source(seed))
    return Pairs(Origin(start, start), end)


def fixed(function, tau, step=0.05):
    class Field(nn.Module):
        def forward(self, t, x, past):
            return function(t, x, past[0])

    delays = LearnedDelays([tau], learnable=False, dtype=F64)
    return NeuralDDE(Field(), delays, SolverSettings(step=step))


def test_states_on_a_line_and_before_it():
    origin = Origin(torch.tensor([[5.0]] * 4, dtype=F64), torch.ones(4, 1, dtype=F64))
    pairs = Pairs(origin, torch.full((4, 1), 3.0, dtype=F64))
    t = torch.tensor([[0.0], [0.25], [0.5], [1.0]], dtype=F64)
    x, delayed, velocity = on_lines(pairs, t, 0.5)
    assert x.flatten().tolist() == [1, 1.5, 2, 3]
    assert delayed.flatten().tolist() == [5, 5, 1, 2]
    assert velocity.flatten().tolist() == [2, 2, 2, 2]
    x, delayed, _ = on_lines(pairs, t, 0.0)
    assert torch.equal(x, delayed)


@pytest.mark.parametrize("tau", [0.25, 0.5, 1.0])
def test_where_the_start_decides_the_end_no_loss_is_left_and_the_paths_cross(tau):
    """f = -2 y before the delay has passed (y is the start), the slope of the secant after it."""

    def field(t, x, y):
        return torch.where(t + 0 * x < tau - 1e-9, -2 * y, (x - y) / tau)

    pairs = given()
    t = torch.rand(500, 1, generator=source(), dtype=F64)
    exact = fixed(field, tau)
    assert float(matching_loss(exact.field, pairs, t, tau)) < 1e-20
    # A last stage at t = tau reads the other branch, so that the step before it carries a small error if it is no
    # line; here both branches agree there.
    end = generate(exact, pairs.origin)[-1]
    assert torch.allclose(end, pairs.end, atol=1e-9)


def test_an_ordinary_equation_cannot_know_where_a_path_at_the_crossing_comes_from():
    """At time 1/2 every half turn is at 0, so the loss of any f there is at least E|x'|^2 = 4 E|x|^2."""
    pairs = given()
    half = torch.full((500, 1), 0.5, dtype=F64)
    least = (pairs.end - pairs.origin.start).square().sum(-1).mean()
    mean = (pairs.end - pairs.origin.start).mean(0)
    for seed in range(3):
        loss = matching_loss(model(0.0, seed).field, pairs, half, 0.0)
        assert float(loss.detach()) >= float(least - mean.square().sum()) - 1e-9


def test_with_an_independent_start_and_a_constant_history_the_minimiser_goes_to_the_mean():
    """On a line (x - x0) / t is the velocity where t <= tau, and m - x0 at t = 0; the secant goes on to m."""
    m = torch.tensor([0.3, -0.2], dtype=F64)

    def field(t, x, y):
        early = torch.where(t + 0 * x < 1e-9, m - y, (x - y) / t.clamp_min(1e-9))
        return torch.where(t + 0 * x <= 0.5, early, (x - y) / 0.5)

    end = PLANE["moons"](400, source())
    pairs = Independent().pairs(end, source(1))
    t = torch.rand(400, 1, generator=source(2), dtype=F64).clamp_min(0.01)
    collapsed = fixed(field, 0.5)
    assert float(matching_loss(collapsed.field, pairs, t, 0.5)) < 1e-20
    found = generate(collapsed, pairs.origin)[-1]
    assert torch.allclose(found, m.expand_as(found), atol=1e-9)


@pytest.mark.parametrize("tau", [0.0, 0.5])
def test_a_step_along_the_gradient_lowers_the_loss(tau):
    pairs, learner = given(), model(tau)
    t = torch.rand(500, 1, generator=source(), dtype=F64)
    before = matching_loss(learner.field, pairs, t, tau)
    before.backward()
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter -= 1e-3 * parameter.grad
    assert matching_loss(learner.field, pairs, t, tau) < before


def test_training_halves_the_loss_and_the_seed_decides_it():
    pairs = given(make=exchange)
    settings = GenerativeTraining(steps=150, batch=64, rate=0.01)
    runs = []
    for _ in range(2):
        learner = model(0.5)
        losses = match(learner, pairs, settings, source(3))
        runs.append((losses, learner.state_dict()))
    assert runs[0][0] == runs[1][0]
    assert all(torch.equal(a, runs[1][1][k]) for k, a in runs[0][1].items())
    assert sum(runs[0][0][-20:]) < sum(runs[0][0][:20]) / 2


def test_a_delay_lets_two_clusters_change_places_and_none_does_not():
    pairs, errors = given(4000, make=exchange), {}
    settings = GenerativeTraining(steps=800, batch=128, rate=0.01)
    for tau in (0.0, 0.5):
        learner = model(tau)
        match(learner, pairs, settings, source(3))
        new, right = exchange(500, source(9))
        end = generate(learner, Origin(new, new))[-1]
        errors[tau] = float((end - right).square().sum(-1).mean().sqrt())
    assert errors[0.5] < 0.5
    assert errors[0.0] > 2


def test_without_delay_the_paths_are_those_of_the_ordinary_equation():
    learner = model(0.0)
    start = PLANE["moons"](20, source())
    times = torch.linspace(0, 1, 6, dtype=F64)
    found = generate(learner, Origin(start, start), times)
    field: MLPField = learner.field
    with torch.no_grad():
        exact = ddeint(lambda t, x, _: field(t, x, [x]), start, times, [], rtol=1e-10, atol=1e-10)
    assert torch.allclose(found, exact, atol=1e-6)


def test_without_delay_the_past_does_not_matter_and_with_one_it_does():
    start, other = (PLANE["moons"](20, source(s)) for s in (0, 1))
    for tau in (0.0, 0.5):
        learner = model(tau)
        ends = [generate(learner, Origin(past, start))[-1] for past in (start, other)]
        assert torch.allclose(*ends, atol=1e-12) == (tau == 0.0)


def test_what_is_generated_follows_the_seed():
    learner, like = model(0.3), torch.zeros(10, 2, dtype=F64)
    ends = [generate(learner, Transported().origins(like, source(s)))[-1] for s in (0, 0, 1)]
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])
    assert not ends[0].requires_grad


def test_a_model_without_one_delay_and_bad_settings_are_refused():
    pairs = given(5)
    two = NeuralDDE.of(2, [0.1, 0.2], [4], source(), learnable=False, time=True, dtype=F64)
    with pytest.raises(ProblemError):
        match(two, pairs, GenerativeTraining(steps=1), source())
    with pytest.raises(ProblemError):
        match(model(0.5), given(0), GenerativeTraining(steps=1), source())
    for bad in ({"steps": 0}, {"rate": float("nan")}, {"decay": -1.0}):
        with pytest.raises(ProblemError):
            GenerativeTraining(**bad)
