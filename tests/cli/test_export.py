import csv
import json
import sys

import pytest
from command_line import run_certdde

from ..verify.checker import maker


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return maker.hutchinson(True).save(tmp_path_factory.mktemp("export") / "a.certdde")


def test_export(certificate, tmp_path):
    pytest.importorskip("onnx")
    words = ("export", certificate, "--vnnlib", tmp_path / "out", "--boxes", 5, "--json")
    result = run_certdde(*words)
    assert result.status == 0
    answer = json.loads(result.out)
    assert len(answer["queries"]) == 5
    assert answer["dtype"] == "float64"
    rows = list(csv.reader((tmp_path / "out" / "instances.csv").read_text().splitlines()))
    assert len(rows) == 5
    assert all((tmp_path / "out" / name).exists() for row in rows for name in row[:2])
    assert "5 of" in run_certdde(*words[:-1]).out


def test_without_the_package(certificate, tmp_path, monkeypatch):
    for name in ("onnx", "onnx.helper", "onnx.numpy_helper"):
        monkeypatch.setitem(sys.modules, name, None)
    complaint = run_certdde("export", certificate, "--vnnlib", tmp_path / "out").complaint()
    assert "onnx cannot be imported" in complaint
    assert "--extra export" in complaint


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "--vnnlib"),
        (["--vnnlib", "out", "--boxes", "0"], "--boxes"),
        (["--vnnlib", "out", "--boxes", "some"], "--boxes"),
        (["--vnnlib", "out", "--dtype", "float16"], "--dtype"),
    ],
)
def test_options_that_cannot_be(certificate, words, expected):
    assert expected in run_certdde("export", certificate, *words).complaint()


def test_a_linear_system_has_no_boxes(tmp_path):
    pytest.importorskip("onnx")
    path = maker.linear_scalar(1).save(tmp_path / "a.certdde")
    complaint = run_certdde("export", path, "--vnnlib", tmp_path / "out").complaint()
    assert "nothing in this system is nonlinear" in complaint


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_files_that_cannot_be(tmp_path, content):
    if content is not None:
        (tmp_path / "a").write_bytes(content)
    run_certdde("export", tmp_path / "a", "--vnnlib", tmp_path / "out").complaint()
