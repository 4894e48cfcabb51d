"""Tasks are reproducible, whole, and solutions of what they say."""

import math

import pytest
import torch

from certdde.errors import ProblemError
from certdde.models.data import SEQUENCES, TASKS, Past, Samples, sequences

COUNTS = {"train": 6, "validation": 3, "test": 2}
SMALL = {
    "reflection": COUNTS,
    "annuli": COUNTS,
    "spiral": COUNTS | {"points": 7, "end": 1.2},
    "population": COUNTS | {"points": 7, "end": 1.2},
    "mackey_glass": COUNTS | {"points": 7, "end": 1.2},
    "varying_delay": COUNTS | {"points": 9, "end": 4.0},
    "laplace_spiral": {"samples": 16, "points": 24},
    "laplace_lotka_volterra": {"samples": 16, "points": 24},
}
SHORT = {"samples": 10, "points": 12, "end": 2.0, "late": 3.0}
SMALL |= dict.fromkeys(SEQUENCES, SHORT)


@pytest.fixture(scope="module")
def tasks():
    return {name: TASKS[name](5, **SMALL[name]) for name in TASKS}


def parts(task):
    return [task.train, task.validation, task.test, *task.extrapolation.values()]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_whole_and_says_where_it_is_from(tasks, name):
    task = tasks[name]
    assert task.name == name
    assert task.source
    for part in parts(task):
        assert part.dimension == task.dimension
        assert len(part) > 0
        assert torch.isfinite(part.states).all()
        if part.times.ndim == 1:
            assert torch.equal(part.states[0], part.initial)


@pytest.mark.parametrize("name", ["annuli", "spiral", "laplace_spiral", "sine", "ellipse"])
def test_the_same_seed_gives_the_same_data_and_another_seed_others(tasks, name):
    again = TASKS[name](5, **SMALL[name])
    for one, two in zip(parts(tasks[name]), parts(again), strict=True):
        assert torch.equal(one.states, two.states)
    other = TASKS[name](6, **SMALL[name])
    assert not torch.equal(tasks[name].train.states, other.train.states)


def test_no_sample_is_in_two_parts(tasks):
    for task in tasks.values():
        rows = torch.cat([p.initial for p in (task.train, task.validation, task.test)])
        assert len(rows.unique(dim=0)) == len(rows)


def test_reflection_and_annuli_are_what_they_say(tasks):
    first, last = tasks["reflection"].train.states
    assert torch.equal(last, -first)
    first, last = tasks["annuli"].train.states
    assert torch.equal(last == -1, first.abs() <= 0.5)
    assert bool(((first.abs() <= 0.5) | ((first.abs() >= 1) & (first.abs() <= 1.5))).all())
    assert set(last.flatten().tolist()) == {-1.0, 1.0}


def rate(states, times):
    """Central differences of order 4 at the inner times but one."""
    h = float(times[1] - times[0])
    return (states[:-4] - 8 * states[1:-3] + 8 * states[3:-1] - states[4:]) / (12 * h)


@pytest.mark.parametrize(
    ("name", "equation"),
    [
        ("spiral", lambda x, y: torch.tanh(x + y) @ torch.tensor([[-1.0, -1], [1, -1]]).double()),
        ("population", lambda x, y: 1.8 * x * (1 - y)),
        ("mackey_glass", lambda x, y: 4 * y / (1 + y.pow(9.65)) - 2 * x),
    ],
)
def test_a_trajectory_satisfies_its_equation(name, equation):
    """By differences, away from the breaking points; the delayed state is read off the trajectory."""
    tau = {"spiral": 0.5}.get(name, 1.0)
    task = TASKS[name](0, train=3, validation=1, test=1, points=401, end=2.0)
    assert task.delays == (tau,)
    train = task.train
    shift = round(tau / 0.005)
    now, then = train.states[shift + 2 : -2], train.states[2 : -shift - 2]
    slope = rate(train.states, train.times)[shift:]
    away = ((train.times[shift + 2 : -2] + 1e-9) % tau).minimum(
        tau - (train.times[shift + 2 : -2] - 1e-9) % tau
    ) > 0.02
    assert away.sum() > 150
    assert (slope - equation(now, then))[away].abs().max() < 2e-6


def test_before_the_first_delay_has_passed_the_population_grows_exponentially():
    """There the delayed state is the initial one: x = x0 exp(r (1 - x0) t)."""
    train = TASKS["population"](1, train=4, validation=1, test=1, points=9, end=1.0).train
    exact = train.initial * torch.exp(1.8 * (1 - train.initial) * train.times.reshape(-1, 1, 1))
    assert torch.allclose(train.states, exact, rtol=1e-9, atol=0)


def test_while_the_varying_delay_reaches_the_history_the_solution_is_exponential(tasks):
    """t - 2 - sin t < 0 for t < 2.55: y = y0 exp((1 - y0) t)."""
    for part in (tasks["varying_delay"].train, tasks["varying_delay"].extrapolation["space"]):
        early = part.times < 2.5
        exact = part.initial * torch.exp((1 - part.initial) * part.times[early].reshape(-1, 1, 1))
        assert torch.allclose(part.states[early], exact, rtol=1e-8, atol=0)


