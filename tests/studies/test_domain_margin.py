"""The study of margins against the size of the domain: scaled domains, kept answers, files, and the command."""

import json

import numpy as np
import pytest
from command_line import run_certdde

from certdde.reports.domain_margin_files import table, written
from certdde.studies import domain_margin
from certdde.studies.domain_margin import DomainStudy, scaled_problem
from certdde.systems.feedforward import Feedforward, Step
from certdde.systems.network_files import write_network
from certdde.systems.problem import Problem, load_problem

FILE = """
[system]
equations = ["x' = u(x(t - tau))"]
domain = { x = [-0.5, 1.0] }
[system.networks]
u = "u.safetensors"
[delays.tau]
range = [0.0, 0.9]
"""


def controller(gain):
    """-gain * tanh(x)."""
    one, zero = np.ones((1, 1)), np.zeros(1)
    steps = (Step("affine", (0,), one, zero), Step("tanh", (1,)))
    return Feedforward(1, (*steps, Step("affine", (2,), -gain * one, zero)))


@pytest.fixture
def loop(tmp_path):
    write_network(controller(1.0), tmp_path / "u.safetensors")
    path = tmp_path / "loop.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def quick(monkeypatch):
    """Answers without searches: the methods and domains that were asked for."""
    asked = []

    def certified(study, problem, method, stop):
        asked.append((method, problem.system.domain["x"]))
        return {"margin": 0.5, "method": method, "rigor": "rigorous", "seconds": 0.0}

    monkeypatch.setattr(DomainStudy, "_certified", certified)
    monkeypatch.setattr(DomainStudy, "_simulated", lambda *_: {"found": None})
    return asked


def test_the_domain_is_scaled_around_the_equilibrium():
    data = {
        "system": {
            "equations": ["x' = x(t - tau)*(2 - x)"],
            "equilibrium": {"x": 2.0},
            "domain": {"x": [1.5, 3.0]},
        },
        "delays": {"tau": {"range": [0.0, 0.1]}},
    }
    problem = Problem.from_dict(data)
    assert scaled_problem(problem, 0.5).system.domain == {"x": (1.75, 2.5)}
    assert scaled_problem(problem, 1.0).system.domain == {"x": (1.5, 3.0)}
    assert scaled_problem(problem, 2.0).build().domain == ((-1, 2),)


def test_a_smaller_domain_has_no_smaller_margin(loop):
    """Of the same method; and no margin goes beyond pi / 2, the exact one of the linearisation."""
    study = DomainStudy(load_problem(loop), 1.8, scales=(1.0, 0.25), methods=("lmi",), attack=1.0)
    result = study.run()
    small, large = (row["certified"]["lmi"]["margin"] for row in result["rows"])
    assert [row["scale"] for row in result["rows"]] == [0.25, 1.0]
    assert 0.5 < large < small < np.pi / 2
    assert result["local"]["delay"] == pytest.approx(np.pi / 2)
    assert result["local"]["rigor"] == "float64"


def test_answers_are_kept_and_more_scales_added(loop, quick, tmp_path):
    kept, problem = tmp_path / "answers.json", load_problem(loop)
    DomainStudy(problem, 1.8, scales=(1.0,), kept=kept).run()
    first = list(quick)
    assert [m for m, _ in first] == ["lmi", "quadratic"]
    DomainStudy(problem, 1.8, scales=(0.5, 1.0), kept=kept).run()
    assert quick[len(first) :] == [("lmi", (-0.25, 0.5)), ("quadratic", (-0.25, 0.5))]


def test_another_network_is_another_study(loop, quick, tmp_path):
    kept = tmp_path / "answers.json"
    DomainStudy(load_problem(loop), 1.8, scales=(1.0,), kept=kept).run()
    write_network(controller(2.0), tmp_path / "u.safetensors")
    DomainStudy(load_problem(loop), 1.8, scales=(1.0,), kept=kept).run()
    assert len(quick) == 4


def test_an_interrupt_keeps_the_answers(loop, quick, tmp_path, monkeypatch):
    kept = tmp_path / "answers.json"

    def press(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(DomainStudy, "_simulated", press)
    with pytest.raises(KeyboardInterrupt):
        DomainStudy(load_problem(loop), 1.8, scales=(1.0,), kept=kept).run()
    assert set(json.loads(kept.read_text())["answers"]) == {"lmi 1", "quadratic 1"}


def test_the_files(loop, quick, tmp_path):
    result = DomainStudy(load_problem(loop), 1.8).run()
    result["rows"][0]["certified"]["lmi"]["margin"] = None
    result["rows"][1]["simulated"] = {"delay": 1.25, "how": "diverges", "history": {"x": 1.0}}
    files = written(result, tmp_path)
    assert files["margins.png"].read_bytes().startswith(b"\x89PNG")
    assert files["margins.pdf"].read_bytes().startswith(b"%PDF")
    assert json.loads(files["margins.json"].read_text())["rows"][1]["simulated"]["delay"] == 1.25
    lines = table(result).splitlines()
    assert lines[2] == "| 0.25 | - | 0.5 | 1.5707 | none found |"
    assert lines[3] == "| 0.5 | 0.5 | 0.5 | 1.5707 | 1.25 (diverges) |"


def test_the_command(loop, quick, tmp_path):
    words = ["study", "margin", loop, "-o", tmp_path / "out", "--scale", "2", "--method", "lmi"]
    result = run_certdde(*words, "--json")
    assert result.status == 0
    answer = json.loads(result.out)
    assert [row["scale"] for row in answer["rows"]] == [2.0]
    assert quick == [("lmi", (-1.0, 2.0))]
    assert (tmp_path / "out" / "margins.png").exists()
    assert "linearisation: 1.57079 (float64)" in run_certdde(*words).out


@pytest.mark.parametrize(
    "words",
    [
        ["--scale", "0"],
        ["--scale", "-1"],
        ["--scale", "nan"],
        ["--scale", "inf"],
        ["--method", "magic"],
        ["--budget", "0"],
        ["--attack", "-1"],
        ["--from", "2", "--to", "1"],
        ["--to", "inf"],
    ],
)
def test_bad_options(loop, quick, tmp_path, words):
    run_certdde("study", "margin", loop, "-o", tmp_path / "out", *words).complaint()
    assert not quick


def test_a_global_claim_has_no_domain_to_scale(tmp_path):
    path = tmp_path / "linear.toml"
    path.write_text(
        '[system]\nequations = ["x\' = -x(t - tau)"]\n[delays.tau]\nrange = [0.0, 1.0]\n'
    )
    complaint = run_certdde("study", "margin", path, "-o", tmp_path / "out").complaint()
    assert "no domain" in complaint


def test_a_system_without_constant_delays_is_refused(tmp_path):
    data = {
        "system": {"equations": ["x' = -a*x(t - tau)"], "parameters": {"a": [0.9, 1.1]}},
        "delays": {"tau": {"range": [0.0, 1.0]}},
    }
    data["system"]["domain"] = {"x": [-1.0, 1.0]}
    with pytest.raises(domain_margin.ProblemError):
        DomainStudy(Problem.from_dict(data), 1.0).run()
