"""The examples of learned schemes and flows run, certify, and draw."""

import runpy
from pathlib import Path

import pytest

from certdde.verify.checker.check import check_file

EXAMPLES = Path(__file__).parents[2] / "examples"


def ran(name, folder, monkeypatch, capsys, quick=True):
    arguments = [name, str(folder)] + ["--quick"] * quick
    monkeypatch.setattr("sys.argv", arguments)
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


def test_learned_scheme(tmp_path, monkeypatch, capsys):
    out = ran("learned_scheme.py", tmp_path, monkeypatch, capsys)
    assert "bounded      certified: delays 1..2" in out
    assert (tmp_path / "learned_scheme.png").stat().st_size > 20_000
    for name in ("linear_bounded", "linear_any_sequence"):
        assert check_file(tmp_path / f"{name}.certdde").valid


def test_neural_flow(tmp_path, monkeypatch, capsys):
    out = ran("neural_flow.py", tmp_path, monkeypatch, capsys)
    assert "step map:" in out
    assert (tmp_path / "neural_flow.png").stat().st_size > 20_000


@pytest.mark.slow
def test_neural_flow_trained(tmp_path, monkeypatch, capsys):
    out = ran("neural_flow.py", tmp_path, monkeypatch, capsys, quick=False)
    assert "step map: rigorous" in out
    assert check_file(tmp_path / "step_map.certdde").valid


@pytest.mark.slow
def test_learned_scheme_trained(tmp_path, monkeypatch, capsys):
    out = ran("learned_scheme.py", tmp_path, monkeypatch, capsys, quick=False)
    for task in ("linear", "logistic"):
        lines = [line for line in out.splitlines() if line.startswith(task)]
        reach = {
            w[1]: int(w[4].removeprefix("1..")) for w in map(str.split, lines) if "certified:" in w
        }
        assert reach["certified"] >= 9
        assert reach["bounded"] == 15
        assert reach["plain"] < reach["certified"]
