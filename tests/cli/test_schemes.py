"""Schemes on the command line."""

import csv
import json

import pytest
from command_line import run_certdde

SCHEME = """
[system]
equations = ["x[t+1] = x[t] - q*x[t-tau]"]
parameters = { q = 0.5 }
[delays.tau]
class = "measurable"
range = [0, 2]
"""


@pytest.fixture
def scheme_file(tmp_path):
    path = tmp_path / "scheme.toml"
    path.write_text(SCHEME)
    return path


def test_certify_and_check(scheme_file, tmp_path):
    result = run_certdde("certify", scheme_file, "-o", tmp_path / "out", "--json")
    assert result.status == 0, result.err
    data = json.loads(result.out)
    assert (data["status"], data["rigor"], data["kind"]) == ("certified", "rigorous", "scheme")
    checked = run_certdde("check", data["path"], "--json")
    assert json.loads(checked.out)["claim"] == data["claim"]
    assert (tmp_path / "out" / "report.html").stat().st_size > 0
    for words in (["attack", data["path"]], ["export", data["path"], "--vnnlib", tmp_path / "q"]):
        assert "scheme" in run_certdde(*words).complaint()


def test_a_refutation(scheme_file, tmp_path):
    words = ["--set", "system.parameters.q=0.6", "--json"]
    result = run_certdde("certify", scheme_file, "-o", tmp_path / "out", *words)
    assert result.status == 1, result.err
    assert json.loads(result.out)["counterexample"]["word"] == [0, 1, 2, 2]


@pytest.mark.parametrize(("kind", "q", "last"), [("measurable", 0.5, 2), ("constant", 0.6, 2)])
def test_margin(scheme_file, kind, q, last):
    words = [f"delays.tau.class={kind}", f"system.parameters.q={q}"]
    sets = [part for word in words for part in ("--set", word)]
    result = run_certdde("margin", scheme_file, "--to", 4, "--json", *sets)
    assert result.status == 0, result.err
    data = json.loads(result.out)
    assert data["delay_margin"] == last
    assert data["intervals"] == [[0, last]]
    assert data["rigor"] == "rigorous"


def test_simulate(scheme_file, tmp_path):
    where = tmp_path / "t.csv"
    words = ["--tau", "1", "--history", "x=1", "--time", "3", "--json"]
    result = run_certdde("simulate", scheme_file, "-o", where, *words)
    assert json.loads(result.out)["final"] == {"x": -0.25}
    with where.open(newline="") as file:
        assert [float(row["x"]) for row in csv.DictReader(file)] == [1.0, 0.5, 0.0, -0.25]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["certify", "--set", "delays.tau.range=[0,1.5]"], "whole steps"),
        (["certify", "--set", "system.equations.0=x[t+1] = x(t)"], "write x[t]"),
        (["certify", "--set", "system.equations.0=x[t+1] = x[t-1]"], "a delay is named"),
        (["certify", "--set", "system.equations.0=x[t+2] = x[t]"], "x[t+1] = ..."),
        (["certify", "--set", "system.equations.0=x' = x[t-tau]"], "write x(t)"),
        (["certify", "--set", "system.equations.0=x[t+1] = 1 + x[t]"], "nothing changes"),
        (["certify", "--set", "certify.method=spectral"], "not schemes"),
        (["certify", "--set", "delays.tau.class=slow", "--set", "delays.tau.rate=0.5"], "delay"),
        (["margin", "--from", "0.5"], "whole number"),
        (["simulate", "--tau", "1.5"], "whole number"),
        (["simulate", "--time", "1e9"], "at most"),
        (["attack"], "about a scheme"),
    ],
)
def test_bad_input_in_one_line(scheme_file, tmp_path, words, said):
    where = ["-o", tmp_path / "out"] if words[0] != "margin" else []
    assert said in run_certdde(words[0], scheme_file, *where, *words[1:]).complaint()


def test_a_mixture_of_both_kinds_of_time(scheme_file, tmp_path):
    scheme_file.write_text(SCHEME.replace("]\nparam", ', "y\' = -y"]\nparam'))
    result = run_certdde("certify", scheme_file, "-o", tmp_path / "out")
    assert "some equations are differential" in result.complaint()
