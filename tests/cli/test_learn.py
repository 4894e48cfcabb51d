import json
import math
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from command_line import run_certdde
from learning_files import FLOW, FROM_FILE, IMITATED, SCHEME, arrays, csv_text, write_npz
from safetensors.torch import load_file

FILES = ("model.safetensors", "model.json", "report.html", "report.md", "equations.toml")
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "p.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_what_is_learnt_is_certified_straight_away(write, tmp_path):
    """The path of the documentation: learn, then certify equations.toml, then check."""
    out = tmp_path / "out"
    result = run_certdde("learn", write(IMITATED), "-o", out, "--json")
    assert result.status == 0, result
    answer = json.loads(result.out)
    assert all((out / name).exists() for name in FILES)
    assert answer["model"] == "dde"
    assert answer["errors"]["test"] < answer["errors"]["constant"]
    assert answer["equations"] == str(out / "equations.toml")
    proof = run_certdde("certify", out / "equations.toml", "-o", tmp_path / "proof", "--json")
    assert proof.status == 0, proof
    certificate = json.loads(proof.out)
    assert certificate["rigor"] == "rigorous"
    [delay] = answer["delays"]
    low, high = certificate["delay"]["range"]
    assert low <= delay["learned"] <= high
    assert certificate["region"]["radius"]["rho"] > 0
    assert run_certdde("check", tmp_path / "proof" / "certificate.certdde").status == 0


@pytest.mark.parametrize("text", [SCHEME, FLOW], ids=["scheme", "flow"])
def test_learnt_schemes_and_maps_are_certified_too(write, tmp_path, text):
    out = tmp_path / "out"
    assert run_certdde("learn", write(text), "-o", out).status == 0
    proof = run_certdde("certify", out / "equations.toml", "-o", tmp_path / "proof", "--json")
    assert proof.status == 0, proof
    assert json.loads(proof.out)["rigor"] == "rigorous"


def test_the_summary_names_errors_the_delay_and_the_files(write, tmp_path):
    result = run_certdde("learn", write(IMITATED), "-o", tmp_path / "out", "--progress")
    assert result.status == 0
    for text in ("test error", "learnt tau", *FILES, "figures/delays.png"):
        assert text in result.out
    assert re.search(r"learning 1/30 validation \S+, delay_1 \S+", result.err)


def test_a_model_that_is_no_equation_says_why(write, tmp_path):
    words = ["--set", "learn.activation=relu", "--set", "learn.epochs=1"]
    result = run_certdde("learn", write(IMITATED), "-o", tmp_path / "out", *words)
    assert result.status == 0
    assert "no equations: the activation relu is not in the grammar" in result.out
    assert "equations.toml" not in result.out
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "activation relu is not in the grammar" in report
    answer = json.loads(
        run_certdde("learn", tmp_path / "p.toml", "-o", tmp_path / "out", *words, "--json").out
    )
    assert answer["equations"] is None
    assert "relu" in answer["why_no_equations"]


def test_a_model_that_blows_up_is_status_1(write, tmp_path):
    """Steps of 1e9 of Adam make a right-hand side that no trajectory survives."""
    words = ["--set", "learn.rate=1e200", "--set", "learn.epochs=2"]
    result = run_certdde("learn", write(IMITATED), "-o", tmp_path / "out", *words, "--json")
    assert result.status == 1, result
    answer = json.loads(result.out)
    assert answer["finite"] is False
    assert answer["errors"]["test"] is None


def test_without_onnx_all_else_is_written(write, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    words = ["--set", "learn.epochs=1"]
    result = run_certdde("learn", write(IMITATED), "-o", tmp_path / "out", *words)
    assert result.status == 0
    assert "onnx cannot be imported" in result.out
    assert not (tmp_path / "out" / "model.onnx").exists()
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_the_same_file_is_certified_and_simulated_as_the_true_system(write, tmp_path):
    path = write(IMITATED)
    out = run_certdde("simulate", path, "-o", tmp_path / "t.csv", "--json")
    assert out.status == 0, out
    assert math.isfinite(json.loads(out.out)["final"]["x"])
    proof = run_certdde("certify", path, "-o", tmp_path / "proof")
    assert proof.status == 0, proof


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("learn_*.toml")))
def test_examples_are_read(name):
    from certdde.models.learn.gathering import gathered
    from certdde.systems.learn_problem import load_learn_problem

    found = load_learn_problem(EXAMPLES / name, ["learn.data.trajectories=3"])
    assert len(gathered(found)) == 3


