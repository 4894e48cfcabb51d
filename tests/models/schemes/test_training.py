"""Training: true trajectories, losses that fall, counterexamples that go, certificates for the trained numbers."""

import math

import pytest
import torch

from certdde import Constant, Measurable, certify
from certdde.errors import ProblemError
from certdde.models.schemes import (
    BoundedIncrement,
    CertifiedSlopes,
    Decrease,
    GatedIncrement,
    SchemeTraining,
    damped_linear,
    deploy,
    largest_gain,
    logistic,
    rollout,
    score,
    secants,
    train_scheme,
    trajectories,
)

TASK = damped_linear(0.1)


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def data(steps=30, size=None):
    return trajectories(TASK, torch.tensor([1, 2, 3] * 8), steps, source(1), size)


def model(seed=0):
    return GatedIncrement(1, 3, source(seed), delay_scale=3)


def test_trajectories_solve_the_equation():
    """x(t+1) - x(t) is the integral of -x over the delayed step, by Simpson's rule on a grid that is twice as fine."""
    fine = trajectories(TASK, torch.full((16,), 4), 40, source(2))
    x = fine.states
    integral = (x[:-6:2] + 4 * x[1:-5:2] + x[2:-4:2]) * TASK.step / 3
    assert torch.allclose(x[6::2] - x[4:-2:2], -integral, atol=2e-5)
    assert float(x[: fine.reach + 1].abs().max()) <= TASK.start


def test_the_logistic_task_is_the_logistic_equation_in_logarithms():
    x = torch.linspace(-0.5, 0.5, 11)
    rate = logistic().f(torch.zeros(()), x, [x])
    n = torch.exp(x)
    assert torch.allclose(rate * n, n * (1 - n), atol=1e-6)


def test_the_loss_falls_and_the_same_seed_gives_the_same_scheme():
    runs = []
    for _ in range(2):
        trained = model()
        losses = train_scheme(trained, data(), SchemeTraining(steps=40), source(3))
        runs.append(trained.at(2))
        assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    assert torch.equal(runs[0].outer, runs[1].outer)
    assert torch.equal(runs[0].shifts, runs[1].shifts)


def test_counterexamples_are_where_the_enclosed_slopes_leave_the_limits_and_training_removes_them():
    trained, objective = model(), CertifiedSlopes(TASK.domain, range(1, 7), bound=lambda _: 0.12)
    with torch.no_grad():
        trained.outer.abs_().mul_(12)
        trained.inner.abs_()
    before = [secants(trained.at(d), TASK.domain).high for d in objective.delays]
    assert objective.verify(trained) == 6
    assert min(before) > objective.limits(1)[1]
    assert float(objective(trained, source()).detach()) > 0
    train_scheme(trained, data(), SchemeTraining(steps=120, every=10), source(4), objective)
    table = deploy(trained, range(1, 7), objective)
    for delay, scheme in table.schemes.items():
        assert secants(scheme, TASK.domain).high <= objective.limits(delay)[1] * (1 + 1e-8)
        assert secants(trained.at(delay), TASK.domain).high < before[delay - 1]


def test_the_hinge_on_the_decrease_is_zero_for_a_scheme_that_settles_and_positive_for_one_that_grows():
    for gain, positive in ((0.1, False), (0.8, True)):
        increment = model()
        with torch.no_grad():
            increment.outer.fill_(gain / 3 * 10)
            increment.inner.fill_(0.1)
            increment.gates.weights[-1].zero_()
            increment.gates.biases[-1].zero_()
        assert (float(Decrease(TASK, range(1, 5))(increment, source()).detach()) > 0) == positive


def test_a_scheme_that_is_too_strong_does_not_settle():
    for gain, share in ((0.1, 0.0), (0.5, 1.0)):
        increment = model()
        with torch.no_grad():
            increment.outer.fill_(gain / 3 * 10)
            increment.inner.fill_(0.1)
            increment.gates.weights[-1].zero_()
            increment.gates.biases[-1].zero_()
        found = score(deploy(increment, range(1, 7)), TASK, 6, source(), long=300)
        assert found.unsettled == share


