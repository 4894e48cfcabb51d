"""The folders accept/ and reject/, for every checker: the kernel, the second opinion, the schema, the example."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from certdde.verify.checker import check_file
from certdde.verify.second_opinion import compare, objection

from . import make

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ACCEPT = sorted((HERE / "accept").glob("*.certdde"))
REJECT = sorted((HERE / "reject").glob("*.certdde"))
FORM = {"unknown_key", "zip_bomb_declared"}  # refused for their form, not for what they claim
SCALAR = {"quadratic", "two_parts_elsewhere", "huge_integer_in_the_seed"}


def name(path: Path) -> str:
    return path.stem


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_folders_hold_what_is_made_for_them():
    assert [p.stem for p in ACCEPT] == sorted(make.accepted())
    assert [p.stem for p in REJECT] == sorted(make.rejected())
    assert all(p.stat().st_size < 5000 for p in [*ACCEPT, *REJECT])


@pytest.mark.parametrize("path", ACCEPT, ids=name)
def test_accept(path):
    result = check_file(path)
    assert result.valid, result
    assert result.claim
    opinion, why = compare(path, sample=40), objection(path)
    assert opinion.agree is (why == ""), opinion
    assert why in opinion.reason


@pytest.mark.parametrize("path", REJECT, ids=name)
def test_reject(path):
    result = check_file(path)
    assert not result.valid
    assert result.claim == ""
    assert result.rigor == "none"
    assert result.where
    assert result.where != "checker", result


def test_without_assertions():
    """Everything in one process under -OO: no check is an assertion."""
    program = (
        "import sys; from certdde.verify.checker import check_file;"
        "print(*(int(check_file(p).valid) for p in sys.argv[1:]), sep='')"
    )
    done = subprocess.run(
        [sys.executable, "-OO", "-c", program, *map(str, [*ACCEPT, *REJECT])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "1" * len(ACCEPT) + "0" * len(REJECT), done.stderr


def test_the_second_opinion_accepts_no_false_proof():
    """It judges boxes and matrices only: what is false there it must find too."""
    claims = {
        "level_too_high",
        "radius_too_large",
        "beyond_stability",
        "unstable",
        "not_an_equilibrium",
    }
    arrays = set(make.false_arrays()) - {"gap_in_the_delays", "not_symmetric", "single_precision"}
    for path in REJECT:
        if path.stem in claims | arrays | {"spectral_beyond_stability"}:
            assert not compare(path, sample=None).agree, path


def test_the_schema_accepts_what_is_valid():
    schema = json.loads((ROOT / "docs" / "certificate.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for path in ACCEPT:
        validator.validate(json.loads(make.writer.entries_of(path)["certificate.json"]))


def test_the_example_agrees():
    source = ROOT / "examples" / "recheck_scalar.py"
    spec = importlib.util.spec_from_file_location("recheck_scalar", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for path in ACCEPT:
        if path.stem in SCALAR:
            assert module.check(path) == check_file(path).claim
    for path in REJECT:
        try:
            module.check(path)
        except Exception:
            continue
        assert path.stem in FORM
