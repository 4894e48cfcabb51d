import math

import pytest
import torch
from learning_files import IMITATED, SCHEME

from certdde.errors import ProblemError
from certdde.models.learn.gathering import gathered, parts
from certdde.systems.learn_problem import load_learn_problem


def problem(tmp_path, text, *overrides):
    path = tmp_path / "p.toml"
    path.write_text(text, encoding="utf-8")
    return load_learn_problem(path, list(overrides))


LINEAR = """
[system]
equations = ["x' = -x(t - tau)"]
domain = { x = [-2.0, 2.0] }
[delays.tau]
range = [0.5, 1.0]
[learn]
model = "dde"
[learn.data]
trajectories = 7
end = 1.5
points = 4
"""


def test_solutions_are_those_of_the_method_of_steps(tmp_path):
    """x' = -x(t - tau), x = c before 0: c (1 - t) up to tau, then c (1 - t + (t - tau)^2 / 2) up to 2 tau."""
    data = gathered(problem(tmp_path, LINEAR))
    assert len(data) == 7
    assert data.past is None
    for k, tau in enumerate(data.delays[:, 0].tolist()):
        assert 0.5 <= tau < 1.0
        start = float(data.states[0, k, 0])
        for t, x in zip(data.times.tolist(), data.states[:, k, 0].tolist(), strict=True):
            if t <= 2 * tau:
                late = max(t - tau, 0.0)
                assert math.isclose(x, start * (1 - t + late**2 / 2), abs_tol=1e-7)
    assert len(set(data.delays[:, 0].tolist())) == 7


def test_delays_of_schemes_are_whole_steps_and_reach_both_ends(tmp_path):
    data = gathered(problem(tmp_path, SCHEME, "learn.data.trajectories=60"))
    steps = data.delays[:, 0] / data.spacing
    assert torch.allclose(steps, steps.round(), atol=1e-9, rtol=0)
    assert set(steps.round().tolist()) == {1.0, 2.0, 3.0}


def test_states_are_deviations_from_the_equilibrium(tmp_path):
    text = LINEAR.replace("-x(t - tau)", "x*(1 - x(t - tau))").replace("[-2.0, 2.0]", "[0.5, 2.0]")
    text = text.replace("[delays", "equilibrium = { x = 1.0 }\n[delays")
    data = gathered(problem(tmp_path, text))
    assert float(data.states[0].min()) >= -0.5
    assert float(data.states[0].max()) <= 1.0
    assert float(data.states[0].min()) < 0 < float(data.states[0].max())


def test_a_history_of_waves_is_tabulated_as_far_as_a_delay_may_go(tmp_path):
    data = gathered(problem(tmp_path, IMITATED, "learn.data.histories=waves"))
    assert data.reach >= 1.5
    assert torch.equal(data.past.values[-1], data.states[0])
    assert float(data.past.values.abs().max()) <= 1.0


def test_a_scheme_can_be_imitated(tmp_path):
    text = LINEAR.replace("x' = -x(t - tau)", "x[t+1] = x[t] - 0.25*x[t-tau]")
    text = (
        text.replace("[0.5, 1.0]", "[2, 2]").replace("end = 1.5\n", "").replace('"dde"', '"scheme"')
    )
    data = gathered(problem(tmp_path, text))
    ratio = data.states[:, :, 0] / data.states[0, :, 0]
    assert torch.allclose(ratio[:, 0], torch.tensor([1, 0.75, 0.5, 0.25], dtype=torch.float64))


def test_the_same_seed_draws_the_same(tmp_path):
    one, other = (gathered(problem(tmp_path, IMITATED)) for _ in range(2))
    third = gathered(problem(tmp_path, IMITATED, "learn.seed=1"))
    assert torch.equal(one.states, other.states)
    assert not torch.equal(one.states, third.states)


def test_parts_are_disjoint_and_all(tmp_path):
    found = parts(problem(tmp_path, IMITATED), 20)
    assert [len(part) for part in found] == [12, 4, 4]
    assert sorted(torch.cat(found).tolist()) == list(range(20))


@pytest.mark.parametrize(
    ("text", "overrides", "expected"),
    [
        (IMITATED, ["delays.tau.range=[0.4,0.5]"], "a delay that is learnt is one number"),
        (IMITATED, ["learn.data.range={}"], "the state x is missing"),
        (IMITATED, ["learn.data.range={y=[-1,1]}"], "y is no state"),
        (IMITATED, ["learn.data.end=0.5"], "nothing of it is seen"),
        (IMITATED, ["learn.validation=0.5", "learn.test=0.49"], "none is left"),
        (LINEAR, ["delays.tau.range=[0,1]"], "a delay of 0"),
        (LINEAR, ['system.equations=["x\' = x^3 + x(t - tau)"]'], "blow up"),
        (LINEAR, ['system.equations=["x\' = -z(t - tau)"]'], "unknown state"),
        (SCHEME, ["delays.tau.range=[0.11,0.19]"], "has none"),
    ],
)
def test_what_cannot_be_imitated_is_named(tmp_path, text, overrides, expected):
    found = problem(tmp_path, text, *overrides)
    with pytest.raises(ProblemError) as caught:
        parts(found, len(gathered(found)))
    assert expected in str(caught.value)
    assert caught.value.where
