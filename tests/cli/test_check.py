import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
from command_line import run_certdde

from ..verify.checker import maker


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


# ---- the second opinion


@dataclass(frozen=True)
class FakeOpinion:
    boxes: int = 5
    agree: bool = True
    reason: str = ""
    of: int = 12
    cut: int = 0
    seed: int = 0
    seconds: float = 0.25


@pytest.fixture
def arb(stand_in, check):
    """Run ``certdde check --arb`` with an opinion; the arguments it was asked with are kept."""
    asked = []

    def run(opinion, *words, result=None, note=""):
        def compare(file, **options):
            asked.append(options)
            return opinion

        stand_in("certdde.verify.second_opinion", compare=compare, objection=lambda file: note)
        return check(result or FakeResult(), "--arb", *words)

    run.asked = asked
    return run


def test_agreement(arb):
    result = arb(FakeOpinion())
    assert result.status == 0
    assert "arb agrees: 5 of 12 boxes" in result.out
    assert arb.asked[0]["sample"] == 1000
    answer = json.loads(arb(FakeOpinion(), "--json", "--sample", "all", "--seed", "3").out)
    assert answer["arb"]["boxes"] == 5
    assert answer["arb"]["agree"] is True
    assert arb.asked[1]["sample"] is None
    assert arb.asked[1]["seed"] == 3


def test_disagreement_makes_it_invalid(arb):
    bad = FakeOpinion(agree=False, reason="part0.codes: the inequality is not shown on [0, 1]")
    result = arb(bad)
    assert result.status == 1
    assert result.out.startswith("not valid: the second opinion differs: part0.codes")
    answer = json.loads(arb(bad, "--json").out)
    assert answer["valid"] is False
    assert answer["arb"]["agree"] is False
    assert answer["rigor"] == "none"
    assert answer["claim"] == ""


def test_a_kind_without_a_second_opinion(arb):
    """The verdict is the checker's, and a line says that nothing was compared."""
    result = arb(FakeOpinion(), note="there is one on the kinds .. only")
    assert result.status == 0
    assert "no second opinion: there is one on the kinds" in result.out
    assert "arb agrees" not in result.out
    answer = json.loads(arb(FakeOpinion(), "--json", note="none").out)
    assert (answer["valid"], answer["arb"], answer["arb_note"]) == (True, None, "none")
    assert not arb.asked


def test_no_opinion_on_what_is_refused(arb):
    result = arb(FakeOpinion(), "--json", result=FakeResult(valid=False, reason="x", where="y"))
    assert result.status == 1
    assert json.loads(result.out)["arb"] is None
    assert not arb.asked


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--sample", "5"], "add --arb"),
        (["--seed", "5"], "add --arb"),
        (["--arb", "--sample", "0"], "--sample"),
        (["--arb", "--sample", "some"], "--sample"),
        (["--arb", "--seed", "x"], "--seed"),
    ],
)
def test_draws_that_cannot_be(check, words, expected):
    assert expected in check(FakeResult(), *words).complaint()


def test_a_real_certificate(tmp_path):
    path = maker.hutchinson().save(tmp_path / "a.certdde")
    result = run_certdde("check", path, "--arb", "--sample", 10, "--json")
    assert result.status == 0
    assert json.loads(result.out)["arb"]["boxes"] == 10
