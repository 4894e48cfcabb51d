import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from command_line import FakeCertificate, run_certdde, write_fake_report


@pytest.fixture(autouse=True)
def fake_report(stand_in):
    stand_in("certdde.reports", write_report=write_fake_report)


@pytest.fixture
def calls(stand_in):
    """The arguments of each call of the stand-in for certify, which always succeeds."""
    seen = []

    def certify(problem, delay=None, **options):
        seen.append((problem, options))
        print("a library talks on standard output")
        return FakeCertificate()

    stand_in("certdde.learning.certify", certify=certify)
    return seen


def test_json_is_the_only_thing_on_standard_output(calls, problem_file, tmp_path):
    result = run_certdde("certify", problem_file, "-o", tmp_path / "out", "--json")
    assert result.status == 0
    data = json.loads(result.out)
    assert data["status"] == "certified"
    assert data["path"] == str(tmp_path / "out" / "certificate.certdde")
    assert Path(data["path"]).exists()
    assert data["statistics"]["seconds"]["check"] is None
    assert "a library talks" in result.err


def test_summary_names_claim_baselines_and_files(calls, problem_file, tmp_path):
    result = run_certdde("certify", problem_file, "-o", tmp_path / "out")
    assert result.status == 0
    for text in ("certified", "rigorous", "For every constant delay", "0.677", "report.md"):
        assert text in result.out


def test_summary_says_what_each_method_said(stand_in, problem_file, tmp_path):
    found = FakeCertificate()
    said = [
        {"method": "theorem", "said": "the equation is no negative feedback", "seconds": 0.25},
        {"method": "lmi", "said": "proved", "seconds": 1.5},
    ]
    found.data["statistics"]["methods"] = said
    stand_in("certdde.learning.certify", certify=lambda *a, **k: found)
    out = " ".join(run_certdde("certify", problem_file, "-o", tmp_path / "out").out.split())
    assert "theorem the equation is no negative feedback 0.25" in out
    assert "lmi proved 1.5" in out
    found.data["statistics"]["methods"] = said[1:]
    assert "proved" not in run_certdde("certify", problem_file, "-o", tmp_path / "out").out


def test_settings_of_the_file_and_of_set_are_passed_on(calls, problem_file, tmp_path):
    options = ["--set", "certify.order=2", "--set", "certify.method=lmi"]
    options += ["--set", "delays.tau.range=[0,0.3]"]
    assert run_certdde("certify", problem_file, "-o", tmp_path / "out", *options).status == 0
    [(problem, passed)] = calls
    assert problem.delay_class().upper == 0.3
    assert passed["order"] == 2
    assert passed["method"] == "lmi"
    assert passed["engine"] == "intervals"
    assert passed["workdir"] == tmp_path / "out" / "checkpoints"


@pytest.mark.parametrize("status", ["unknown", "refuted"])
def test_no_certificate_is_status_1(stand_in, problem_file, tmp_path, status):
    stand_in("certdde.learning.certify", certify=lambda *a, **k: FakeCertificate(status))
    assert run_certdde("certify", problem_file, "-o", tmp_path / "out").status == 1


def test_progress_lines_on_request(stand_in, problem_file, tmp_path):
    def certify(problem, *, progress, **options):
        progress("training", {"step": 3, "steps": 40, "margin": 0.0123456})
        progress("proof", {"boxes": 12, "open": 3})
        return FakeCertificate()

    stand_in("certdde.learning.certify", certify=certify)
    result = run_certdde("certify", problem_file, "-o", tmp_path / "out", "--json", "--progress")
    assert result.err == "training 3/40 margin 0.01235\nproof boxes 12, open 3\n"
    json.loads(result.out)


