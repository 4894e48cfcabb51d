"""Certificates for parameters in intervals and equilibria that are no decimals, from the problem to the check."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from command_line import run_certdde

from certdde.certificates.certificate import Certificate
from certdde.certificates.content import read_content
from certdde.delays.classes import Constant, Measurable
from certdde.learning.area import stays_and_converges
from certdde.learning.certify import certify
from certdde.learning.region import grid_points
from certdde.systems.delay_system import DelaySystem
from certdde.systems.members import member
from certdde.verify.second_opinion import compare

EXAMPLES = Path(__file__).parents[2] / "examples"


def logistic(lower: float = 0.9, upper: float = 1.1) -> DelaySystem:
    return DelaySystem.from_equations(
        ["x' = -a*(1 + x)*x(t - tau)"], parameters={"a": (lower, upper)}, domain={"x": (-0.5, 1.0)}
    )


def moving() -> DelaySystem:
    return DelaySystem.from_equations(
        ["x' = r*x*(1 - x(t - tau)/K)"],
        parameters={"r": (0.9, 1.1), "K": (0.98, 1.02)},
        domain={"x": (0.5, 2.0)},
        equilibrium={"x": 1.0},
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> dict[str, Certificate]:
    place, tau = tmp_path_factory.mktemp("intervals"), Constant("tau", 0.0, 0.3)
    made = {"logistic": logistic(), "moving": moving()}
    return {
        name: certify(system, tau, method="quadratic").save(place / f"{name}.certdde")
        for name, system in made.items()
    }


@pytest.mark.parametrize("name", ["logistic", "moving"])
def test_certified_and_confirmed_in_balls(saved, name):
    certificate = saved[name]
    assert certificate.rigor == "rigorous", certificate.data["statistics"]
    assert certificate.check().valid
    opinion = compare(certificate.path)
    assert opinion.agree, opinion


@pytest.mark.parametrize("name", ["logistic", "moving"])
def test_solutions_of_random_members_keep_to_the_claim(saved, name):
    """Constant histories with V <= c stay in the domain and converge, for random parameters and delays."""
    content = read_content(saved[name])
    rng, [piece] = np.random.default_rng(0), content.pieces
    inside = 0
    for _ in range(6):
        values = {
            p.name: Fraction(f"{rng.uniform(float(p.lower), float(p.upper)):.6f}")
            for p in content.system.family.parameters
        }
        one, tau = member(content.system, values), float(rng.uniform(0.01, 0.3))
        points = grid_points(one, 60)
        kept = points[piece.functional.on_constant_histories(points, tau) <= piece.level]
        inside += len(kept)
        assert bool(stays_and_converges(one, kept, tau).all()), values
    assert inside > 60


def test_the_example_by_command(tmp_path):
    out = tmp_path / "out"
    done = run_certdde("certify", EXAMPLES / "uncertain_logistic.toml", "-o", out)
    assert done.status == 0, done
    assert "every constant a in [0.9, 1.1]" in done.out
    checked = run_certdde("check", out / "certificate.certdde", "--json")
    assert checked.status == 0
    assert json.loads(checked.out)["valid"] is True
    report = (out / "report.md").read_text()
    assert "a in [0.9, 1.1]" in report
    refused = run_certdde("export", out / "certificate.certdde", "--vnnlib", tmp_path / "vnn")
    assert "intervals cannot be exported" in refused.complaint()


@pytest.mark.slow
def test_the_tumour_by_command(tmp_path):
    out = tmp_path / "out"
    done = run_certdde("certify", EXAMPLES / "immune.toml", "-o", out)
    assert done.status == 0, done
    assert "y in [29.7544" in done.out
    checked = run_certdde("check", out / "certificate.certdde", "--json")
    assert json.loads(checked.out)["valid"] is True


@pytest.mark.parametrize("ends", [(0.9, 4.0), (-0.1, 1.0)])
def test_an_unstable_member_refutes(ends):
    found = certify(logistic(*ends), Constant("tau", 0.0, 0.5), method="quadratic", budget=60)
    assert found.status == "refuted"
    value = found.data["counterexample"]["parameters"]["a"]
    assert value in ends
    assert f"a = {value:.6g}" in found.claim


def test_where_it_is_open_is_said_with_the_constants():
    found = certify(logistic(0.9, 1.6), Constant("tau", 0.0, 0.9), method="lmi", budget=20)
    assert found.status == "unknown"
    assert "Traceback" not in found.claim


def test_a_delay_that_varies(tmp_path):
    found = certify(logistic(), Measurable("tau", 0.0, 0.3), method="quadratic")
    assert found.rigor == "rigorous", found.data["statistics"]
    assert found.claim.startswith(
        "For every measurable delay tau(t) with values in [0.0, 0.3] and every constant a in [0.9, 1.1],"
    )


def test_a_linear_system_about_a_point_that_is_no_decimal():
    system = DelaySystem.from_equations(
        ["x' = a - 3*x(t - tau)"], parameters={"a": (1.0, 2.0)}, equilibrium="find"
    )
    found = certify(system, Constant("tau", 0.0, 0.3))
    assert found.rigor == "rigorous", found
    assert found.claim.endswith("is globally asymptotically stable.")


@pytest.mark.slow
def test_a_network_for_an_interval():
    """Quadratic functionals of order 1 end below 0.8 for a up to 1.1."""
    found = certify(logistic(), Constant("tau", 0.0, 0.8), method="neural", budget=500)
    assert found.rigor == "rigorous", found.claim
    assert found.data["engine"] == "neural"


@pytest.mark.slow
def test_a_small_network_is_proved_along_the_constants():
    """Training, sampling and proof with a network of few units, on a range that needs no more."""
    found = certify(logistic(), Constant("tau", 0.0, 0.2), method="neural", steps=150, budget=60)
    assert found.rigor == "rigorous", found.claim
