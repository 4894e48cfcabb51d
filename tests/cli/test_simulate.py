import csv
import json
import math

import pytest
from command_line import run_certdde


@pytest.fixture
def where(tmp_path, stand_in):
    """A solver that stays at its history, and a place for the trajectory."""

    def ddeint(f, history, t, delays, *, rtol, atol, method, options):
        f(t[0], history, [history for _ in delays])
        return history.expand(len(t), *history.shape)

    stand_in("certdde.solvers", ddeint=ddeint)
    return tmp_path / "trajectory.csv"


def test_json_and_the_files(problem_file, where, tmp_path):
    plot = tmp_path / "plot.png"
    result = run_certdde("simulate", problem_file, "-o", where, "--plot", plot, "--json")
    assert result.status == 0, result.err
    data = json.loads(result.out)
    assert data["delays"] == {"tau": 0.9}
    assert data["history"] == {"x": 0.5}
    assert data["finite"] is True
    assert plot.stat().st_size > 0
    with where.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(rows[-1][key]) for key in ("t", "x")] == [36.0, 0.5]


def test_delay_history_and_time_of_the_user(problem_file, where):
    words = ["--tau", "0.5", "--history", "x=-0.25", "--time", "7", "--json"]
    data = json.loads(run_certdde("simulate", problem_file, "-o", where, *words).out)
    assert data["delays"] == {"tau": 0.5}
    assert data["final"] == {"x": -0.25}
    assert data["time"] == 7.0


def test_the_solver_itself(problem_file, tmp_path):
    """x' = -x with a delay that is not used: the answer is known."""
    words = ["--set", "system.equations.0=x' = -x", "--history", "x=0.5", "--time", "3", "--json"]
    result = run_certdde("simulate", problem_file, "-o", tmp_path / "t.csv", *words)
    assert json.loads(result.out)["final"]["x"] == pytest.approx(0.5 * math.exp(-3), rel=1e-6)


@pytest.mark.parametrize(
    "words",
    [
        ["--tau", "-1"],
        ["--tau", "sigma=1"],
        ["--tau", "nan"],
        ["--history", "y=1"],
        ["--history", "x=one"],
        ["--time", "0"],
        ["--time", "inf"],
        ["--plot", "picture.txt"],
    ],
)
def test_bad_options(problem_file, where, words):
    run_certdde("simulate", problem_file, "-o", where, *words).complaint()
    assert not where.exists()


def test_a_directory_in_place_of_the_trajectory(problem_file, where, tmp_path):
    complaint = run_certdde("simulate", problem_file, "-o", tmp_path).complaint()
    assert "this is a directory" in complaint


def test_several_delays_and_their_multiples(tmp_path):
    """x' = -x(t - a) - x(t - 2 b)/2 with a = b = 1: the exact solution of the first two steps from history 1."""
    path = tmp_path / "problem.toml"
    path.write_text(
        '[system]\nequations = ["x\' = -x(t - a) - 0.5*x(t - 2*b)"]\n'
        "[delays.a]\nrange = [0, 1]\n[delays.b]\nrange = [0, 1]\n",
        encoding="utf-8",
    )
    options = ["--tau", "a=1", "--tau", "b=1", "--history", "x=1", "--time", "2"]
    done = run_certdde("simulate", path, *options, "-o", tmp_path / "t.csv", "--json")
    answer = json.loads(done.out)
    assert answer["delays"] == {"a": 1.0, "b": 1.0}
    # x(1) = 1 - 1.5, and on [1, 2]: x' = -(1 - 1.5 (t - 1)) - 0.5.
    assert answer["final"]["x"] == pytest.approx(-0.5 - 1.5 + 0.75, abs=1e-6)


def test_sample_and_hold(tmp_path):
    """The delay is the step from one reading to the next, x(t_k) = (1 - s)^k; there is no step of 0."""
    file = tmp_path / "held.toml"
    file.write_text(
        '[system]\nequations = ["x\' = -x(t - tau)"]\n[delays.tau]\nclass = "sampled"\nrange = [0, 1.5]\n'
    )
    where = tmp_path / "t.csv"
    words = ["simulate", file, "-o", where, "--json", "--history", "x=2", "--time", "6"]
    data = json.loads(run_certdde(*words).out)
    assert data["delays"] == {"tau": 1.5}
    assert data["final"]["x"] == pytest.approx(2 * (-0.5) ** 4)
    refused = run_certdde(*words, "--tau", "0")
    assert refused.status == 2
    assert "0.0 is no step of sample and hold" in refused.err
    assert len(refused.err.splitlines()) == 1
