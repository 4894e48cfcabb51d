import json

import pytest
from command_line import run_certdde

PLANT = """
[system]
equations = ["x' = x + u(x(t - tau))"]
domain = { x = [-1.0, 1.0] }
[delays.tau]
range = [0.5, 0.5]
[learn]
task = "controller"
hidden = 4
rounds = 1
steps = 100
"""


@pytest.fixture
def plant(tmp_path):
    path = tmp_path / "plant.toml"
    path.write_text(PLANT, encoding="utf-8")
    return path


def test_a_controller_is_learnt_certified_and_checked(plant, tmp_path):
    out = tmp_path / "out"
    result = run_certdde("learn", plant, "-o", out, "--json")
    assert result.status == 0, result
    answer = json.loads(result.out)
    assert answer["rigor"] == "rigorous"
    assert answer["delay"] == [0.5, 0.5]
    assert run_certdde("check", out / "certificate.certdde").status == 0
    proof = run_certdde("certify", out / "equations.toml", "-o", tmp_path / "proof", "--json")
    assert proof.status == 0, proof
    again = json.loads(proof.out)
    assert again["rigor"] == "rigorous"
    assert answer["claim"].split(" with u the network ")[1][:16] in again["claim"]


def test_what_is_impossible_is_unknown(plant, tmp_path):
    result = run_certdde(
        "learn", plant, "-o", tmp_path / "out", "--set", "delays.tau.range=[1.2, 1.2]"
    )
    assert result.status == 1
    assert "no gains were found" in result.out
    assert not (tmp_path / "out" / "equations.toml").exists()


def test_a_plant_that_cannot_be_used_is_refused_in_one_line(plant, tmp_path):
    result = run_certdde("learn", plant, "-o", tmp_path / "out", "--set", "learn.network=v")
    assert result.status == 2
    assert "no equation calls v" in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_ctrl_c_names_the_best_so_far_and_the_same_command_goes_on(plant, tmp_path, monkeypatch):
    from certdde.learning.synthesis.stage import Stage

    train = Stage._train

    def interrupted(stage, number):
        raise KeyboardInterrupt

    monkeypatch.setattr(Stage, "_train", interrupted)
    out = tmp_path / "out"
    result = run_certdde("learn", plant, "-o", out, "--json")
    assert result.status == 130
    assert f"the best controller so far is {out / 'equations.toml'}" in result.err
    assert "the same command goes on from there" in result.err
    assert (out / "controller.onnx").exists()
    monkeypatch.setattr(Stage, "_train", train)
    again = run_certdde("learn", plant, "-o", out, "--json")
    assert again.status == 0
    assert [line["round"] for line in json.loads(again.out)["log"]] == [0, 1, 1]
