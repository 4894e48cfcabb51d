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
