"""Every file in examples/linear leads to a certificate that the checker accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

import certdde as cd

FILES = sorted(Path(__file__).parents[2].glob("examples/linear/*.toml"))
PATIENT = {"kr_slow", "two_state_scheme"}  # half a minute


def test_there_are_files():
    assert {"kr", "gu", "ld", "kim", "ten_delays"} <= {path.stem for path in FILES}


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=[pytest.mark.slow] * (p.stem in PATIENT), id=p.stem) for p in FILES],
)
def test_it_is_certified(path, tmp_path):
    certificate = cd.certify(cd.load_problem(path)).save(tmp_path / "certificate.certdde")
    assert (certificate.status, certificate.rigor) == ("certified", "rigorous")
    result = certificate.check()
    assert result.valid
    assert result.claim == certificate.claim
