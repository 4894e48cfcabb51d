"""The comparison of learnt models runs, with peers that are missing, and does nothing twice."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2] / "benchmarks"
SMALL = ["--tasks", "reflection", "--seeds", "2", "--share", "1e-6", "--parameters", "300"]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    spec = importlib.util.spec_from_file_location("learned_benchmark", ROOT / "learned.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    for name in ("learned_models", "examples"):
        sys.modules.pop(name, None)


@pytest.fixture
def run(script, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)

    def call(*arguments):
        file = tmp_path / "learned.json"
        monkeypatch.setattr("sys.argv", ["learned.py", *SMALL, "--json", str(file), *arguments])
        script.main()
        return json.loads(file.read_text()), capsys.readouterr().out

    return call


def test_the_cells_are_filled_or_say_what_is_missing(run, monkeypatch):
    for name in ("torchdde", "torchdiffeq"):
        monkeypatch.setitem(sys.modules, name, None)
    data, out = run()
    rows = {row["model"]: row for row in data["rows"]}
    assert len(rows) == 6
    for name in ("neural DDE", "neural ODE", "augmented neural ODE", "LSTM"):
        assert rows[name]["test"]["mean"] > 0
        assert rows[name]["test"]["deviation"] >= 0
        assert abs(rows[name]["parameters"] - 300) < 40
    assert rows["neural DDE, torchdde"]["missing"] == "torchdde: not installed"
    assert "torchdiffeq: not installed" in out


def test_a_cell_that_is_kept_is_not_done_again(run):
    first, _ = run("--models", "LSTM")
    again, out = run("--models", "LSTM")
    assert again["rows"] == first["rows"]
    assert out == ""
    other, out = run("--models", "LSTM", "--seeds", "1")
    assert other["rows"][0]["test"]["deviation"] is None
    assert "LSTM" in out


def test_a_fit_takes_about_the_time_that_it_is_given(run, script, monkeypatch):
    monkeypatch.setitem(script.SECONDS, "reflection", 1.0)
    data, _ = run("--models", "LSTM", "--seeds", "1", "--share", "1")
    [row] = data["rows"]
    assert row["epochs"]["mean"] > script.PROBE
    assert 0.2 < row["epochs"]["mean"] * row["seconds an epoch"]["mean"] < 5.0
