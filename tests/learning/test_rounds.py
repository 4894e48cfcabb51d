"""The log of the neural search says what happened, and stays small."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from example_systems import hutchinson

from certdde.delays.classes import Constant
from certdde.inequalities.reduction import ConstantDelay
from certdde.learning.area import domain_points
from certdde.learning.cegis import MODEST, CegisSettings, search
from certdde.learning.find import find_parts
from certdde.learning.outcome import extra
from certdde.learning.region import sampled_level
from certdde.learning.rounds import (
    GAVE_UP,
    LIMIT,
    MOST_FAILURES,
    NO_START,
    Round,
    bounded,
    curve,
    failures,
    thinned,
)
from certdde.learning.task import Options, make_task
from certdde.learning.training import TrainSettings
from certdde.learning.warm_start import warm_start
from certdde.systems import DelaySystem
from certdde.systems.problem import load_problem
from certdde.systems.scaling import Scaling

ROOT = Path(__file__).parents[2]


def level_share(system, functional, windows, level):
    points = domain_points(system)
    inside = [functional.on_constant_histories(points, tau) <= level for tau in windows]
    return float(torch.stack(inside).all(0).double().mean())


SHORT = CegisSettings(training=TrainSettings(steps=150), later_steps=120, rounds=2)


@pytest.fixture(scope="module")
def failed():
    """Two rounds that are too short for a proof."""
    return search(hutchinson(), 0.0, 1.1, SHORT)


def test_each_round_has_its_own_curve(failed):
    first, second = failed.log
    assert first.curve["step"] == [0, 100, 149]
    assert second.curve["step"] == [0, 100, 119]
    for line in failed.log:
        assert line.curve["worst"][-1] == line.worst
        assert all(math.isfinite(value) for value in line.curve["loss"])


def test_a_round_says_what_was_asked(failed):
    first, second = failed.log
    assert (first.margin, first.region) == (0.03, 2.0)
    assert second.margin == pytest.approx(1.3 * 0.03)
    assert second.region == pytest.approx(0.4 * 2.0)
    assert first.moments == 0


def test_failures_are_places_of_the_domain_with_the_names_of_the_variables(failed):
    for line in failed.log:
        assert line.answer == "Refuted"
        assert line.counterexamples > 0
        assert line.failures["names"] == ["x", "x(t - tau)"]
        points = torch.tensor(line.failures["points"])
        assert 0 < len(points) <= MOST_FAILURES
        assert bool(((points >= -0.5) & (points <= 1.0)).all())


def test_a_search_that_gives_up_is_in_the_log():
    hopeless = CegisSettings(training=TrainSettings(steps=250), probe=0)
    found = search(hutchinson(), 0.0, 1.5, hopeless)
    first, second = found.log
    assert (first.region, second.region) == (2.0, MODEST)
    for line in found.log:
        assert line.answer == GAVE_UP
        assert line.worst > 0
        assert len(line.curve["step"]) < 4, "it went on to the end"
    assert found.finished.part is None


def test_what_was_given_up_begins_again_from_the_same_weights():
    twice = CegisSettings(training=TrainSettings(steps=250), probe=0)
    once = replace(twice, training=TrainSettings(steps=250, region=MODEST))
    second = search(hutchinson(), 0.0, 1.5, twice).log[1]
    [alone] = search(hutchinson(), 0.0, 1.5, once).log
    assert second.curve["worst"][0] == pytest.approx(alone.curve["worst"][0], rel=0.2)


@pytest.mark.slow
def test_a_roomy_start_is_for_shorter_delays_and_has_the_larger_level_set():
    path = ROOT / "examples" / "controllers" / "pendulum_neural.toml"
    system, settings = load_problem(path).build(), CegisSettings()
    scaling = Scaling.of(system, 0.2)
    plain, first = warm_start(system, scaling, settings, 0.0, 0.2)
    roomy = replace(settings, choices=replace(settings.choices, start="roomy"))
    found, name = warm_start(system, scaling, roomy, 0.0, 0.2)
    delays = [float(text.split()[-1]) for text in (name, first)]
    assert delays[0] < delays[1] < 0.2

    def share(functional, longest):
        cover = ConstantDelay((0.0, longest))
        inverse = scaling.invert(functional)
        level = sampled_level(system, inverse, cover)
        return level_share(system, inverse, cover.windows(), level)

    assert share(found, delays[0]) > share(plain, delays[1])


def test_a_range_without_a_start_is_in_the_log():
    system = DelaySystem.from_equations(
        ["x' = x - 0.1*x(t - tau) + x**2"], domain={"x": [-0.5, 0.5]}
    )
    delay = Constant("tau", 0.0, 1.0)
    task = make_task(system, delay, Options(method="neural", budget=60.0), None, None)
    parts, why = find_parts(task)
    assert not parts
    assert "no quadratic functional" in why
    assert {line["answer"] for line in task.log} == {NO_START}
    assert task.log[0]["range"] == [0.0, 1.0]
    json.dumps(extra(task, "neural")["statistics"], allow_nan=False)


def test_the_log_goes_into_a_file_of_json(failed):
    again = json.loads(json.dumps([line.plain() for line in failed.log], allow_nan=False))
    assert [Round.read(line) for line in again] == list(failed.log)


def test_a_line_without_the_newer_keys_can_be_read():
    old = {
        "round": 1,
        "answer": "Proved",
        "boxes": 5,
        "counterexamples": 0,
        "worst": -0.5,
        "region": 2.0,
        "seconds_training": 1.0,
        "seconds_proof": 0.5,
    }
    line = Round.read(old)
    assert (line.boxes, line.curve, line.failures, line.margin) == (5, {}, {}, None)


def test_what_is_not_finite_is_null():
    told = curve([{"step": 0.0, "worst": math.nan, "loss": math.inf}, {"step": 1.0, "worst": 2.0}])
    assert told == {"step": [0, 1], "worst": [None, 2], "loss": [None, None]}


def test_a_long_log_is_thinned_until_it_is_small():
    points = [[0.1234, -0.5678, 0.9999]] * 50
    line = {
        "round": 1,
        "answer": "Refuted",
        "curve": {key: [0.1234] * 60 for key in ("step", "worst", "loss")},
        "failures": {"names": ["a", "b", "c"], "points": points},
    }
    assert bounded([line]) == [line]
    kept = bounded([line] * 500)
    assert len(json.dumps(kept, indent=1)) <= LIMIT
    assert len(kept[0]["curve"]["step"]) == len(kept[0]["curve"]["worst"]) > 1


def test_thinning_keeps_both_ends():
    assert thinned(range(1000), 5)[::4] == [0, 999]
    assert len(set(thinned(range(1000), 50))) == 50
    assert thinned([1, 2], 5) == [1, 2]
    assert thinned(range(9), 0) == []


def test_points_of_another_dimension_are_no_failures_of_the_inequality():
    assert failures(["x", "y"], torch.zeros(3, 1)) == {}
    assert failures(["x"], torch.zeros(0, 1), torch.zeros(0, 0)) == {}
    assert failures(["x"], torch.ones(1, 1)) == {"names": ["x"], "points": [[1.0]]}
    both = failures(["x"], torch.zeros(99, 1), torch.ones(99, 1))
    assert both["points"] == [[0.0]] * 25 + [[1.0]] * 25
