"""An interrupted search goes on from its checkpoint, to the same end."""

from dataclasses import replace

import pytest
import torch
from example_systems import hutchinson

from certdde.learning.cegis import CegisSettings, search
from certdde.learning.checkpoint import Checkpoint
from certdde.learning.finish import constant_cover, exact_cover
from certdde.learning.levels import FULL
from certdde.learning.training import TrainSettings
from certdde.systems import DelaySystem

SETTINGS = CegisSettings(training=TrainSettings(steps=350), rounds=1)


def weights(found):
    functional = found.finished.part.functional
    return [functional.P, functional.S, functional.R, *functional.V0.weights, *functional.W.weights]


@pytest.mark.parametrize("when", [200, 300])
def test_a_search_that_was_interrupted_ends_as_if_it_had_not_been(tmp_path, when):
    whole = search(hutchinson(), 0.0, 0.85, SETTINGS)

    def interrupt(phase, info):
        if phase == "training" and info["step"] == when:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(hutchinson(), 0.0, 0.85, SETTINGS, directory=tmp_path, progress=interrupt)
    steps = []
    resumed = search(
        hutchinson(),
        0.0,
        0.85,
        SETTINGS,
        directory=tmp_path,
        progress=lambda phase, info: steps.append(info.get("step", 0)),
    )
    assert min(steps[:1]) >= when - 100, "it began again from the start"
    for a, b in zip(weights(whole), weights(resumed), strict=True):
        assert torch.equal(a, b)
    assert whole.log[0].curve == resumed.log[0].curve


def test_what_was_proved_of_a_small_level_set_is_not_lost(tmp_path):
    """The first round proves a small level set, and the second, which is interrupted, goes on."""
    system = DelaySystem.from_equations(
        ["x' = -2*x + x^3 - x(t - tau)/4"], domain={"x": [-2.0, 2.0]}
    )
    training = TrainSettings(steps=40, region=0.0)
    settings = CegisSettings(training=training, later_steps=120, rounds=2, max_boxes=20_000)
    whole = search(system, 0.0, 0.5, settings)
    assert [line.answer for line in whole.log] == ["Proved", "Proved"]
    assert all(line.level < FULL for line in whole.log)

    def interrupt(phase, info):
        if phase == "training" and info["round"] == 2 and info["step"] == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(system, 0.0, 0.5, settings, directory=tmp_path, progress=interrupt)
    resumed = search(system, 0.0, 0.5, settings, directory=tmp_path)
    assert len(resumed.log) == 2
    assert resumed.finished.part.level == whole.finished.part.level
    for a, b in zip(weights(whole), weights(resumed), strict=True):
        assert torch.equal(a, b)


def test_searches_of_one_run_keep_their_checkpoints_apart(tmp_path):
    for moments in (0, 1):
        settings = replace(SETTINGS, moments=moments, training=TrainSettings(steps=120))
        cover = exact_cover if moments else constant_cover
        search(hutchinson(), 0.2, 0.5, settings, directory=tmp_path, cover=cover)
    assert len(list(tmp_path.glob("*.pt"))) == 2


def test_a_checkpoint_of_another_task_is_not_used(tmp_path):
    Checkpoint.of(tmp_path, "training", {"seed": 0}).save({"step": 5})
    assert Checkpoint.of(tmp_path, "training", {"seed": 0}).load()["step"] == 5
    assert Checkpoint.of(tmp_path, "training", {"seed": 1}).load() is None


def test_a_damaged_checkpoint_is_not_used(tmp_path):
    checkpoint = Checkpoint.of(tmp_path, "training", {"seed": 0})
    checkpoint.save({"step": 5})
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:50])
    assert checkpoint.load() is None


def test_the_deadline_is_no_part_of_the_task(tmp_path):
    late = replace(SETTINGS, deadline=1e12)
    search(
        hutchinson(), 0.0, 0.5, replace(late, training=TrainSettings(steps=120)), directory=tmp_path
    )
    assert len(list(tmp_path.glob("*.pt"))) == 1
