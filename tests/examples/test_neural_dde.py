"""The example learns, writes and draws; in full it finds the delay, and what it learnt is certified."""

import runpy
from pathlib import Path

import pytest

from certdde.verify.checker import check_file

EXAMPLE = Path(__file__).parents[2] / "examples" / "neural_dde.py"


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", [str(EXAMPLE), *arguments])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    return capsys.readouterr().out


def test_it_learns_and_draws(tmp_path, monkeypatch, capsys):
    out = run(monkeypatch, capsys, str(tmp_path), "--steps", "8", "--no-proof")
    errors = [float(line.split()[3].rstrip(",")) for line in out.splitlines() if "step" in line]
    assert errors[-1] < 0.9 * errors[0]
    assert (tmp_path / "neural_dde.png").stat().st_size > 20_000


@pytest.mark.slow
def test_in_full_the_delay_is_found_and_the_learnt_equation_certified(
    tmp_path, monkeypatch, capsys
):
    out = run(monkeypatch, capsys, str(tmp_path))
    assert abs(float(out.split("\ndelay ")[1].split()[0]) - 0.5) < 0.02
    assert "certified, rigorous" in out
    assert check_file(tmp_path / "neural_dde.certdde").valid
