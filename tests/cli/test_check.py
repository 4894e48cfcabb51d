import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
from command_line import run_certdde


@dataclass(frozen=True)
class FakeResult:
    valid: bool = True
    rigor: str = "rigorous"
    claim: str = "For every constant delay ..."
    reason: str = ""
    where: str = ""
    boxes: int = 12
    seconds: float = 0.5


@pytest.fixture
def check(stand_in, tmp_path):
    """Run ``certdde check`` with a checker that gives ``result``."""
    path = tmp_path / "certificate.certdde"
    path.touch()

    def run(result, *words):
        stand_in("certdde.verify.checker", check_file=lambda file, progress=None: result)
        return run_certdde("check", path, *words)

    return run


def test_a_valid_certificate(check):
    result = check(FakeResult())
    assert result.status == 0
    assert "For every constant delay" in result.out
    assert "12 boxes" in result.out


def test_json(check):
    result = check(FakeResult(), "--json")
    assert json.loads(result.out)["valid"] is True
    assert result.err == ""


def test_progress_counts_boxes(stand_in, tmp_path):
    def check_file(file, progress=None):
        progress(5, 12)
        return FakeResult()

    stand_in("certdde.verify.checker", check_file=check_file)
    (tmp_path / "c").touch()
    assert run_certdde("check", tmp_path / "c", "--progress").err == "check 5/12\n"


def test_a_proof_that_does_not_hold_is_status_1(check):
    bad = FakeResult(valid=False, reason="the digest differs", where="digest")
    result = check(bad)
    assert result.status == 1
    assert result.out == "not valid: the digest differs (digest)\n"
    assert check(bad, "--json").status == 1


def test_what_is_no_archive_is_status_2(check):
    complaint = check(FakeResult(valid=False, reason="cannot be read", where="file")).complaint()
    assert "certificate.certdde: cannot be read" in complaint


def test_the_command_loads_no_torch(tmp_path):
    script = (
        "import sys; from certdde.cli.main import main; main(['check', sys.argv[1]]);"
        "sys.exit(sorted({'torch', 'sympy', 'scipy', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    path = tmp_path / "none.certdde"
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
