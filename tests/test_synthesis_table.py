"""The kept results of benchmarks/synthesis.py reach the bar, and joint training is what enlarges the region."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROWS = json.loads((ROOT / "benchmarks" / "results" / "synthesis.json").read_text())["rows"]


@pytest.fixture(scope="module")
def table():
    path = ROOT / "benchmarks" / "synthesis_table.py"
    spec = importlib.util.spec_from_file_location("synthesis_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.synthesis


def test_a_fixed_delay_of_28_hundredths_is_certified_in_less_than_five_minutes():
    row = ROWS["joint .28"]
    assert row["status"] == "rigorous"
    assert row["delay"] >= 0.28
    assert row["share"] > 0
    assert row["seconds"] < 300


def test_the_controller_without_regard_to_the_delay_is_refuted_there():
    assert ROWS["imitator"]["status"] == "refuted"


def test_joint_training_enlarges_the_region():
    pairs = [(name, name.replace("tuned", "joint")) for name in ROWS if name.startswith("tuned")]
    assert pairs
    for before, after in pairs:
        assert ROWS[after]["share"] > ROWS[before].get("share", 0.0)


def test_each_row_is_in_the_table(table):
    text = table({"machine": "a machine", "rows": ROWS})
    assert len([line for line in text.splitlines() if line.startswith("|")]) == len(ROWS) + 2
    assert all(line.count("|") == 11 for line in text.splitlines() if line.startswith("|"))
