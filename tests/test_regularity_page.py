"""The page on the regularity of delays shows the kept results, and what it says of them is so."""

import importlib.util
import json
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "regularity.md").read_text(encoding="utf-8")


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tables():
    return script("regularity_tables")


@pytest.fixture(scope="module")
def kept(tables):
    return json.loads(tables.RESULT.read_text(encoding="utf-8"))


def test_the_page_shows_the_kept_results(tables):
    assert PAGE.count("<!-- table: ") >= 4
    assert tables.filled(PAGE) == PAGE


def test_the_figures_are_of_the_kept_results(kept):
    run = script("regularity")
    parts = {"quenching": kept["quenching"], "perturbations": kept["perturbations"]}
    parts |= {name.lower(): study for name, study in kept["margins"].items()}
    for name, data in parts.items():
        assert f"](img/regularity-{name}.png)" in PAGE
        with Image.open(run.IMAGES / f"regularity-{name}.png") as image:
            assert image.info["Source"] == run.digest(data)


def test_nothing_found_lies_in_a_certified_range(kept):
    for study in kept["margins"].values():
        for row in study["rows"]:
            if row["certified"] is not None and row["delay"] is not None:
                assert row["certified"] < row["delay"]
            if row["exact"] is not None and row["delay"] is not None:
                assert row["exact"] <= row["delay"]


def test_a_delay_harmless_at_every_constant_value_destabilises_when_it_varies(kept):
    rows = {row["class"]: row for row in kept["margins"]["KIM"]["rows"]}
    assert rows["constant"]["delay"] is None
    assert rows["constant"]["certified"] == kept["margins"]["KIM"]["stop"]
    assert rows["measurable"]["delay"] < 1.7
    assert rows["measurable"]["simulated"] > 0


def test_fast_variation_stabilises(kept):
    part = kept["quenching"]
    assert part["constant"][1] > 0 > part["average"]
    assert part["exponents"][-1] == pytest.approx(part["average"], abs=0.01)
    assert max(part["exponents"]) > 0


def test_perturbations_by_gradient_outdo_random_ones(kept):
    for one in kept["perturbations"].values():
        for row in one["rows"]:
            chance = row["largest"] - one["constant"]
            assert row["worst"] - one["constant"] > 2 * chance
        least = one["rows"][0]
        assert least["worst"] - one["constant"] > 4 * (least["largest"] - one["constant"])
