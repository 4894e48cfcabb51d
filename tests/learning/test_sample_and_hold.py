"""Class ``sampled``: certificates, refutations, and what is done for nonlinear systems."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from certdde import Constant, DelaySystem, Measurable, ProblemError, Sampled, Several, certify
from certdde.certificates.sampled import quadratic_form
from certdde.learning.sample_and_hold import covering_ends, held_solutions, held_system
from certdde.systems.problem import Problem

EQUATIONS = ["x' = y", "y' = -0.1*y - 0.375*x(t - tau) - 1.15*y(t - tau)"]


def scalar() -> DelaySystem:
    return DelaySystem.from_equations(["x' = -x(t - tau)"])


def hutchinson() -> DelaySystem:
    return DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]})


def test_the_scalar_equation_to_two(tmp_path):
    """The third of the trio pi/2, 3/2, 2: neither a constant delay nor any measurable one is stable here."""
    found = certify(scalar(), Sampled("tau", 0.0, 1.999))
    assert found.rigor == "rigorous"
    assert found.data["kind"] == "sampled"
    assert found.data["delay"] == {"name": "tau", "class": "sampled", "range": [0.0, 1.999]}
    assert found.save(tmp_path / "a").check().claim == found.claim
    assert certify(scalar(), Constant("tau", 0.0, 1.999), budget=20).status == "refuted"
    assert certify(scalar(), Measurable("tau", 0.0, 1.52), budget=20).rigor != "rigorous"


@pytest.mark.parametrize("upper", [2.0, 2.001, 3.0])
def test_beyond_two(upper):
    found = certify(scalar(), Sampled("tau", 0.0, upper), budget=20)
    assert found.status == ("unknown" if upper == 2.0 else "refuted")
    if found.status == "refuted":
        assert found.data["counterexample"]["word"][0] > 2.0
        assert "under sample and hold with the step" in found.claim


def test_two_states():
    system = DelaySystem.from_equations(EQUATIONS)
    found = certify(system, Sampled("tau", 0.0, 1.729))
    assert found.rigor == "rigorous"
    p = quadratic_form(found)
    generator = torch.Generator().manual_seed(1)
    steps = 1.729 * torch.rand(60, 32, generator=generator, dtype=torch.float64)
    steps[:, ::2] = torch.where(steps[:, ::2] < 0.8, 1e-3, 1.729)
    start = torch.randn(32, 2, generator=generator, dtype=torch.float64)
    _, states = held_solutions(system, start, steps)
    inner = (len(states) - 1) // len(steps)
    x = states[::inner].numpy()
    v = np.einsum("tbi,ij,tbj->tb", x, p, x)
    assert (v[1:] < v[:-1]).all()


def test_steps_neither_short_nor_long():
    system = DelaySystem.from_equations(["x' = y", "y' = -2*x + 0.1*y + x(t - tau)"])
    assert certify(system, Sampled("tau", 0.4, 1.6)).rigor == "rigorous"
    assert certify(system, Sampled("tau", 0.0, 1.6)).status == "refuted"


@pytest.mark.parametrize("ends", [(0.7, 0.7), (0.1, 0.7), (0.0, 0.7), (0.5, 0.5), (1e-9, 1.3)])
def test_ends_are_decimals(ends):
    low, high = (Fraction(end) for end in covering_ends(*ends))
    assert 0 <= low <= Fraction(repr(ends[0]))
    assert Fraction(repr(ends[1])) <= high
    assert certify(scalar(), Sampled("tau", *ends)).rigor == "rigorous"


def test_a_nonlinear_system_gets_more_than_was_asked():
    """Delays of sample and hold are measurable: the certificate is about all of those, and says what was asked."""
    found = certify(hutchinson(), Sampled("tau", 0.3, 1.2), method="theorem")
    assert found.rigor == "rigorous"
    assert found.data["delay"] == {"name": "tau", "class": "measurable", "range": [0.0, 1.2]}
    asked = found.data["statistics"]["asked"]
    assert asked == {"name": "tau", "class": "sampled", "range": [0.3, 1.2]}
    assert found.claim.startswith("For every measurable delay tau(t) with values in [0.0, 1.2]")


def test_where_that_fails_the_answer_is_about_what_was_asked():
    """1.7 is stable for sample and hold, not for a constant delay: that would be no counterexample."""
    found = certify(hutchinson(), Sampled("tau", 0.0, 1.7), method="theorem", budget=20)
    assert found.status == "unknown"
    assert found.data["delay"]["class"] == "sampled"
    assert "escape" not in found.data["statistics"]


def test_a_nonlinear_system_is_refuted_by_steps():
    found = certify(hutchinson(), Sampled("tau", 0.0, 2.2), method="theorem", budget=20)
    assert found.status == "refuted"
    assert found.data["counterexample"]["radius"] > 1
    assert found.data["counterexample"]["trajectory"]["delays"] == {"tau": [2.2]}


def test_parameters_in_intervals():
    system = DelaySystem.from_equations(
        ["x' = -a*x - b*x(t - tau)"],
        parameters={"a": [1.0, 1.2], "b": 0.5},
        domain={"x": [-1.0, 1.0]},
    )
    found = certify(system, Sampled("tau", 0.0, 0.5), method="lmi", budget=20)
    assert found.rigor == "rigorous"
    assert found.data["delay"]["class"] == "measurable"
    worse = DelaySystem.from_equations(
        ["x' = -b*x(t - tau)"], parameters={"b": [1.0, 1.2]}, domain={"x": [-1.0, 1.0]}
    )
    assert certify(worse, Sampled("tau", 0.0, 1.9), method="lmi", budget=20).status == "refuted"


def test_held_solutions_are_those_of_the_maps():
    system = DelaySystem.from_equations(EQUATIONS)
    steps = [0.5, 1.7, 0.01, 1.0]
    start = torch.tensor([[1.0, -2.0]], dtype=torch.float64)
    times, states = held_solutions(system, start, steps)
    assert float(times[-1]) == pytest.approx(sum(steps))
    expected = held_system(system).product(steps) @ start[0].numpy()
    assert states[-1, 0].numpy() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("equations", "delays", "said"),
    [
        (["x[t+1] = x[t] - 0.1*x[t-tau]"], ["tau"], "a scheme takes one delay"),
        (["x' = -x(t - 2*tau)"], ["tau"], "sample and hold takes one delay, without multiples"),
    ],
)
def test_what_it_does_not_take(equations, delays, said):
    system = DelaySystem.from_equations(equations, delays=delays)
    with pytest.raises(ProblemError) as caught:
        certify(system, Sampled("tau", 0, 1))
    assert said in str(caught.value)


@pytest.mark.parametrize("method", ["spectral", "sos", "razumikhin", "theorem"])
def test_methods_that_do_not_take_it(method):
    with pytest.raises(ProblemError) as caught:
        certify(scalar(), Sampled("tau", 0.0, 1.0), method=method)
    assert "not sampled ones" in str(caught.value)


def test_one_of_several_delays_is_not_sampled():
    data = {
        "system": {"equations": ["x' = -x(t - tau) - x(t - sigma)"]},
        "delays": {
            "tau": {"class": "sampled", "range": [0.0, 0.5]},
            "sigma": {"range": [0.0, 0.5]},
        },
    }
    with pytest.raises(ProblemError) as caught:
        Problem.from_dict(data).delay_class()
    assert "the delay tau is one of 2 and not constant" in str(caught.value)
    assert Several((Constant("a", 0, 1),)).kind == "several"
