"""The comparison of flows with the ordinary equation runs, does nothing twice, and its table says what was measured."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2] / "benchmarks"
SMALL = ["--tasks", "sine", "square", "--seeds", "0", "--seconds", "0.01", "--samples", "10"]
FLOWS = {"coupling flow", "ResNet flow", "GRU flow"}


def loaded(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    spec = importlib.util.spec_from_file_location(f"{name}_benchmark", ROOT / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for other in ("flows_models", "flows_delayed", "learned", "learned_models", "examples"):
        sys.modules.pop(other, None)
    return module


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    for name in ("torchdde", "torchdiffeq"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    script = loaded("flows", monkeypatch)
    file = tmp_path / "flows.json"

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["flows.py", *SMALL, "--json", str(file), *arguments])
        script.main()
        data = json.loads(file.read_text()) if file.exists() else None
        return data, capsys.readouterr().out

    return call


def test_the_cells_are_filled_and_not_done_again(run):
    models = ["coupling flow", "GRU flow"]
    data, out = run("--only", "errors", "--models", *models)
    assert [(r["task"], r["model"]) for r in data["rows"]] == [
        (task, model) for task in ("sine", "square") for model in models
    ]
    assert all(row[key] > 0 for row in data["rows"] for key in ("test", "time", "space"))
    assert all(row["epochs"] >= 1 for row in data["rows"])
    again, out = run("--only", "errors", "--models", *models)
    assert (again["rows"], out) == (data["rows"], "")
    more, _ = run("--only", "errors", "--models", "ResNet flow", "--tasks", "sine")
    assert more["rows"][:-1] == data["rows"]
    other, _ = run(
        "--only", "errors", "--models", "ResNet flow", "--tasks", "sine", "--samples", "15"
    )
    assert len(other["rows"]) == 1


def test_the_ordinary_equation_is_measured_beside_the_flows_and_a_missing_peer_is_named(run):
    data, _ = run("--only", "speed", "--tasks", "sine")
    (row,) = data["speed"]
    assert set(row["seconds"]) == {"neural ODE", *FLOWS}
    assert all(seconds > 0 for seconds in row["seconds"].values())
    assert len(row["missing"]) == 2
    assert all("torchdiffeq is not installed" in text for text in row["missing"])


def test_the_delayed_flow_stands_beside_the_solver(run):
    data, _ = run("--only", "delayed")
    rows = {row["solver"]: row for row in data["delayed"]["rows"]}
    assert rows["delayed flow"]["errors"]["24"] > rows["ddeint, RK4, step .25"]["errors"]["24"]
    assert (
        rows["ddeint, RK4, step .25"]["errors"]["1"] > rows["ddeint, RK4, step .05"]["errors"]["1"]
    )


def results(ode, flow, seconds):
    rows = [
        {"task": "sine", "model": name, "seed": 0, "epochs": 3, "test": e, "time": e, "space": e}
        for name, e in (("coupling flow", flow), ("neural ODE", ode))
    ]
    paces = {"neural ODE": 5.0, "coupling flow": seconds, "neural ODE, torchdiffeq": 7.0}
    speed = [{"task": "sine", "seconds": paces, "missing": []}]
    return {"rows": rows, "speed": speed, "delayed": None, "machine": "a machine"}


@pytest.mark.parametrize(
    ("ode", "flow", "seconds", "reached"),
    [
        (1.0, 1.09, 1.0, True),
        (1.0, 1.11, 1.0, False),
        (1.0, 0.5, 1.01, False),
        (float("inf"), 0.5, 1.0, False),
        (1.0, float("inf"), 1.0, False),
    ],
)
def test_the_table_counts_what_is_as_right_and_five_times_faster(
    monkeypatch, ode, flow, seconds, reached
):
    table = loaded("flows_table", monkeypatch).flows(results(ode, flow, seconds))
    assert ("1 of 1: sine (coupling flow)." if reached else "0 of 1.") in table
    assert "neural ODE, torchdiffeq: 7.0 to 7.0 s an epoch." in table


def test_the_better_of_the_ordinary_equations_counts(monkeypatch):
    table = loaded("flows_table", monkeypatch).flows
    data = results(1.0, 0.5, 1.0)
    for error, words in ((0.4, "0 of 1."), (0.6, "1 of 1: sine (coupling flow).")):
        other = data["rows"][1] | {"model": "neural ODE without t", "test": error}
        assert words in table(data | {"rows": [*data["rows"], other]})


def test_an_equation_without_time_is_fitted_where_one_can_be_right(run):
    data, out = run("--only", "errors", "--models", "neural ODE without t")
    assert (data, out) == (None, "")


def test_what_was_not_measured_is_not_counted(monkeypatch):
    table = loaded("flows_table", monkeypatch).flows
    data = results(1.0, 0.5, 1.0)
    assert "0 of 1." in table(data | {"speed": []})
    assert "0 of 1." in table(data | {"rows": data["rows"][:1]})
