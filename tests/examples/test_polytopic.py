"""The nonlinear examples with two delays, and with a slow one: by command, from the file to a checked certificate."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import run_certdde

from certdde.certificates import Certificate
from certdde.systems.problem import load_problem

FOLDER = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("two_delay_neuron", "values in -2.0 <= x <= 2.0 and V <= 1.0 stays there"),
        pytest.param(
            "slow_pendulum",
            "-2.0 <= omega <= 2.0 and V <= 1.0 at the delay tau(0) stays there",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_it_is_certified_and_checked_by_command(name, said, tmp_path):
    run = run_certdde("certify", FOLDER / f"{name}.toml", "-o", tmp_path / "out")
    assert run.status == 0, run.err
    path = tmp_path / "out" / "certificate.certdde"
    assert Certificate.load(path).rigor == "rigorous"
    assert {p.suffix for p in (tmp_path / "out").iterdir()} >= {".html", ".md", ".tex"}
    checked = run_certdde("check", path)
    assert checked.status == 0, checked.err
    assert said in " ".join(checked.out.split())


@pytest.mark.parametrize("name", ["two_delay_neuron", "slow_pendulum"])
def test_without_a_domain_it_is_refused_in_one_line(name, tmp_path):
    text = (FOLDER / f"{name}.toml").read_text()
    kept = [line for line in text.splitlines() if not line.startswith("domain")]
    path = tmp_path / "a.toml"
    path.write_text("\n".join(kept))
    load_problem(path)
    run = run_certdde("certify", path, "-o", tmp_path / "out")
    assert run.status == 2
    [line] = run.err.splitlines()
    assert "system.domain: the system is not linear and has no domain" in line
    assert "domain = { x = [-1.0, 1.0] }" in line