def test_the_delay_that_varies_is_told(tasks):
    (delay,) = tasks["varying_delay"].delays
    t = torch.linspace(0, 20, 7, dtype=torch.float64)
    assert torch.equal(delay(t), 2 + torch.sin(t))


def test_step_histories_jump_and_end_at_the_initial_state(tasks):
    part = tasks["varying_delay"].extrapolation["histories"]
    values = part.past.history()(torch.tensor([[-2.9], [-1.9], [-0.1]]).double().unsqueeze(1))
    assert torch.equal(values, part.past.values[:3])
    assert torch.equal(part.past.values[-1], part.initial)


@pytest.mark.parametrize(
    ("name", "span"), [("laplace_spiral", 20.0), ("laplace_lotka_volterra", 28)]
)
def test_the_first_half_is_the_history_of_the_second(tasks, name, span):
    part = tasks[name].train
    assert part.past.values.shape[0] == 12
    assert len(part.times) == 13
    assert part.times[0] == 0
    assert torch.equal(part.past.values[-1], part.states[0])
    step = span / 24
    joined = torch.cat([part.past.times, part.times[1:]])
    assert torch.allclose(joined.diff(), torch.full((23,), step, dtype=torch.float64))


def test_normalised_states_have_mean_0_and_deviation_1_together(tasks):
    task = tasks["laplace_spiral"]
    rows = [
        torch.cat([p.past.values, p.states[1:]], dim=0).reshape(-1, 2)
        for p in (task.train, task.validation, task.test)
    ]
    every = torch.cat(rows)
    assert torch.allclose(every.mean(0), torch.zeros(2).double(), atol=1e-12)
    assert torch.allclose(every.std(0), torch.ones(2).double(), rtol=1e-12)


def test_sink_is_the_matrix_exponential_and_ellipse_keeps_its_invariant(tasks):
    sink = tasks["sink"]
    matrix = torch.tensor([[-4.0, 10.0], [-3.0, 2.0]], dtype=torch.float64)
    for part in parts(sink):
        flow = torch.linalg.matrix_exp(matrix * part.times[..., None, None])
        exact = (flow @ part.initial.unsqueeze(-1)).squeeze(-1)
        assert torch.allclose(part.states, exact, atol=1e-7)
    ellipse = tasks["ellipse"]

    def invariant(z):
        prey, hunters = z[..., 0] + 1, z[..., 1] + 1
        return prey - torch.log(prey) + 2 / 3 * (hunters - torch.log(hunters))

    for part in parts(ellipse):
        level = invariant(part.initial).expand(12, -1)
        assert torch.allclose(invariant(part.states), level, rtol=1e-6, atol=1e-7)


def test_waves_have_their_shapes():
    for name in ("sine", "square", "sawtooth", "triangle"):
        task = sequences(name, samples=10, points=50)
        wave = task.train.states - task.train.initial
        t = task.train.times.unsqueeze(-1)
        exact = {
            "sine": torch.sin(t),
            "square": torch.sign(torch.sin(t)),
            "sawtooth": 2 * torch.remainder(t / (2 * math.pi), 1) - 1,
            "triangle": (2 * torch.remainder(t / (2 * math.pi), 1) - 1).abs(),
        }[name]
        assert torch.allclose(wave, exact, atol=1e-12)


def test_extrapolation_lies_outside(tasks):
    for name in ("sine", "sink"):
        task = tasks[name]
        assert task.train.times.max() <= 2 <= task.extrapolation["time"].times.min()
        assert task.train.times.diff(dim=0).min() >= 0
    space = tasks["sine"].extrapolation["space"].initial.abs()
    assert space.min() >= 2
    assert space.max() <= 4
    assert tasks["sine"].train.initial.abs().max() <= 2
    assert tasks["spiral"].train.initial.abs().max() <= 1
    assert tasks["spiral"].extrapolation["space"].initial.abs().amax(1).min() >= 1
    late = tasks["population"].extrapolation["time"]
    assert late.times[-1] == 2 * tasks["population"].train.times[-1]


def test_what_does_not_fit_is_refused():
    times, x = torch.linspace(0, 1, 3), torch.zeros(4, 2)
    with pytest.raises(ProblemError, match="samples"):
        Samples(times, x, torch.zeros(3, 4, 1))
    with pytest.raises(ProblemError, match=r"past\.joined"):
        Past(times, torch.zeros(3, 4, 2), "quadratic")
    with pytest.raises(ProblemError, match=r"past\.values"):
        Past(times, torch.zeros(2, 4, 2))
    with pytest.raises(ProblemError, match="sawtooth"):
        sequences("sin")


def test_samples_are_selected_with_their_past_and_times():
    task = TASKS["laplace_spiral"](0, samples=16, points=24)
    index = torch.tensor([3, 0])
    some = task.train.select(index)
    assert torch.equal(some.past.values, task.train.past.values[:, index])
    assert torch.equal(some.states, task.train.states[:, index])
    own = sequences("sine", samples=10, points=4).train
    assert torch.equal(own.select(index).times, own.times[:, index])
    single = task.to(dtype=torch.float32).test
    assert {single.states.dtype, single.past.values.dtype, single.times.dtype} == {torch.float32}
