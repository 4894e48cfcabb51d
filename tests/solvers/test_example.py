"""The example runs, finds the delay, and draws."""

import runpy
from pathlib import Path

import pytest


def test_example_finds_the_delay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = Path(__file__).parents[2] / "examples" / "solve.py"
    monkeypatch.setattr("sys.argv", [str(example), str(tmp_path)])
    runpy.run_path(str(example), run_name="__main__")
    assert "1.1000000000 (true 1.1)" in capsys.readouterr().out
    assert (tmp_path / "solve.png").stat().st_size > 20_000