def test_progress_says_how_much_of_the_budget_is_left(stand_in, problem_file, tmp_path):
    def certify(problem, *, progress, **options):
        progress("training", {"round": 2, "step": 3, "steps": 40, "seconds_left": 541.4})
        progress("proof", {"round": 2, "boxes": 12, "open": 3, "seconds_left": 0.0})
        return FakeCertificate()

    stand_in("certdde.learning.certify", certify=certify)
    result = run_certdde("certify", problem_file, "-o", tmp_path / "out", "--progress")
    lines = ["training 3/40 round 2, 9:01 left", "proof round 2, boxes 12, open 3, 0:00 left"]
    assert result.err.splitlines() == lines


def test_summary_says_what_simulation_shows_of_a_domain_in_which_nothing_was_proved(
    stand_in, problem_file, tmp_path
):
    found = FakeCertificate("unknown")
    escape = {
        "delays": {"tau": 0.9},
        "history": {"x": 0.66},
        "outcome": "leaves the domain at t = 2",
    }
    found.data["statistics"]["escape"] = escape
    stand_in("certdde.learning.certify", certify=lambda *a, **k: found)
    out = " ".join(run_certdde("certify", problem_file, "-o", tmp_path / "out").out.split())
    assert "at tau = 0.9 from the constant deviation x = 0.66 leaves the domain at t = 2: no" in out


@pytest.mark.parametrize("saves", [True, False])
def test_interrupt_says_what_was_saved(stand_in, problem_file, tmp_path, saves):
    def certify(problem, *, workdir, **options):
        if saves:
            workdir.mkdir()
            (workdir / "state").touch()
        raise KeyboardInterrupt

    stand_in("certdde.learning.certify", certify=certify)
    result = run_certdde("certify", problem_file, "-o", tmp_path / "out")
    assert result.status == 130
    assert result.err.count("\n") == 1
    assert ("checkpoints are in" in result.err) == saves
    assert ("nothing was saved" in result.err) != saves


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_real_ctrl_c_is_status_130_and_one_line(problem_file, tmp_path):
    script = """
        import signal, sys, time, types
        signal.signal(signal.SIGINT, signal.default_int_handler)
        fake = types.ModuleType("certdde.learning.certify")
        def certify(*a, **k):
            print("started", file=sys.stderr, flush=True)
            time.sleep(60)
        fake.certify = certify
        sys.modules["certdde.learning.certify"] = fake
        sys.modules["certdde.reports"] = types.ModuleType("certdde.reports")
        sys.modules["certdde.reports"].write_report = None
        from certdde.cli.main import main
        sys.exit(main(sys.argv[1:]))
    """
    words = [sys.executable, "-c", textwrap.dedent(script), "certify", str(problem_file)]
    words += ["-o", str(tmp_path / "out")]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stderr.readline() == b"started\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == b""
    assert err.startswith(b"certdde: interrupted; ")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize("place", ["file", "below-file"])
def test_output_that_cannot_be_a_directory(calls, problem_file, tmp_path, place):
    (tmp_path / "file").touch()
    name = {"file": "file", "below-file": "file/out"}[place]
    complaint = run_certdde("certify", problem_file, "-o", tmp_path / name).complaint()
    assert "cannot write there" in complaint
    assert not calls


def test_bad_input_makes_no_directory(calls, tmp_path):
    run_certdde("certify", tmp_path / "none.toml", "-o", tmp_path / "out").complaint()
    assert not (tmp_path / "out").exists()


def test_a_bug_is_one_line_and_a_file(stand_in, problem_file, tmp_path, monkeypatch):
    def certify(*arguments, **options):
        raise TypeError("two\nlines")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stand_in("certdde.learning.certify", certify=certify)
    result = run_certdde("certify", problem_file, "-o", tmp_path / "out")
    assert result.status == 2
    assert result.err.count("\n") == 1
    assert "internal error (TypeError: two lines)" in result.err
    [saved] = tmp_path.glob("certdde-*.txt")
    assert "Traceback" in saved.read_text(encoding="utf-8")
    assert str(saved) in result.err
