"""Margins of, and attacks on, sample and hold."""

import numpy as np
import pytest

from certdde import DelaySystem, ProblemError, Sampled, certify
from certdde.certificates import Certificate
from certdde.certificates.sampled import sampled_certified
from certdde.studies.attack import attack_certificate, attack_problem
from certdde.studies.margin import margin
from certdde.systems.problem import Problem

CONTROLLER = ["x' = y", "y' = -0.1*y - 0.375*x(t - tau) - 1.15*y(t - tau)"]


def problem(equations, ends=(0.0, 1.0), **system) -> Problem:
    return Problem.from_dict(
        {
            "system": {"equations": equations, **system},
            "delays": {"tau": {"class": "sampled", "range": list(ends)}},
        }
    )


def test_margins_reach_the_exact_ends():
    """2 for the scalar equation, and for two states the end of equal steps, 1.72941428 by eigenvalues."""
    for equations, end in ((["x' = -x(t - tau)"], 2.0), (CONTROLLER, 1.72941428)):
        found = margin(problem(equations), method="auto", stop=3.0)
        assert end * (1 - 1e-5) < found.delay_margin < end
        assert found.rigor == "rigorous"
        assert found.certificate.data["delay"]["range"] == [0.0, found.delay_margin]
        assert found.certificate.rigor == "rigorous"
        assert end < found.unstable < 1.01 * end


def test_a_margin_that_does_not_begin_at_zero():
    found = margin(
        problem(["x' = y", "y' = -2*x + 0.1*y + x(t - tau)"]), method="lmi", start=0.75, stop=2.5
    )
    assert found.delay_margin > 1.5
    assert found.intervals == [(0.75, found.delay_margin)]
    nothing = margin(problem(["x' = x(t - tau)"]), method="lmi", stop=1.0)
    assert nothing.delay_margin is None
    assert nothing.intervals == []


def test_the_margin_of_a_nonlinear_system_is_that_of_measurable_delays():
    one = problem(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]})
    found = margin(one, method="theorem", start=0.2, stop=3.0)
    assert found.delay_margin == pytest.approx(1.5, abs=1e-4)
    assert found.intervals[0][0] == 0.0


def test_methods_that_do_not_take_it():
    with pytest.raises(ProblemError) as caught:
        margin(problem(["x' = -x(t - tau)"]), method="spectral", stop=3.0)
    assert "takes no sample and hold" in str(caught.value)


# ---- attacks


def test_nothing_is_found_against_a_certificate(tmp_path):
    system = DelaySystem.from_equations(CONTROLLER)
    saved = certify(system, Sampled("tau", 0.0, 1.72)).save(tmp_path / "a.certdde")
    found = attack_certificate(Certificate.load(saved.path), budget=2)
    assert not found.found
    assert found.tried > 0
    assert found.worst["growth"] < 0
    assert found.worst["rise"] < 0


def test_false_certificates_are_seen_through():
    system = DelaySystem.from_equations(CONTROLLER)
    false = sampled_certified(system, Sampled("tau", 0.0, 1.75), np.eye(2), [0.0, 1.75])
    found = attack_certificate(false, budget=5).violation
    assert found.kind == "unstable linearisation"
    assert found.states[-1].abs().max() > found.states[0].abs().max()
    wrong = sampled_certified(system, Sampled("tau", 0.0, 1.0), np.eye(2), [0.0, 1.0])
    assert attack_certificate(wrong, budget=5).violation.kind == "V rises"


def test_problems():
    scalar = DelaySystem.from_equations(["x' = -x(t - tau)"])
    assert not attack_problem(scalar, Sampled("tau", 0.0, 1.95), budget=1).found
    found = attack_problem(scalar, Sampled("tau", 0.0, 2.1), budget=5).violation
    assert found.delay == pytest.approx(2.1)
    assert "sample and hold, steps 2.1, repeated" in found.varies
    hutchinson = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]})
    leaves = attack_problem(hutchinson, Sampled("tau", 0.0, 1.9), budget=20).violation
    assert leaves.kind == "leaves the domain"
    assert leaves.states[-1].item() < -0.5 or leaves.states[-1].item() > 1.0
    calm = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.1, 0.1]})
    assert not attack_problem(calm, Sampled("tau", 0.0, 0.5), budget=1).found
