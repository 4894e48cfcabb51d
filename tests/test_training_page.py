"""The page on the neural search shows a real run: the script, the seed and the figure are those of the kept result."""

import importlib.util
import json
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("training", ROOT / "benchmarks" / "training.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def kept(script):
    return json.loads(script.TARGET.read_text(encoding="utf-8"))


def test_the_page_names_the_script_the_seed_and_the_figure(script, kept):
    assert "`benchmarks/training.py`" in PAGE
    assert "`benchmarks/results/training.json`" in PAGE
    assert f"certify.seed={kept['seed']}" in PAGE
    assert f"](img/{script.FIGURE.name})" in PAGE


def test_the_kept_result_is_of_the_run_that_the_script_makes(script, kept):
    task = script.task()
    assert kept["overrides"] == script.OVERRIDES
    assert kept["steps"] == script.STEPS == task.settings.training.steps
    assert kept["seed"] == task.settings.seed
    assert kept["cegis"][0]["range"] == [task.delay.lower, task.delay.upper]


def test_the_figure_is_of_the_kept_result(script, kept):
    with Image.open(script.FIGURE) as image:
        assert image.info["Source"] == script.digest(kept)


def test_the_run_has_several_rounds_with_counterexamples_and_a_proof(kept):
    assert sum(line["counterexamples"] > 0 for line in kept["cegis"]) >= 3
    assert kept["rigor"] == "rigorous"
