"""The method ``theorem``: certificates up to the 3/2 theorem's limit, and nothing beyond it."""

import pytest
from command_line import run_certdde
from example_systems import hutchinson, logistic, pendulum, scalar

from certdde.certificates.claim import claim_sentence
from certdde.delays.classes import Constant, Measurable
from certdde.errors import ProblemError
from certdde.learning.certify import certify
from certdde.studies.margin import margin
from certdde.systems import DelaySystem
from certdde.systems.problem import Problem

# The delay up to which every measurable one is certified, and at least which radius of histories.
BARS = [
    (0.5, 0.33),
    (0.74, 0.28),
    (1.0, 0.24),
    (1.2, 0.15),
    (1.4, 0.024),
    (1.49, 4e-4),
    (1.4999, 4e-7),
]


def by_theorem(system, delay, **options):
    return certify(system, delay, method="theorem", **options)


@pytest.mark.parametrize("kind", [Constant, Measurable])
@pytest.mark.parametrize("h", [0.1, 1.4999, 1.499999999])
def test_the_scalar_equation(kind, h, tmp_path):
    found = by_theorem(scalar(), kind("tau", 0.0, h))
    assert (found.status, found.rigor) == ("certified", "rigorous")
    data = found.data
    assert (data["kind"], data["engine"]) == ("yorke", "theorem")
    assert data["claim"] == claim_sentence(data["system"], data["delay"], data["region"], "yorke")
    assert data["claim"].endswith("is globally asymptotically stable.")
    assert found.save(tmp_path / "a.certdde").check().claim == data["claim"]


@pytest.mark.parametrize(("h", "radius"), BARS)
def test_hutchinson(h, radius):
    found = by_theorem(hutchinson(), Measurable("tau", 0.0, h))
    assert (found.status, found.rigor) == ("certified", "rigorous")
    region = found.data["region"]["radius"]
    assert region["rho"] >= radius
    low, high = region["box"]
    assert -0.5 <= low < -region["rho"]
    assert region["rho"] < high <= 1
    assert found.data["claim"].endswith("and tends to the equilibrium.")


@pytest.mark.parametrize(
    ("system", "h"),
    [
        (scalar(), 1.5),
        (scalar(), 1.51),
        (hutchinson(), 1.5),
        (DelaySystem.from_equations(["x' = -x - 2*x(t - tau)"]), 0.7),
        (DelaySystem.from_equations(["x' = x - 2*x(t - tau)"]), 0.1),
        (DelaySystem.from_equations(["x' = -x(t - tau)**3"], domain={"x": [-1, 1]}), 0.1),
        (DelaySystem.from_equations(["x' = -x + x(t - tau)"]), 0.1),
    ],
)
def test_not_beyond(system, h):
    found = by_theorem(system, Measurable("tau", 0.0, h), budget=20)
    assert found.status == "unknown"
    assert found.data["functional"] is None
    assert found.data["statistics"]["methods"][0]["method"] == "theorem"


def test_an_equilibrium_elsewhere_and_a_domain_that_is_an_end():
    found = by_theorem(logistic(), Measurable("tau", 0.0, 0.5))
    assert found.rigor == "rigorous"
    assert found.data["region"]["radius"]["box"][0] == 0.5
    carrying = DelaySystem.from_equations(
        ["x' = r*x*(1 - x(t - tau)/k)"],
        parameters={"r": 0.9, "k": 0.3},
        domain={"x": [0.1, 1.0]},
        equilibrium={"x": 0.3},
    )
    found = by_theorem(carrying, Measurable("tau", 0.0, 1.6))
    assert found.rigor == "rigorous"
    assert "with k = 0.3, r = 0.9 is asymptotically stable" in found.claim


def test_gains_that_need_a_partition():
    system = DelaySystem.from_equations(["x' = 1 - exp(x(t - tau))"], domain={"x": [-3.0, 3.0]})
    found = by_theorem(system, Measurable("tau", 0.0, 0.5))
    assert found.rigor == "rigorous"
    assert found.data["statistics"]["boxes"]["leaves"] > 4
    assert found.data["region"]["radius"]["rho"] > 1.2


def test_friction_is_allowed():
    system = DelaySystem.from_equations(["x' = -x - 2*tanh(x(t - tau))"], domain={"x": [-3.0, 3.0]})
    assert by_theorem(system, Measurable("tau", 0.0, 0.6)).rigor == "rigorous"


def test_auto_tries_it_first_where_it_applies():
    found = certify(scalar(), Measurable("tau", 0.0, 1.45))
    assert found.data["engine"] == "theorem"
    assert [one["method"] for one in found.data["statistics"]["methods"]] == ["theorem"]
    slower = DelaySystem.from_equations(["x' = -2*x - x(t - tau)"])
    found = certify(slower, Measurable("tau", 0.0, 1.2), order=1)
    assert found.rigor == "rigorous"
    said = found.data["statistics"]["methods"]
    assert said[0]["method"] == "theorem"
    assert "3/2 theorem" in said[0]["said"]
    assert said[-1]["said"] == "proved"


def test_other_systems_are_refused_in_one_line():
    with pytest.raises(ProblemError, match=r"single equation x' = f"):
        by_theorem(pendulum(), Measurable("tau", 0.0, 0.1))


def problem(system: dict, upper: float) -> Problem:
    delays = {"tau": {"class": "measurable", "range": [0.0, upper]}}
    return Problem.from_dict({"system": system, "delays": delays})


def test_margins():
    linear = problem({"equations": ["x' = -2*x(t - tau)"]}, 1.0)
    found = margin(linear, method="theorem", start=0.0, stop=2.0)
    assert 0.749999 < found.delay_margin < 0.75
    assert (found.rigor, found.method) == ("rigorous", "theorem")
    assert found.intervals == [(0.0, found.delay_margin)]
    none = problem({"equations": ["x' = x(t - tau)"]}, 1.0)
    assert margin(none, method="theorem", start=0.0, stop=2.0).delay_margin is None
    short = margin(linear, method="auto", start=0.0, stop=0.7)
    assert (short.method, short.delay_margin) == ("theorem", 0.7)
    two = problem({"equations": ["x' = -y", "y' = x(t - tau) - y"]}, 1.0)
    with pytest.raises(ProblemError, match="--method: the method theorem takes a single"):
        margin(two, method="theorem", start=0.0, stop=1.0)


@pytest.mark.parametrize("name", ["linear/scalar_measurable.toml", "hutchinson_measurable.toml"])
def test_the_examples_on_the_command_line(name, tmp_path, pytestconfig):
    path = pytestconfig.rootpath / "examples" / name
    result = run_certdde("certify", path, "-o", tmp_path)
    assert result.status == 0, result
    assert "certified, rigorous, engine theorem" in result.out
    checked = run_certdde("check", tmp_path / "certificate.certdde", "--arb")
    assert checked.status == 0
    assert "no second opinion" in checked.out


def test_a_typo_and_a_wrong_system_are_one_line(tmp_path, pytestconfig):
    path = pytestconfig.rootpath / "examples" / "linear" / "scalar_measurable.toml"
    words = ("certify", path, "-o", tmp_path, "--set")
    assert "did you mean 'theorem'?" in run_certdde(*words, "certify.method=theorm").complaint()
    two = 'system.equations=["x\' = -y(t - tau)", "y\' = -x"]'
    assert "single equation" in run_certdde(*words, two).complaint()
