"""Delays drawn at each step on the command line."""

import csv
import json
from pathlib import Path

import pytest
from command_line import run_certdde

EXAMPLE = Path(__file__).parents[2] / "examples" / "resampled_scheme.toml"
DRAWN = """
[system]
equations = ["x[t+1] = x[t] - q*x[t-tau]"]
parameters = { q = 0.6 }
[delays.tau]
class = "resampled"
"""


@pytest.fixture
def law_file(tmp_path):
    path = tmp_path / "law.toml"
    path.write_text(DRAWN + 'law = "binom"\nargs = { n = 3, p = 0.5 }\n')
    return path


def test_the_example(tmp_path):
    result = run_certdde("certify", EXAMPLE, "-o", tmp_path / "out", "--json")
    assert result.status == 0, result.err
    data = json.loads(result.out)
    assert (data["status"], data["rigor"], data["kind"]) == ("certified", "rigorous", "resampled")
    assert data["delay"]["weights"] == [1.0, 1.0, 1.0]
    checked = run_certdde("check", data["path"], "--json")
    assert json.loads(checked.out)["claim"] == data["claim"]
    report = (tmp_path / "out" / "report.md").read_text()
    assert "That the mean of the state tends to zero is not enough" in report
    beyond = run_certdde(
        "certify", EXAMPLE, "-o", tmp_path / "out", "--set", "system.parameters.q=0.953"
    )
    assert beyond.status == 1
    assert "Refuted in mean square" in beyond.out


def test_a_law(law_file, tmp_path):
    result = run_certdde("certify", law_file, "-o", tmp_path / "out", "--json")
    assert result.status == 0, result.err
    data = json.loads(result.out)
    weights = ", ".join(map(repr, data["delay"]["weights"]))
    assert f"from {{0, .., 3}} with probabilities proportional to {weights}," in data["claim"]


def test_margin(tmp_path):
    where = tmp_path / "m.certdde"
    result = run_certdde("margin", EXAMPLE, "--to", 4, "--json", "-o", where)
    assert result.status == 0, result.err
    data = json.loads(result.out)
    assert (data["delay_margin"], data["intervals"], data["rigor"]) == (2, [[0, 2]], "rigorous")
    assert (
        "uniformly from {0, .., 2}"
        in json.loads(run_certdde("check", where, "--json").out)["claim"]
    )


def test_simulate(law_file, tmp_path):
    where = tmp_path / "t.csv"
    words = ["simulate", law_file, "-o", where, "--history", "x=1", "--time", "6", "--json"]
    result = run_certdde(*words)
    assert result.status == 0, result.err
    word, past = json.loads(result.out)["delays"]["tau"], [1.0] * 4
    for d in word:
        past.append(past[-1] - 0.6 * past[-1 - d])
    with where.open(newline="") as file:
        found = [float(row["x"]) for row in csv.DictReader(file)]
    assert found == pytest.approx(past[3:], abs=1e-12)
    assert json.loads(run_certdde(*words).out)["delays"]["tau"] == word
    assert json.loads(run_certdde(*words, "--tau", "2").out)["delays"] == {"tau": 2.0}


CONTINUOUS = 'system.equations=["x\' = -q*x(t - tau)"]'


@pytest.mark.parametrize(
    ("command", "change", "said"),
    [
        ("certify", "delays.tau.weights=[1, 2]", "2 weights for 3 delays"),
        ("certify", "delays.tau.weights=[1, 2, -1]", "is no weight"),
        ("certify", "delays.tau.weights=[0, 0, 0]", "all weights are 0"),
        ("certify", "delays.tau.weights=[]", "a weight for each delay"),
        ("certify", "delays.tau.weights=[1, 2, nan]", "not a finite number"),
        ("certify", "delays.tau.range=[0, 1.5]", "whole steps"),
        ("certify", "delays.tau.law=poisson", "no discrete law|does not take|no bounded support"),
        ("certify", "delays.tau.args={n=1}", "arguments of no law"),
        ("certify", "certify.method=theorem", "measurable or constant|not resampled"),
        ("certify", CONTINUOUS, "no steps"),
        ("margin", CONTINUOUS, "no steps"),
        ("simulate", CONTINUOUS, "no steps"),
        ("attack", CONTINUOUS, "drawn at each step"),
        ("attack", "certify.seed=1", "about a scheme"),
        ("margin", "delays.tau.weights=[1, 2, 1]", "uniform"),
    ],
)
def test_bad_input_in_one_line(command, change, said, tmp_path):
    where = ["-o", tmp_path / "out"] if command != "margin" else []
    result = run_certdde(command, EXAMPLE, *where, "--set", change)
    complaint = result.complaint()
    assert any(word in complaint for word in said.split("|")), complaint


def test_an_unbounded_law(tmp_path):
    path = tmp_path / "law.toml"
    path.write_text(DRAWN + 'law = "poisson"\nargs = { mu = 2.0 }\n')
    result = run_certdde("certify", path, "-o", tmp_path / "out")
    assert "no bounded support" in result.complaint()


def test_neither_a_range_nor_a_law(tmp_path):
    path = tmp_path / "law.toml"
    path.write_text(DRAWN)
    assert "range" in run_certdde("certify", path, "-o", tmp_path / "out").complaint()
