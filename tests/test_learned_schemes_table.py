"""The table of learned schemes says what its rows say."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def table():
    path = ROOT / "benchmarks" / "learned_schemes_table.py"
    spec = importlib.util.spec_from_file_location("learned_schemes_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.learned_schemes


def row(seed, error, **more):
    errors, unsettled = [error] * 5, [0.0, 0.0, 0.0, 0.25, 1.0]
    base = {"task": "linear", "mode": "plain", "seed": seed, "errors": errors, "seconds": 30.0}
    return base | {"unsettled": unsettled, "certified": 2 + seed, "near": 15} | more


def test_mean_deviation_and_ranges():
    settings = {"seen": 3, "tried": 15}
    rows = [row(0, 0.01), row(1, 0.03), row(0, 0.5, mode="one F, plain", free=9)]
    text = table()({"rows": rows, "settings": settings, "machine": "M"})
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines()[2:4]]
    assert cells[0][:2] == ["x' = -x(t - tau)", "plain"]
    assert cells[0][2:6] == [".020 ± .014"] * 4
    assert cells[0][6:] == ["25, 100 %", "2 to 3", "15", ""]
    assert cells[1][0] == ""
    assert cells[1][-1] == "9"
    assert "2 seeds" in text


def test_an_error_without_bound_is_called_diverged():
    data = {"rows": [row(0, float("inf"))], "settings": {"seen": 3, "tried": 15}, "machine": "M"}
    assert "diverged" in table()(data)
