import csv
import json
from pathlib import Path

import pytest
from command_line import HUTCHINSON, run_certdde

from ..verify.checker import maker


@pytest.fixture
def certificate(tmp_path) -> Path:
    return maker.linear_scalar(1).save(tmp_path / "a.certdde")


@pytest.fixture
def unstable(tmp_path) -> Path:
    path = tmp_path / "unstable.toml"
    path.write_text(HUTCHINSON.replace("0.9", "1.7"), encoding="utf-8")
    return path


def test_nothing_found(certificate, tmp_path):
    result = run_certdde("attack", certificate, "-o", tmp_path / "out", "--budget", 1)
    assert result.status == 0
    assert result.out.startswith("no counterexample found")
    assert not list((tmp_path / "out").iterdir())


def test_json_of_nothing(certificate, tmp_path):
    words = ("attack", certificate, "-o", tmp_path / "out", "--budget", 1, "--json")
    answer = json.loads(run_certdde(*words).out)
    assert answer["found"] is False
    assert answer["delay"] is answer["history"] is answer["trajectory"] is None


def test_a_counterexample(unstable, tmp_path):
    result = run_certdde("attack", unstable, "-o", tmp_path / "out", "--budget", 2, "--json")
    assert result.status == 1
    answer = json.loads(result.out)
    assert answer["found"] is True
    assert answer["kind"] == "unstable linearisation"
    assert answer["delay"] > 1.57
    assert len(answer["history"]["times"]) == len(answer["history"]["values"]["x"])
    rows = list(csv.reader(Path(answer["trajectory"]).read_text().splitlines()))
    assert rows[0] == ["t", "x"]
    assert float(rows[1][0]) == pytest.approx(-answer["delay"])
    assert Path(answer["plot"]).stat().st_size > 1000


def test_overrides_and_text(problem_file, tmp_path):
    words = ("--set", "delays.tau.range=[0,1.7]", "-o", tmp_path / "out", "--budget", 2)
    result = run_certdde("attack", problem_file, *words)
    assert result.status == 1
    assert "unstable linearisation" in result.out
    assert "attack.csv" in result.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--budget", "0"], "--budget"),
        (["--budget", "nan"], "--budget"),
        (["--set", "certify.order=2"], "no fields to override"),
    ],
)
def test_options_that_cannot_be(certificate, tmp_path, words, expected):
    complaint = run_certdde("attack", certificate, "-o", tmp_path / "out", *words).complaint()
    assert expected in complaint


def test_files_that_cannot_be(tmp_path):
    for name, content in (("a.certdde", b"nonsense"), ("b.certdde", b"PK\x05\x06" + b"\0" * 18)):
        (tmp_path / name).write_bytes(content)
        run_certdde("attack", tmp_path / name, "-o", tmp_path / "out").complaint()
    run_certdde("attack", tmp_path / "missing", "-o", tmp_path / "out").complaint()
    draft = maker.linear_scalar(1)
    draft.document["status"] = "unknown"
    path = draft.save(tmp_path / "c.certdde")
    assert "claims nothing" in run_certdde("attack", path, "-o", tmp_path / "out").complaint()
