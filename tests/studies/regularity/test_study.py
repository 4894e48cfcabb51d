"""The study as a whole: a table that does not contradict itself, kept answers, and the command."""

import json

import numpy as np
import pytest
from command_line import run_certdde

from certdde.errors import ProblemError
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.nonlinear import simulated
from certdde.studies.regularity.perturbations import Perturbed
from certdde.studies.regularity.quenching import Switching
from certdde.studies.regularity.study import Study
from certdde.systems.problem import Problem

SCALAR = Matrices(np.zeros((1, 1)), -np.eye(1))


def problem(*equations, **system):
    table = {"equations": list(equations or ("x' = -x(t - tau)",)), **system}
    return Problem.from_dict({"system": table, "delays": {"tau": {"range": [0.0, 1.0]}}})


@pytest.fixture
def quick(monkeypatch):
    """Certified margins as they are known for the scalar equation, and searches without a certificate."""
    margins = {"constant": 1.57, "slow": None, "sampled": 1.99, "measurable": 1.4999}

    def certified(problem, regularity, stop, *, budget, progress=None):
        value = margins.get(regularity.kind)
        return {"margin": value, "method": "given", "rigor": "rigorous"}

    monkeypatch.setattr("certdde.studies.regularity.study.certified", certified)


def test_the_scalar_trio(quick, tmp_path, monkeypatch):
    kept = tmp_path / "answers.json"
    monkeypatch.setattr("certdde.studies.regularity.hunt.FINEST", 20)
    study = Study(problem(), 2.5, rates=(2.0,), starts=6, kept=kept).run()
    rows = {row["class"]: row for row in study["rows"]}
    assert rows["constant"]["exact"] == pytest.approx(np.pi / 2)
    assert rows["measurable"]["exact"] == 1.5
    assert rows["sampled"]["exact"] == 2.0
    for row in rows.values():
        if row["exact"]:
            assert row["exact"] < row["delay"]
        if row["delay"] and row["certified"]:
            assert row["certified"] < row["delay"]
        assert row["simulated"] > 0
    assert rows["lipschitz 2"]["certified_by"] == "measurable"
    assert rows["measurable"]["delay"] <= rows["lipschitz 2"]["delay"] <= rows["constant"]["delay"]
    assert rows["measurable"]["delay"] < 1.55
    assert set(json.loads(kept.read_text())["answers"]) >= {"found measurable", "certified sampled"}


def test_an_interrupted_study_goes_on(quick, tmp_path, monkeypatch):
    kept, asked = tmp_path / "answers.json", []

    def found(self, regularity, others):
        asked.append(regularity.key)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return {"delay": None}

    monkeypatch.setattr("certdde.studies.regularity.hunt.Hunt.found", found)
    with pytest.raises(KeyboardInterrupt):
        Study(problem(), 2.0, kept=kept).run()
    assert list(json.loads(kept.read_text())["answers"]) == ["found measurable"]
    Study(problem(), 2.0, kept=kept).run()
    assert asked.count("found measurable") == 0
    assert asked.count("measurable") == 1
    Study(problem(), 3.0, kept=kept).run()  # another study: nothing of the old one is used
    assert asked.count("measurable") == 2


@pytest.mark.parametrize(
    ("system", "word"),
    [
        (problem("x' = x(t - tau)"), "not stable without the delay"),
        (problem("x' = -x(t - tau) - x(t - 2*tau)"), "more than one delayed time"),
        (problem("x[t+1] = 0.5*x[t] - 0.1*x[t-tau]"), "scheme"),
    ],
)
def test_what_the_study_does_not_take(system, word):
    with pytest.raises(ProblemError, match=word):
        Study(system, 2.0).run()


@pytest.mark.parametrize(
    "words", [["--to", "-1"], ["--rate", "0"], ["--starts", "0"], ["--to", "nan"]]
)
def test_bad_options_are_one_line(words, tmp_path):
    file = tmp_path / "p.toml"
    file.write_text(
        '[system]\nequations = ["x\' = -x(t - tau)"]\n[delays.tau]\nrange = [0.0, 1.0]\n'
    )
    result = run_certdde("study", "regularity", file, "-o", tmp_path / "out", *words)
    assert result.status == 2
    assert len(result.err.strip().splitlines()) == 1


def test_the_command_writes_its_files(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "certdde.studies.regularity.hunt.Hunt.found", lambda self, one, others: {"delay": None}
    )
    file, out = tmp_path / "p.toml", tmp_path / "out"
    file.write_text(
        '[system]\nequations = ["x\' = -x(t - tau)"]\n[delays.tau]\nrange = [0.0, 1.0]\n'
    )
    result = run_certdde("study", "regularity", file, "-o", out, "--json")
    assert result.status == 0, result.err
    answer = json.loads(result.out)
    assert answer["rows"][0]["class"] == "constant"
    for name in ("report.md", "report.html", "regularity.json", "figures/regularity.png"):
        assert (out / name).stat().st_size > 0
    assert "found to destabilise" in (out / "report.md").read_text()


@pytest.mark.parametrize(("scale", "grows"), [(1.4, False), (2.1, True)])
def test_the_nonlinear_system_is_simulated_with_the_delay_found(scale, grows):
    """x' = -(1 + x) x(t - tau), sampled: with steps of more than 2 it leaves 0, with shorter ones it comes back."""
    equation = problem("x' = -(1 + x)*x(t - tau)", domain={"x": [-0.5, 1.0]}).build()
    shape = {"form": "gaps", "steps": 64, "letters": [63], "scale": scale}
    run = simulated(equation, Matrices.of(equation), {"shape": shape}, None, False)
    assert (run["end"] > 10 * run["start"]) == grows
    assert (run["end"] < 0.1 * run["start"]) != grows
    assert run["delay"] == pytest.approx(1.05 * scale)


def test_quenching():
    """A constant delay of 1.8 is unstable (above pi/2); switched fast between .8 and 2.8 it is its average."""
    delay = Switching(1.8, 1.0)
    assert SCALAR.abscissa(1.8) > 0 > delay.average(SCALAR)
    assert delay.exponent(SCALAR, 20.0) == pytest.approx(delay.average(SCALAR), abs=0.01)
    assert delay.exponent(SCALAR, 40.0) == pytest.approx(delay.average(SCALAR), abs=0.003)
    assert delay.exponent(SCALAR, 1.6) > 0  # in between it may do harm


def test_a_gradient_finds_perturbations_that_chance_does_not():
    base = SCALAR.abscissa(1.3)
    task = Perturbed(SCALAR, 1.3, 0.05)
    worst, exponent = task.worst(np.random.default_rng(0), starts=2)
    assert np.abs(worst.at(np.linspace(0, worst.period, 5001))).max() <= 1 + 1e-12
    others = [task.exponent(p) for p in task.drawn(20, np.random.default_rng(1))]
    assert exponent - base > 5 * max(abs(o - base) for o in others)