def test_short_trajectories_and_delays_below_one_are_refused():
    with pytest.raises(ProblemError, match="steps"):
        train_scheme(model(), data(steps=8), SchemeTraining(steps=1), source())
    with pytest.raises(ProblemError, match="below 1"):
        trajectories(TASK, torch.tensor([0]), 5, source())


def followed(table, delay, radius, steps=600):
    """The largest |x| on the way and at the end, from the corners of the certified histories."""
    signs = torch.tensor([[(k >> i) % 2 for k in range(64)] for i in range(delay + 1)])
    past = radius * (2.0 * signs.double() - 1).unsqueeze(-1)
    states = rollout(table, past, torch.full((64,), delay), steps)
    return float(states.abs().max()), float(states[-1].abs().max())


def test_a_scheme_trained_with_certified_slopes_is_certified_beyond_the_delays_seen():
    trained, objective = model(), CertifiedSlopes(TASK.domain, [5])
    settings = SchemeTraining(steps=60, every=10)
    train_scheme(trained, data(size=1.3), settings, source(5), objective)
    table = deploy(trained, range(5, 6), objective)
    system = table.schemes[5].system([TASK.domain])
    found = certify(system, Constant("tau", 5, 5), method="theorem")
    assert found.rigor == "rigorous"
    assert found.data["kind"] == "scheme"
    assert found.data["system"]["equations"] == table.schemes[5].equations()
    radius = found.data["region"]["radius"]["rho"]
    assert radius > 0
    largest, last = followed(table, 5, radius)
    assert largest <= TASK.domain[1]
    assert last < 1e-3


def test_a_bounded_scheme_is_certified_for_any_sequence_of_delays_without_training():
    increment = BoundedIncrement(
        3, source(6), [0.98 * largest_gain(4)], 0.01, 1.0, reads_delay=False
    )
    system = increment.at(4).system([(-1.0, 1.0)])
    found = certify(system, Measurable("tau", 0, 4))
    assert (found.rigor, found.data["kind"]) == ("rigorous", "scheme")
    assert found.data["region"]["radius"]["rho"] > 0


def test_a_scheme_beyond_its_limit_is_not_certified():
    """2 cos(k pi / (2k + 1)) for a constant delay, here of the slope at 0."""
    limit = 2 * math.cos(6 * math.pi / 13)
    increment = BoundedIncrement(3, source(6), [0.5], 0.01, 1.0, reads_delay=False)
    fixed = increment.at(6)
    slope = float(fixed.increment(torch.full((1, 1), 1e-6, dtype=torch.float64))) / 1e-6
    system = fixed.scaled(1.05 * limit / slope).system([(-1.0, 1.0)])
    for method in ("theorem", "lmi"):
        found = certify(system, Constant("tau", 6, 6), method=method, budget=10)
        assert found.status in ("refuted", "unknown")
        assert found.rigor != "rigorous"


@pytest.mark.slow
@pytest.mark.parametrize("task", [damped_linear(0.1), logistic(0.1)], ids=lambda t: t.name)
def test_three_times_the_longest_delay_seen_is_certified(task):
    trained, objective = model(), CertifiedSlopes(task.domain, range(1, 10))
    seen = trajectories(task, torch.tensor([1, 2, 3] * 22), 60, source(7), 0.9 * task.domain[1])
    train_scheme(trained, seen, SchemeTraining(steps=300, window=15), source(8), objective)
    table = deploy(trained, range(1, 10), objective)
    for delay, scheme in table.schemes.items():
        found = certify(
            scheme.system([task.domain]), Constant("tau", delay, delay), method="theorem"
        )
        assert found.rigor == "rigorous", (delay, found.claim)
        assert score(table, task, delay, source(9), long=600, horizon=30).error < 0.15
