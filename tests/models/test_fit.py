"""A fit finds what made the data, the same each time, and goes on after an interruption."""

import json

import pytest
import torch
from torch import nn

from certdde.errors import ProblemError
from certdde.models.data import Samples, TaskData
from certdde.models.data.task import solved
from certdde.models.fit import FitSettings, error, fit
from certdde.models.fit_state import NAME
from certdde.models.initial import ConstantsBySample
from certdde.models.learned_delays import LearnedDelays
from certdde.models.neural_dde import NeuralDDE, SolverSettings
from certdde.solvers import ConstantHistory, StartingAt, ddeint

DOUBLE = torch.float64
SETTINGS = FitSettings(epochs=6, batch=4, rate=0.05, every=2)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def data():
    """x' = -x(t - 1), from constant histories."""
    times = torch.linspace(0, 3, 13, dtype=DOUBLE)
    x = torch.linspace(-1, 1, 14, dtype=DOUBLE).unsqueeze(1)
    every = Samples(times, x, solved(lambda _t, _x, past: -past[0], times, x, [1.0]))
    parts = (every.select(torch.arange(k, 14, 3)) for k in range(3))
    return TaskData("pure delay", *parts)


def model(seed=0, hidden=()):
    return NeuralDDE.of(
        1,
        [0.6],
        hidden,
        generator(seed),
        bounds=(0.05, 2.0),
        bias=False,
        settings=SolverSettings(step=0.25),
        dtype=DOUBLE,
    )


class Feedback(nn.Module):
    """-rate x(t - tau)."""

    def __init__(self):
        super().__init__()
        self.rate = nn.Parameter(torch.full((), 0.5, dtype=DOUBLE))

    def forward(self, _t, _x, past):
        return -self.rate * past[0]


def test_the_delay_and_the_rate_are_found(data):
    delays = LearnedDelays([0.6], 0.05, 2.0, dtype=DOUBLE)
    found = NeuralDDE(Feedback(), delays, SolverSettings(step=0.25))
    settings = FitSettings(epochs=120, batch=5, rate=0.05, delay_rate=0.2, decay=0.02)
    result = fit(found, data, settings, generator())
    assert delays.values() == pytest.approx((1.0,), abs=5e-3)
    assert found.field.rate.item() == pytest.approx(1.0, abs=5e-3)
    assert error(found, data.test) < 1e-5
    assert result.validation == error(found, data.validation)
    assert result.history[0]["delay_1"] != result.history[-1]["delay_1"]


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def test_the_same_seed_gives_the_same_weights_and_touches_nothing_global(data):
    before = torch.get_rng_state()
    ends = []
    for seed in (0, 0, 1):
        made = model(hidden=[3])
        fit(made, data, SETTINGS, generator(seed))
        ends.append(weights(made))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])
    assert torch.equal(torch.get_rng_state(), before)


class Stopped(Exception):
    pass


@pytest.mark.parametrize("when", [1, 2, 3, 4])
def test_an_interrupted_fit_goes_on_to_the_same_weights(data, tmp_path, when):
    whole = model(hidden=[3])
    wanted = fit(whole, data, SETTINGS, generator())

    def stop(epoch, entry):
        if epoch == when:
            raise Stopped

    with pytest.raises(Stopped):
        fit(model(hidden=[3]), data, SETTINGS, generator(), checkpoint=tmp_path, progress=stop)
    seen = []
    other = model(seed=5, hidden=[3])  # what it begins with is replaced, and so is the generator
    result = fit(
        other,
        data,
        SETTINGS,
        generator(9),
        checkpoint=tmp_path,
        progress=lambda epoch, entry: seen.append(epoch),
    )
    assert seen[0] == (when + 1) // 2 * 2
    assert torch.equal(weights(other), weights(whole))
    assert result.history == wanted.history
    assert len(list(tmp_path.glob("*.safetensors"))) == 1


def test_a_state_of_another_fit_is_refused(data, tmp_path):
    fit(model(), data, SETTINGS, generator(), checkpoint=tmp_path)
    others = [
        (model(hidden=[3]), data, SETTINGS),
        (model(), data, FitSettings(epochs=7, batch=4, rate=0.05, every=2)),
        (model(), TaskData("other", data.test, data.validation, data.test), SETTINGS),
    ]
    for module, task, settings in others:
        with pytest.raises(ProblemError, match="another model, data or settings"):
            fit(module, task, settings, generator(), checkpoint=tmp_path)


@pytest.mark.parametrize("damage", ["json", "tensors", "missing", "key"])
def test_a_damaged_state_is_refused_in_one_line(data, tmp_path, damage):
    fit(model(), data, SETTINGS, generator(), checkpoint=tmp_path)
    path = tmp_path / NAME
    known = json.loads(path.read_text())
    if damage == "json":
        path.write_text("{")
    elif damage == "key":
        path.write_text(json.dumps({k: v for k, v in known.items() if k != "history"}))
    elif damage == "missing":
        (tmp_path / known["tensors"]).unlink()
    else:
        (tmp_path / known["tensors"]).write_bytes(b"nothing")
    with pytest.raises(ProblemError, match="cannot be read"):
        fit(model(), data, SETTINGS, generator(), checkpoint=tmp_path)


def test_patience_ends_a_fit_and_the_best_weights_are_kept(data):
    made = model()
    settings = FitSettings(epochs=60, batch=5, rate=2.0, patience=3)
    result = fit(made, data, settings, generator())
    assert len(result.history) == result.best + 4 < 60
    assert error(made, data.validation) == result.validation
    assert result.validation == min(entry["validation"] for entry in result.history)


def test_constants_before_the_start_are_learnt(data):
    """The data starts at x(0) = x0, but from another constant, which is all that is learnt."""
    part = data.train
    with torch.no_grad():
        history = StartingAt(ConstantHistory(-2 * part.initial), part.initial)
        states = ddeint(lambda _t, _x, past: -past[0], history, part.times, [1.0])
    known = Samples(part.times, part.initial, states)
    made = model()
    made.delays = LearnedDelays([1.0], learnable=False, dtype=DOUBLE)
    made.initial = ConstantsBySample(part.initial)
    with torch.no_grad():
        made.field.network.weights[0].copy_(torch.tensor([[0.0, -1.0]]))
    made.field.requires_grad_(requires_grad=False)
    settings = FitSettings(epochs=120, batch=5, rate=0.3, decay=0.02, keep="last")
    fit(made, TaskData("unknown past", known, known, known), settings, generator())
    assert torch.allclose(made.initial.values, -2 * part.initial, atol=0.05)


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"rate": float("nan")}, {"keep": "first"}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ProblemError, match=f"settings.{next(iter(wrong))}"):
        FitSettings(**wrong)
