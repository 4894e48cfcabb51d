"""The benchmark of generators fills its cells, once, and draws what it keeps."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[3] / "benchmarks"
SMALL = ["--taus", "0", "0.5", "--seeds", "1", "--steps", "2"]


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(str(ROOT))
    spec = importlib.util.spec_from_file_location("generative_script", ROOT / "generative.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name, value in {"KEPT": tmp_path, "POINTS": 64, "FRESH": 32, "CODES": 4}.items():
        monkeypatch.setattr(script, name, value)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    file = tmp_path / "results.json"

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["generative.py", *SMALL, "--json", str(file), *arguments])
        script.main()
        return json.loads(file.read_text()), capsys.readouterr().out

    yield call
    sys.modules.pop("examples", None)


def test_cells_are_filled_once_and_shown(run, monkeypatch, tmp_path):
    figure = tmp_path / "figure.png"
    data, out = run("--tasks", "rings", "exchange", "--figure", str(figure))
    # Three couplings, the law itself and normal laws; one map.
    assert len(data["rows"]) == len(out.splitlines()) == 3 * 2 + 2 + 2
    assert figure.stat().st_size > 10_000
    again, out = run("--tasks", "rings", "exchange")
    assert again["rows"] == data["rows"]
    assert out == ""
    more, _ = run("--tasks", "moons", "--taus", "1")
    assert len(more["rows"]) == len(data["rows"]) + 5
    monkeypatch.syspath_prepend(str(ROOT))
    from generative_table import generative

    table = generative(more)
    assert table.count("| rings |") == 4
    assert table.count("| exchange |") == 1
    sys.modules.pop("generative_table")
