"""The tables of neural controllers: what is shown of a result, and that nothing is claimed that is not in it."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def modules():
    """Return the scripts of the benchmark by name."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        before = set(sys.modules)
        for name in ("controllers_table", "controllers", "controllers_tau0"):
            spec = importlib.util.spec_from_file_location(
                f"bench_{name}", BENCHMARKS / f"{name}.py"
            )
            found[name] = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = found[name]
            spec.loader.exec_module(found[name])
        yield found
    for name in set(sys.modules) - before:
        if name.startswith(("bench_", "controllers", "examples")):
            del sys.modules[name]


def results(name):
    return json.loads((BENCHMARKS / "results" / f"{name}.json").read_text())


def test_float64_is_in_brackets_and_certificates_are_not(modules):
    table = modules["controllers_table"]
    assert table.reached({"range": 0.2, "single": 0.2, "seconds": 3.2}) == "(0.2), 3 s"
    assert (
        table.reached({"range": 0.1, "single": 0.2, "seconds": 3}) == "(0.1), one delay (0.2), 3 s"
    )
    assert (
        table.reached({"range": None, "single": 0.2, "seconds": 3}) == "none, one delay (0.2), 3 s"
    )
    assert table.reached({"range": None, "single": None, "seconds": 3}).startswith("none")
    found = {"upper": 0.2, "boxes": 1234, "seconds": 9.6, "check": 0.25, "certified": 0.5}
    shown = table.certificate(found)
    assert shown == "0.2, 1,234 boxes, 10 s, check 0.2 s, 50 % of the box"
    assert table.certificate({"upper": None, "search": 9.0}) == "none"
    assert table.certificate(None) == "-"


def test_the_slot_of_the_neural_method_reads_its_own_file(modules, tmp_path):
    data, file = results("controllers"), tmp_path / "controllers_neural.json"
    table = modules["controllers_table"].controllers
    assert " 2,600,000 boxes" not in table(data, file)
    box = data["rows"][0]["box"]
    row = {
        "box": box,
        "upper": 0.2,
        "boxes": 2_600_000,
        "seconds": 230,
        "check": 40,
        "certified": 0.4,
    }
    file.write_text(json.dumps({"rows": [row]}))
    assert "0.2, 2,600,000 boxes, 230 s, check 40.0 s, 40 % of the box" in table(data, file)


def test_kept_results_are_within_the_local_margin_and_certificates_go_furthest():
    data = results("controllers")
    for row in data["rows"]:
        best = row["quadratic"]["upper"] or 0.0
        for name in ("small gain", "sector", "polytopic"):
            reached = row[name]["range"] or 0.0
            assert reached < data["local"]
            assert reached <= (row[name].get("single") or reached)
            assert reached <= best + data["coarse"]
        assert best < data["local"]


def test_what_is_published_has_a_source_and_ours_has_the_checker(modules):
    table = modules["controllers_table"]
    for row in table.PUBLISHED:
        assert row["source"] in table.SOURCES
        assert row.get("table", "L") in table.SOURCES
    for row in results("controllers_tau0")["rows"]:
        assert row["volume"] is None or row["rigor"] == "rigorous"


def test_a_search_that_found_nothing_is_shown_as_such(modules):
    line = modules["controllers_table"].ours(
        {"plant": "quadrotor", "box": [1, 2], "volume": None, "seconds": 9.0}
    )
    assert "none" in line
    assert "ended without a proof" in line


def test_bisection_finds_the_last_feasible_delay_of_the_grid(modules):
    largest = modules["controllers"].largest
    assert largest(lambda delay: delay <= 0.123, 0.2, 0.005) == 0.12
    assert largest(lambda delay: delay <= 0.001, 0.2, 0.005) is None
    assert largest(lambda _: True, 0.2, 0.005) == 0.2


def test_states_in_another_order_are_the_same_system(modules):
    system = modules["controllers"].system_on((0.5, 1.5))
    other = modules["controllers"].reordered(system, (1, 0))
    assert other.states == tuple(reversed(system.states))
    x, y = torch.rand(2, 20, 2, dtype=torch.float64) - 0.5
    expected = system.deviation_function()(x, y).flip(-1)
    assert torch.allclose(other.deviation_function()(x.flip(-1), y.flip(-1)), expected)


def test_a_case_without_delay_is_certified_with_its_origin(modules):
    """The plant and box of Dai et al., in a second: the whole level set, nothing cut out."""
    script = modules["controllers_tau0"]
    row = script.measured(script.CASES[0])
    kept = next(r for r in results("controllers_tau0")["rows"] if r["box"] == row["box"])
    assert row["rigor"] == "rigorous"
    assert row["boxes"] == kept["boxes"]
    assert row["volume"] == pytest.approx(kept["volume"], rel=0.01)