# A process that was started in the background ignores SIGINT, and its children too: here it must not.
SCRIPT = """
    import signal, sys
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from certdde.cli.main import main
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_leaves_a_state_from_which_the_same_command_comes_to_the_same_weights(
    write, tmp_path
):
    words = ["learn", str(write(IMITATED)), "--set", "learn.epochs=60"]
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert run_certdde(*words, "-o", whole).status == 0
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), *words, "-o", str(out), "--progress"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stderr:
            if line.startswith("learning"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        process.wait(timeout=60)
    assert process.returncode == 130, rest
    last = rest.splitlines()[-1]
    assert last.startswith("certdde: interrupted; ")
    assert "the same command goes on from there" in last or "nothing was saved" in last
    assert run_certdde(*words, "-o", out).status == 0
    one, other = (load_file(folder / "model.safetensors") for folder in (whole, out))
    assert all(bool((one[key] == other[key]).all()) for key in one)
    assert one.keys() == other.keys()


@pytest.mark.parametrize("saves", [True, False])
def test_interrupt_says_what_was_saved(write, tmp_path, monkeypatch, saves):
    def stop(problem, directory, *, progress=None):
        if saves:
            (directory / "checkpoints" / "key").mkdir(parents=True)
            (directory / "checkpoints" / "key" / "fit.json").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("certdde.models.learn.learn", stop)
    result = run_certdde("learn", write(IMITATED), "-o", tmp_path / "out")
    assert result.status == 130
    assert result.err.count("\n") == 1
    assert ("checkpoints are in" in result.err) == saves
    assert ("nothing was saved" in result.err) != saves


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("learn.model=gan", "use one of: dde, scheme, flow"),
        ("learn.model=ddee", "did you mean 'dde'?"),
        ("learn.epoch=3", "did you mean 'epochs'?"),
        ("learn.epochs=0", "a whole number from 1 on"),
        ("learn.epochs=1.5", "a whole number from 1 on"),
        ("learn.rate=-1", "a number above 0"),
        ("learn.rate=nan", "finite"),
        ("learn.validation=1", "between 0 and 1"),
        ("learn.window=3", "a dde takes no 'window'"),
        ("learn.hidden=0", "no number of units"),
        ("learn.delays.bounds=[2,1]", "reversed"),
        ("learn.delays.bounds=[0,1]", "0 < lower < upper"),
        ("learn.delays.start=[9]", "9.0 is not inside [0.1, 1.5]"),
        ("learn.delays.start=[]", "learn.delays.start"),
        ("learn.delays.known=[1]", "there is 'start' too"),
        ("learn.delays.range=[0,1]", "has no range yet"),
        ("learn.delays.limits=[1]", "unknown key 'limits'"),
        ("learn.data.file=x.npz", "a file has no 'end'"),
        ("learn.data.trajectories=2", "from 3 to"),
        ("learn.data.histories=square", "constant"),
        ("learn.data.range={x=[1,-1]}", "reversed"),
        ("learn.domain={z=[-1,1]}", "the state x is missing"),
        ("learn.test=0.9", "nothing is left to train on"),
        ("delays.tau.range=[0.1,0.5]", "one number"),
        ("learned.x=1", "did you mean 'learn'?"),
        ('system.equations=["x\' = "]', "system.equations"),
    ],
)
def test_settings_that_cannot_be_are_one_line(write, tmp_path, override, expected):
    result = run_certdde("learn", write(IMITATED), "-o", tmp_path / "out", "--set", override)
    complaint = result.complaint()
    assert expected in complaint


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('[learn]\nmodel = "dde"', "[learn]", "the key 'model' is missing"),
        ('[learn.data]\nfile = "data.npz"\n', "", "nothing to learn from"),
        ("data.npz", "none.npz", "no such file"),
        ("data.npz", "data.pt", "no kind of data"),
        ("[learn.delays]\nstart = [0.5]\nbounds = [0.1, 1.0]", "", "no delay is known"),
        ("bounds = [0.1, 1.0]", "bounds = [0.1, 3.0]", "the history goes back 1"),
        ("start = [0.5]\nbounds = [0.1, 1.0]", "start = [5.0]", "nothing of it is seen"),
        ("[learn.data]", "[delays.tau]\nrange = [1, 1]\n[learn.data]", "delays of a system"),
        ("[learn.data]", "[learn.data]\nequilibrium = { y = 1.0 }", "y is no state"),
        ("step = 0.25", "step = -1", "not positive"),
    ],
)
def test_mistakes_in_the_file_are_one_line(write, tmp_path, old, new, expected):
    assert old in FROM_FILE
    write_npz(tmp_path)
    complaint = run_certdde(
        "learn", write(FROM_FILE.replace(old, new)), "-o", tmp_path / "out"
    ).complaint()
    assert expected in complaint


@pytest.mark.parametrize("kind", ["npz", "csv"])
@pytest.mark.parametrize("what", ["empty", "directory", "binary", "nan", "short"])
def test_data_that_cannot_be_used_are_one_line(write, tmp_path, kind, what):
    path = tmp_path / f"data.{kind}"
    data = arrays()
    match what:
        case "empty":
            path.touch()
        case "directory":
            path.mkdir()
        case "binary":
            path.write_bytes(bytes(range(256)) * 4)
        case "nan":
            data["states"][2, 3, 0] = math.nan
        case "short":
            data = arrays(samples=2)
    if what in ("nan", "short"):
        if kind == "npz":
            write_npz(tmp_path, **data)
        else:
            path.write_text(csv_text(data), encoding="utf-8")
    text = FROM_FILE.replace("data.npz", f"data.{kind}")
    complaint = run_certdde("learn", write(text), "-o", tmp_path / "out").complaint()
    assert str(path) in complaint


@pytest.mark.parametrize("what", ["empty", "directory", "missing", "binary"])
def test_problem_files_of_the_wrong_kind(tmp_path, what):
    path = tmp_path / "thing.toml"
    match what:
        case "empty":
            path.touch()
        case "directory":
            path.mkdir()
        case "binary":
            path.write_bytes(bytes(range(256)))
    run_certdde("learn", path, "-o", tmp_path / "out").complaint()
    assert not (tmp_path / "out").exists()


def test_output_that_cannot_be_a_directory(write, tmp_path):
    (tmp_path / "file").touch()
    complaint = run_certdde("learn", write(IMITATED), "-o", tmp_path / "file").complaint()
    assert "cannot write there" in complaint
